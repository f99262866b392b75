#!/usr/bin/env python3
"""One layer of a 1.5 billion parameter model on a slow "phone", and what that does to every token.

Coordinator and phone are processes in network namespaces of their own. The line between them delays and loses packets
(tc netem on a veth pair, or device/link.py where the kernel has none), and control groups take most of the processor and
of the memory from the phone. The same prompt is written on from by the coordinator alone, with an unhindered helper, with
the phone, and with a phone that is killed on the way. Tokens and all logits must be the same each time.
Needs root; without it, it says so and leaves. A measuring instrument, not a serving engine.
Usage: pipeline.py [--pipeline PATH] [--base NAME] [--tokens N] [--layer N] [--out FILE.json]
"""
import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time

from device.groups import Groups, Unavailable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = os.path.join(ROOT, "Benchmarks/device/link.py")
COORDINATOR, PHONE = f"pm-coordinator-{os.getpid()}", f"pm-phone-{os.getpid()}"
ADDRESSES = "10.77.0.1", "10.77.0.2"
PROMPT = "The tide was out and the boats lay on their sides"


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


class Line:
    """Two namespaces and what joins them."""

    def __init__(self, delay, loss):
        self.relay = None
        for name in (COORDINATOR, PHONE):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "pmveth0", "netns", COORDINATOR, "type", "veth", "peer", "name", "pmveth1", "netns", PHONE)
        ends = [(COORDINATOR, "pmveth0", ADDRESSES[0]), (PHONE, "pmveth1", ADDRESSES[1])]
        for name, device, address in ends:
            ip("-n", name, "addr", "add", f"{address}/30", "dev", device)
            ip("-n", name, "link", "set", device, "up")
        made = [ip("netns", "exec", name, "tc", "qdisc", "add", "dev", device, "root", "netem", "delay", f"{delay}ms",
                   "loss", f"{loss}%", check=False).returncode for name, device, _ in ends]
        self.kind = "tc netem on a veth pair"
        if any(made):
            # The kernel has no such queue: the veth pair gives way to a line that this program carries itself.
            ip("-n", COORDINATOR, "link", "del", "pmveth0")
            self.kind = "packets carried by device/link.py between TUN devices (this kernel has no netem)"
            self.relay = subprocess.Popen(
                [sys.executable, LINK, COORDINATOR, ADDRESSES[0], PHONE, ADDRESSES[1], str(delay), str(loss), "7"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if self.relay.stdout.readline() != "ready\n":
                raise Unavailable("no line between the namespaces could be made")

    def close(self):
        counts = None
        if self.relay:
            counts, _ = self.relay.communicate()
            counts = json.loads(counts)
        for name in (COORDINATOR, PHONE):
            ip("netns", "del", name, check=False)
        return counts


def remember(lines, stream, began, opened):
    for line in stream:
        lines.append(json.loads(line) | {"at_seconds": round(time.perf_counter() - began, 3)})
        if lines[-1]["event"] == "opened":
            opened()


def mapped(pid, path):
    """Bytes of the base that a process maps, and how many of them it has touched."""
    size = touched = 0
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        inside = False
        for line in file:
            fields = line.split()
            if "-" in fields[0]:
                inside = line.rstrip().endswith(path)
            elif inside and fields[0] in ("Size:", "Rss:"):
                amount = int(fields[1]) << 10
                size, touched = (size + amount, touched) if fields[0] == "Size:" else (size, touched + amount)
    return size, touched


class Measurement:
    def __init__(self, options, folder, path):
        self.options, self.folder, self.path = options, folder, path
        self.keys = {}
        for name in ("coordinator", "phone"):
            # A run that cannot begin makes the key all the same.
            subprocess.run([options.pipeline, "run", "--base", "nano", "--prompt", "a", "--max-tokens", "1", "--home", ROOT,
                            "--identity", f"{folder}/{name}.pem"], check=True, capture_output=True)
            public = subprocess.run(["openssl", "pkey", "-in", f"{folder}/{name}.pem", "-pubout"], check=True,
                                    capture_output=True, text=True).stdout
            with open(f"{folder}/{name}.pub", "w", encoding="ascii") as file:
                file.write(public)
        with open(f"{folder}/peers", "w", encoding="ascii") as file:
            file.write("coordinator.pub\n")

    def run(self, name, phone=None, line=None, group=None, kill_after=None):
        with open(self.path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        words = [self.options.pipeline, "run", "--base", self.options.base, "--prompt", PROMPT, "--max-tokens",
                 str(self.options.tokens), "--identity", f"{self.folder}/coordinator.pem", "--patience", "60", "--json"]
        prefix = ["ip", "netns", "exec", COORDINATOR] if line else []
        began, events, server, throttled = time.perf_counter(), [], None, 0.0
        if phone:
            def opened():
                if kill_after:
                    threading.Timer(kill_after, lambda: os.kill(listening["process"], signal.SIGKILL)).start()
            server, told, listening = self.serve(line, group, events, began, opened)
            with open(f"{self.folder}/stages", "w", encoding="ascii") as file:
                file.write(f"layers {self.options.layer}..{self.options.layer} "
                           f"{ADDRESSES[1] if line else '127.0.0.1'}:{listening['port']} {listening['fingerprint']}\n")
            words += ["--stages", f"{self.folder}/stages"]
            throttled = group.throttled_seconds() if group else 0.0
        run = subprocess.run(prefix + words, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        lines = [json.loads(text) for text in run.stdout.splitlines()]
        if run.returncode:
            sys.exit(f"{name}: status {run.returncode}\n{run.stdout}{run.stderr}")
        finished = lines[-1]
        result = {"name": name, "seconds": seconds, "num_tokens": finished["num_tokens"],
                  "first_token_seconds": finished["first_token_seconds"],
                  "latency_median_seconds": finished["latency_median_seconds"],
                  "latency_p95_seconds": finished["latency_p95_seconds"],
                  "latencies_seconds": [event["seconds"] for event in lines if event["event"] == "token"],
                  "tokens": finished["tokens"], "logits_sha256_chain": finished["logits_sha256_chain"],
                  "set_aside": finished["set_aside"], "stages": finished["stages"],
                  "coordinator_events": [event for event in lines if event["event"] in ("replacement", "passed_over")]}
        if server:
            result["phone"] = self.figures(finished, listening, group, throttled, seconds)
            self.stop(server, listening, told)
            result["phone"]["events"] = events
        print(f"{name}: median {finished['latency_median_seconds']:.3f} s, 95th percentile "
              f"{finished['latency_p95_seconds']:.3f} s a token, {seconds:.0f} s in all", file=sys.stderr)
        return result

    def serve(self, line, group, events, began, opened):
        words = ["ip", "netns", "exec", PHONE] if line else []
        words += [self.options.pipeline, "serve", "--base", self.options.base,
                  "--layers", f"{self.options.layer}..{self.options.layer}",
                  "--listen", f"{ADDRESSES[1] if line else '127.0.0.1'}:0", "--peers", f"{self.folder}/peers",
                  "--identity", f"{self.folder}/phone.pem", "--threads", "1", "--json"]
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=group.enter if group else None)
        first = server.stdout.readline()
        if not first:
            sys.exit("the stage does not start")
        events.append(json.loads(first) | {"at_seconds": round(time.perf_counter() - began, 3)})
        told = threading.Thread(target=remember, args=(events, server.stdout, began, opened), daemon=True)
        told.start()
        return server, told, events[0]

    def figures(self, finished, listening, group, throttled, seconds):
        stage = next((one for one in finished["stages"] if one["role"] == f"layers {self.options.layer}.."
                      f"{self.options.layer}"), None)
        figures = {"stage": stage}
        with contextlib.suppress(OSError):
            size, touched = mapped(listening["process"], os.path.basename(self.path))
            figures |= {"mapped_bytes": size, "touched_bytes": touched}
        if group:
            figures |= {"throttled_seconds": group.throttled_seconds() - throttled,
                        "group_peak_memory_bytes": group.peak_memory()}
        return figures

    @staticmethod
    def stop(server, listening, told):
        # What the coordinator's leaving makes the stage say comes within a moment.
        time.sleep(0.5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(listening["process"], signal.SIGTERM)
        server.wait()
        told.join(2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline", default=os.path.join(ROOT, ".build/release/polymath-pipeline"))
    parser.add_argument("--base", default="qwen-1.5b-q4-synthetic")
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--layer", type=int, default=14)
    parser.add_argument("--delay", type=float, default=15, help="milliseconds, each way")
    parser.add_argument("--loss", type=float, default=1, help="per cent of packets, each way")
    parser.add_argument("--share", type=float, default=0.05, help="of one core")
    parser.add_argument("--memory", type=int, default=64, help="MiB, pages of the base included")
    parser.add_argument("--out")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("Namespaces and control groups need root; nothing was measured.", file=sys.stderr)
        return
    home = os.environ.get("POLYMATH_HOME", ROOT)
    path = options.base if os.path.exists(options.base) else f"{home}/Checkpoints/{options.base}.gguf"
    if not os.path.exists(path):
        sys.exit(f"There is no base at {path}; polymath base synth qwen-1.5b-q4 makes the stand-in.")
    try:
        group = Groups("polymath-phone")
    except Unavailable as reason:
        sys.exit(str(reason))
    counts = None
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.callback(group.close)
        measurement = Measurement(options, folder, path)
        runs = [measurement.run("coordinator alone")]
        runs.append(measurement.run("with a helper on the same machine", phone=True))
        line = Line(options.delay, options.loss)
        try:
            group.share(options.share / group.cores)
            group.memory(options.memory << 20)
            runs.append(measurement.run("with the phone", phone=True, line=line, group=group))
            usual = runs[-1]["latency_median_seconds"]
            group.memory(None)
            group.memory(options.memory << 20)
            runs.append(measurement.run(
                "with a phone that is killed", phone=True, line=line, group=group,
                kill_after=runs[-1]["first_token_seconds"] + 4 * usual))
        finally:
            counts = line.close()
    same = all(run["tokens"] == runs[0]["tokens"] and run["logits_sha256_chain"] == runs[0]["logits_sha256_chain"]
               for run in runs)
    version = subprocess.run([options.pipeline, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    result = {"instrument": "a measuring instrument for devices, not a serving engine", "program": version,
              "machine": f"{platform.machine()}, {os.cpu_count()} cores", "base": options.base, "layer": options.layer,
              "prompt": PROMPT, "line": {"kind": line.kind, "delay_milliseconds_each_way": options.delay,
                                         "loss_percent_each_way": options.loss, "counts": counts},
              "phone_limits": {"share_of_one_core": options.share, "memory_bytes": options.memory << 20},
              "identical_tokens_and_logits": same, "runs": runs}
    text = json.dumps(result, indent=1)
    if options.out:
        with open(options.out, "w", encoding="utf8") as file:
            file.write(text + "\n")
    else:
        print(text)
    if not same:
        sys.exit("The runs differ.")


if __name__ == "__main__":
    main()
