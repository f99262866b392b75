#!/usr/bin/env python3
"""Whether a throttled processor changes a bit: the same trainings and generations at three speeds.

Each of 20 trainings (collections, scopes, seeds, arithmetics) and each of 100 generations of 50 tokens is run without a
limit, at a steady fifth of the processor, and under a ramp between a tenth and the whole of it. Losses of all steps and
validations, the exported bytes and the generated tokens must be the same. Limits are control groups; where none can be
made, the process is stopped and continued ten times a second.
Usage: throttle.py [--polymath PATH] [--trainings N] [--generations N] [--out FILE.json]
"""
import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time

from device.groups import Changing, DutyCycle, Groups, Unavailable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]
SCOPES = ["norms", "tail", "all-norms", "boundary"]
PROMPTS = ["The tide was out and", "In the morning", "She said that", "Nobody had", "There is a"]
RAMP = [1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
SPEEDS = ["unlimited", "fifth", "ramp"]


class Limiter:
    def __init__(self):
        try:
            self.limit, self.name = Groups("polymath-throttle"), "control groups"
        except Unavailable as reason:
            print(reason, file=sys.stderr)
            self.limit, self.name = DutyCycle(), "SIGSTOP and SIGCONT"
        self.turn = 0

    def run(self, words, speed):
        """Lines of the program's output, seconds that it took, and seconds for which it was kept from running."""
        self.limit.share(0.2 if speed == "fifth" else None)
        before, began = self.limit.throttled_seconds(), time.perf_counter()
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=self.limit.enter) as process:
            if isinstance(self.limit, DutyCycle):
                threading.Thread(target=self.limit.drive, args=[process], daemon=True).start()
            if speed == "ramp":
                with Changing(self.climb, 0.25):
                    output = process.stdout.read()
            else:
                output = process.stdout.read()
        if process.returncode:
            sys.exit(f"{' '.join(words)}: status {process.returncode}\n{output}")
        self.limit.share(None)
        return ([json.loads(line) for line in output.splitlines()], time.perf_counter() - began,
                self.limit.throttled_seconds() - before)

    def climb(self):
        self.limit.share(RAMP[self.turn % len(RAMP)])
        self.turn += 1


def training(polymath, index, folder, speed):
    words = [polymath, "train", "--base", "nano", "--corpus", f"Corpora/{COLLECTIONS[index % 3]}",
             "--scope", SCOPES[index % 4], "--compute", ["auto", "f32", "int8"][index // 4 % 3],
             "--seed", str(index), "--steps", "12", "--eval-every", "6", "--checkpoint-every", "4",
             "--out", os.path.join(folder, f"{index}-{speed}"), "--json"]

    def essence(lines):
        events = [[line["event"], line["step"], line["loss"]] for line in lines
                  if line["event"] in ("step", "validation")]
        with open(lines[-1]["adapter"], "rb") as file:
            return [events, hashlib.sha256(file.read()).hexdigest()]
    return words, essence


def generation(polymath, index, adapters):
    words = [polymath, "generate", "--base", "nano", "--prompt", PROMPTS[index % len(PROMPTS)], "--seed", str(index),
             "--max-tokens", "50", "--temperature", ["0.8", "0", "1.2"][index % 3], "--json"]
    # Every other one with something learned on top.
    if index % 2:
        words += ["--adapter", adapters[index // 2 % len(adapters)]]
    return words, lambda lines: lines[-1]["tokens"]


def compare(limiter, cases, name, count):
    """Runs each case at each speed; the speeds take turns, so that a drift of the machine hits all of them."""
    seconds, throttled = ({speed: 0.0 for speed in SPEEDS} for _ in range(2))
    differences, compared = [], 0
    for index in range(count):
        essences = {}
        for speed in SPEEDS:
            words, essence = cases(index, speed)
            lines, took, kept = limiter.run(words, speed)
            seconds[speed] += took
            throttled[speed] += kept
            essences[speed] = essence(lines)
        for speed in SPEEDS[1:]:
            compared += 1
            if essences[speed] != essences[SPEEDS[0]]:
                differences.append({"case": index, "speed": speed})
        print(f"\r{name} {index + 1} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"count": count, "comparisons": compared, "differences": differences,
            "seconds": seconds, "throttled_core_seconds": throttled}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--trainings", type=int, default=20)
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--out")
    options = parser.parse_args()
    os.chdir(ROOT)
    limiter = Limiter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            trainings = compare(limiter, lambda index, speed: training(options.polymath, index, folder, speed),
                                "training", options.trainings)
            adapters = [path for index in range(options.trainings) if SCOPES[index % 4] != "boundary"
                        and os.path.exists(path := os.path.join(folder, f"{index}-unlimited/adapter.gguf"))]
            generations = compare(limiter, lambda index, _: generation(options.polymath, index, adapters),
                                  "generation", options.generations)
    finally:
        limiter.limit.close()
    version = subprocess.run([options.polymath, "--version"], capture_output=True, text=True, check=True).stdout
    result = {"program": version.splitlines()[0], "machine": f"{platform.machine()}, {os.cpu_count()} cores",
              "limited_by": limiter.name, "trainings": trainings, "generations": generations}
    text = json.dumps(result, indent=2)
    if options.out:
        with open(options.out, "w", encoding="utf8") as file:
            file.write(text + "\n")
    print(text)
    # A limit that keeps nobody from running shows nothing.
    real = all(part["throttled_core_seconds"]["fifth"] > 0.1 * part["seconds"]["fifth"]
               for part in (trainings, generations))
    if trainings["differences"] or generations["differences"] or not real:
        sys.exit(1)


if __name__ == "__main__":
    main()
