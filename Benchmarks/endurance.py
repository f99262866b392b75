#!/usr/bin/env python3
"""An hour on one device that is shared, starved and killed: training and evaluation at 1.5 billion parameters.

For so many minutes a training runs under limits that change every few seconds (processor and memory, by control
groups), is killed or stopped at random and resumed each time, and another process evaluates an adapter now and then
under the same limits. Then the same recipe is run undisturbed up to the same step. Every loss of the one must be that
of the other, and the state of the last step the same bytes.
Usage: endurance.py [--polymath PATH] [--minutes N] [--seed S] [--markdown FILE] [--svg FILE] [--out FILE.json]
"""
import argparse
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from device.groups import Changing, Groups, Unavailable
from speed import plot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARES = [None, 0.75, 0.5, 0.35, 0.2]
TOKENS, EVALUATED = 128, 512
# What may be said at an end that was not asked for: a limit fell below the need.
RESOURCES = 5


class Phase:
    """A training that goes on until it is told to end, and what it told of itself."""

    def __init__(self, options, folder, name, group=None):
        self.options, self.folder, self.group = options, folder, group
        self.out = os.path.join(folder, name)
        self.began = time.monotonic()
        self.losses, self.steps, self.deaths, self.violations = {}, [], [], []
        self.process, self.isOver = None, False
        self.plan = None

    def words(self, more):
        if os.path.exists(os.path.join(self.out, "run.json")):
            return [self.options.polymath, "train", "--resume", self.out, "--json"]
        return [self.options.polymath, "train", "--base", self.options.base, "--tokens",
                os.path.join(self.folder, "tokens.json"), "--scope", "norms", "--seq-len", str(TOKENS),
                "--validation-fraction", "0", "--schedule", "constant", "--warmup", "0", "--seed", "0", "--steps", "100000",
                "--identity", os.path.join(self.folder, "identity.pem"), "--out", self.out, *more, "--json"]

    def run(self, *more):
        """One process from its start to its end; its exit status."""
        with subprocess.Popen(self.words(more), stdout=subprocess.PIPE, text=True,
                              preexec_fn=self.group.enter if self.group else None) as self.process:
            for line in self.process.stdout:
                try:
                    self.take(json.loads(line))
                except json.JSONDecodeError:
                    pass  # A line that the kill cut short.
        return self.process.returncode

    def take(self, event):
        now = time.monotonic() - self.began
        if "memory" in event:
            self.plan = event["memory"]["total"]
        if event["event"] == "step":
            step, loss = event["step"], event["loss"]
            if self.losses.setdefault(step, loss) != loss:
                self.violations.append(f"step {step} was {self.losses[step]}, and {loss} when it was made again")
            device = event["device"]
            self.steps.append({"at": now, "step": step, "seconds": TOKENS / event["tokens_per_second"],
                               "anonymous": device["anonymous_bytes"], "resident": device["resident_bytes"]})
        elif event["event"] == "seal_violation":
            self.violations.append(f"seal_violation: {event}")
        elif event["event"] == "error":
            print(f"\n{event['message']}", file=sys.stderr)

    def state(self, step):
        path = os.path.join(self.out, f"checkpoints/step_{step:08}/state.f32")
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


class Disturber:
    """Changes limits, kills, and counts what it did."""

    def __init__(self, phase, seed):
        self.phase, self.draw = phase, random.Random(seed)
        self.changes = []
        self.kills = self.stops = 0

    def limit(self):
        share = self.draw.choice(SHARES)
        spare = self.draw.choice([None, 600, 400, 250])
        memory = self.phase.plan + (spare << 20) if spare and self.phase.plan else None
        self.phase.group.share(share)
        # The kernel evicts pages until the limit fits; where it cannot, the limit stays as it was.
        isTaken = self.phase.group.memory(memory)
        self.changes.append({"at": time.monotonic() - self.phase.began, "share": share,
                             "memory": memory if isTaken else "unchanged"})

    def kill(self):
        process = self.phase.process
        if process is None or process.poll() is not None or not self.phase.steps:
            return
        isHard = self.draw.random() < 0.75
        self.kills, self.stops = self.kills + isHard, self.stops + (not isHard)
        process.send_signal(signal.SIGKILL if isHard else signal.SIGTERM)


def evaluate(options, folder, adapter, group=None):
    """Loss of the adapter on tokens of its own, and seconds that it took."""
    began = time.monotonic()
    done = subprocess.run([options.polymath, "eval", "--base", options.base, "--adapter", adapter, "--tokens",
                           os.path.join(folder, "held.json"), "--seq-len", str(TOKENS), "--json"],
                          capture_output=True, text=True, preexec_fn=group.enter if group else None)
    if done.returncode == RESOURCES and group:
        return None, 0
    if done.returncode:
        sys.exit(f"eval: status {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])["loss"], time.monotonic() - began


def disturbed(options, folder, adapter, wanted):
    group = Groups("polymath-endurance")
    phase = Phase(options, folder, "disturbed", group)
    disturber = Disturber(phase, options.seed)
    until = phase.began + options.minutes * 60
    evaluations = []

    def serve():
        while time.monotonic() < until - 30:
            loss, seconds = evaluate(options, folder, adapter, group)
            if loss is not None:
                evaluations.append(seconds)
                if loss != wanted:
                    phase.violations.append(f"an evaluation gave {loss}, not {wanted}")
            time.sleep(20)

    def watch():
        while time.monotonic() < until:
            time.sleep(1)
            print(f"\r{(time.monotonic() - phase.began) / 60:.1f} min, step {max(phase.losses, default=0)}, "
                  f"{disturber.kills} kills", end="", file=sys.stderr, flush=True)
        phase.isOver = True

    server = threading.Thread(target=serve, daemon=True)
    clock = threading.Thread(target=watch, daemon=True)
    server.start()
    clock.start()
    try:
        with Changing(disturber.limit, (8, 25)), Changing(disturber.kill, (20, 70)):
            while not phase.isOver:
                # An evaluation may hold what the training needs: later there may be room.
                if phase.deaths and phase.deaths[-1] == RESOURCES:
                    time.sleep(5)
                ended = threading.Thread(target=lambda: phase.deaths.append(phase.run("--checkpoint-every", "5")))
                ended.start()
                while ended.is_alive() and not phase.isOver:
                    ended.join(0.5)
                if phase.isOver:
                    group.share(None)
                    group.memory(None)
                    if ended.is_alive():
                        phase.process.send_signal(signal.SIGTERM)
                    ended.join()
        server.join()
        # Killed or refused at the very end: one more process, asked to stop once it has made a step.
        while phase.deaths[-1] != 128 + signal.SIGTERM:
            asked = threading.Timer(20, lambda: phase.process.send_signal(signal.SIGTERM))
            asked.start()
            phase.deaths.append(phase.run())
            asked.cancel()
    finally:
        throttled = group.throttled_seconds()
        group.close()
    allowed = (-signal.SIGKILL, 128 + signal.SIGTERM, RESOURCES)
    phase.violations += [f"a process ended with status {status}" for status in phase.deaths if status not in allowed]
    return phase, disturber, evaluations, throttled


def baseline(options, folder, last):
    phase = Phase(options, folder, "baseline")

    def stop():
        while last not in phase.losses:
            time.sleep(0.05)
        while not os.path.exists(os.path.join(phase.out, f"checkpoints/step_{last:08}")):
            time.sleep(0.05)
        phase.process.send_signal(signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    phase.deaths.append(phase.run("--checkpoint-every", str(last)))
    return phase


def drift(steps):
    """Median anonymous bytes of the last quarter less those of the first, of steps after each process's first few."""
    values = [step["anonymous"] for step in steps]
    quarter = max(1, len(values) // 4)
    return statistics.median(values[-quarter:]) - statistics.median(values[:quarter])


def summary(options, phase, disturber, evaluations, throttled, undisturbed):
    last = max(phase.losses)
    # It may have gone a step further before it was stopped.
    undisturbed.steps = [step for step in undisturbed.steps if step["step"] <= last]
    differing = [step for step, loss in phase.losses.items() if undisturbed.losses.get(step) != loss]
    same = phase.state(last) == undisturbed.state(last)
    if differing:
        phase.violations.append(f"losses of {len(differing)} steps differ from the undisturbed run's")
    if not same:
        phase.violations.append(f"the state of step {last} differs from the undisturbed run's")
    verified = subprocess.run([options.polymath, "audit", "verify", phase.out], capture_output=True, text=True)
    if "paused at" not in verified.stdout:
        phase.violations.append(f"audit verify: {verified.stdout}{verified.stderr}")
    slow = max(phase.steps, key=lambda step: step["seconds"])

    def median(steps):
        return statistics.median(step["seconds"] for step in steps)
    return {
        "minutes": (phase.steps[-1]["at"]) / 60, "steps": last, "tokens": last * TOKENS,
        "steps_made": len(phase.steps), "kills": disturber.kills, "stops": disturber.stops,
        "ended_for_memory": phase.deaths.count(RESOURCES), "processes": len(phase.deaths),
        "limit_changes": len(disturber.changes), "throttled_core_seconds": throttled,
        "evaluations": len(evaluations), "violations": phase.violations,
        "losses_compared": len(phase.losses), "state_is_the_same": same,
        "planned_bytes": phase.plan, "peak_anonymous_bytes": max(step["anonymous"] for step in phase.steps),
        "memory_drift_bytes": drift(phase.steps), "slowest_step_seconds": slow["seconds"],
        "median_step_seconds": median(phase.steps), "undisturbed_median_step_seconds": median(undisturbed.steps),
        "undisturbed_slowest_step_seconds": max(step["seconds"] for step in undisturbed.steps),
        "undisturbed_minutes": undisturbed.steps[-1]["at"] / 60,
        "undisturbed_memory_drift_bytes": drift(undisturbed.steps),
        "evaluation_median_seconds": statistics.median(evaluations) if evaluations else None,
    }


def markdown(options, result):
    def mb(value):
        return f"{value / 1e6:.1f} MB"
    rows = [
        ("time", f"{result['minutes']:.1f} min", f"{result['undisturbed_minutes']:.1f} min"),
        ("steps, tokens", f"{result['steps']}, {result['tokens']}", f"{result['steps']}, {result['tokens']}"),
        ("steps made again after kills", result["steps_made"] - result["steps"], 0),
        ("processes: SIGKILL, SIGTERM, ended for want of memory",
         f"{result['processes']}: {result['kills']}, {result['stops']}, {result['ended_for_memory']}", "1"),
        ("changes of limits; time kept from running, summed over cores",
         f"{result['limit_changes']}; {result['throttled_core_seconds']:.0f} s", "0"),
        ("evaluations served", result["evaluations"], "–"),
        ("step, median", f"{result['median_step_seconds']:.2f} s", f"{result['undisturbed_median_step_seconds']:.2f} s"),
        ("step, slowest", f"{result['slowest_step_seconds']:.2f} s",
         f"{result['undisturbed_slowest_step_seconds']:.2f} s"),
        ("anonymous memory, planned and peak",
         f"{mb(result['planned_bytes'])}, {mb(result['peak_anonymous_bytes'])}", "–"),
        ("anonymous memory, last quarter less first", mb(result["memory_drift_bytes"]),
         mb(result["undisturbed_memory_drift_bytes"])),
        ("losses that differ", sum("losses of" in text or "made again" in text for text in result["violations"]), "–"),
        ("state of the last step", "the same bytes" if result["state_is_the_same"] else "differs", "–"),
        ("violations", len(result["violations"]), "–"),
    ]
    table = "\n".join(f"| {name} | {one} | {other} |" for name, one, other in rows)
    violations = "".join(f"\n- {text}" for text in result["violations"])
    return f"""# Endurance

`make endurance MINUTES={options.minutes:g}`: a training at the shape of Qwen2.5-1.5B (synthetic weights, layout q4_k_m, scope
`norms`, windows of {TOKENS} tokens, seed {options.seed} of the disturbances) under limits that change every 8 to 25 seconds: the
whole processor down to a fifth of it, memory from unlimited down to 250 MB above the plan for both processes, so that
the base's pages are evicted while they run. Every 20 to 70 seconds it is killed (three of four times) or stopped by SIGTERM, and resumed.
Beside it an adapter is evaluated under the same limits. Then the same recipe runs undisturbed to the same step.

| | disturbed | undisturbed |
|---|---|---|
{table}
{violations}
![Seconds of each step over time](endurance.svg)

A limited Linux machine is no phone: heat, a battery, an operating system that kills by its own rules and flash storage
that slows down are not in this figure.
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--base", default=os.path.join(ROOT, ".build/bench/q4_k_m.gguf"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("--markdown", "--svg", "--out"):
        parser.add_argument(name)
    options = parser.parse_args()
    options.polymath = os.path.abspath(options.polymath)
    if not os.path.exists(options.base):
        os.makedirs(os.path.dirname(options.base), exist_ok=True)
        subprocess.run([options.polymath, "base", "synth", "qwen-1.5b-q4", "--layout", "q4_k_m", "--out", options.base],
                       check=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, count, stride in (("tokens", 64 * TOKENS + 1, 7919), ("held", EVALUATED + 1, 104729)):
            with open(os.path.join(folder, f"{name}.json"), "w", encoding="ascii") as file:
                json.dump([index * stride % 50000 for index in range(count)], file)
        first = Phase(options, folder, "first")
        words = first.words([])
        words[words.index("100000")] = "2"
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        adapter = os.path.join(first.out, "adapter.gguf")
        wanted, _ = evaluate(options, folder, adapter)
        try:
            phase, disturber, evaluations, throttled = disturbed(options, folder, adapter, wanted)
        except Unavailable as reason:
            sys.exit(f"{reason}; endurance needs them")
        print("\nundisturbed", file=sys.stderr)
        undisturbed = baseline(options, folder, max(phase.losses))
        result = summary(options, phase, disturber, evaluations, throttled, undisturbed)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf8") as file:
            file.write(text + "\n")
    if options.markdown:
        with open(options.markdown, "w", encoding="utf8") as file:
            file.write(markdown(options, result))
    if options.svg:
        series = {name: [(step["at"] / 60, step["seconds"]) for step in which.steps]
                  for name, which in (("disturbed", phase), ("undisturbed", undisturbed))}
        with open(options.svg, "w", encoding="utf8") as file:
            file.write(plot.figure([plot.chart("Step", "minutes", "seconds", series, is_log=False)], columns=1))
    if result["violations"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
