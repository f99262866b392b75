#!/usr/bin/env python3
"""A training at 1.5 billion parameters in less memory than its base: hard limits by control groups.

Two steps of 128 tokens, scope norms, on the stand-in (over 1 GB of file, which is mapped): without a limit, within exactly
what the run announces, within half of it, beside another process of the group that reads a file of 2 GB over and over
so that the base's pages are evicted, and within a third, where it must refuse. Each run begins with none of the base in
memory, so that its pages count for the group. The exported deltas must be the same
bytes each time. Major faults are pages that had to be read from the disk again.
Usage: pressure.py [--polymath PATH] [--base FILE] [--out FILE.json]
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from device.groups import Groups, Unavailable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOKENS = 128
READER = """
import sys
while True:
    with open(sys.argv[1], "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
"""


class Training:
    def __init__(self, options, folder, group):
        self.options, self.folder, self.group = options, folder, group

    def run(self, name, limit, beside=None):
        """What one run took, and the digest of what it learned; None for that where it was refused."""
        self.group.memory(None)
        with open(self.options.base, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if not self.group.memory(limit):
            sys.exit(f"{name}: the kernel does not take a limit of {limit} bytes")
        other = subprocess.Popen([sys.executable, "-c", READER, beside], preexec_fn=self.group.enter) if beside else None
        words = [self.options.polymath, "train", "--base", self.options.base, "--tokens", f"{self.folder}/tokens.json",
                 "--scope", "norms", "--seq-len", str(TOKENS), "--steps", "2", "--seed", "0", "--validation-fraction", "0",
                 "--identity", f"{self.folder}/identity.pem", "--out", f"{self.folder}/{name}", "--json"]
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=self.group.enter)
        lines = [json.loads(line) for line in process.stdout]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if other:
            other.kill()
            other.wait()
        result = {"name": name, "limit_bytes": limit, "status": process.returncode,
                  "seconds": time.perf_counter() - began, "major_faults": usage.ru_majflt}
        if process.returncode:
            return result | {"message": lines[-1]["message"]}
        plan = next(line["memory"] for line in lines if "memory" in line)
        return result | {
            "planned_bytes": plan["total"], "recomputed_feed_forward": plan["recomputed_feed_forward"],
            "peak_anonymous_bytes": lines[-1]["anonymous_memory_bytes"],
            "losses": [line["loss"] for line in lines if line["event"] == "step"],
            "content_id": lines[-1]["content_id"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--base", default=os.path.join(ROOT, ".build/bench/q4_k_m.gguf"))
    parser.add_argument("--out")
    options = parser.parse_args()
    try:
        group = Groups("polymath-pressure")
    except Unavailable as reason:
        sys.exit(str(reason))
    # A folder beside the base: the temporary one may lie in memory, where its pages would count.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(options.base))) as folder:
        try:
            with open(f"{folder}/tokens.json", "w", encoding="ascii") as file:
                json.dump([index * 7919 % 50000 for index in range(3 * TOKENS)], file)
            with open(f"{folder}/other", "wb") as file:
                for _ in range(512):
                    file.write(os.urandom(1 << 22))
            # A copy: pages of a file that somebody else maps stay theirs.
            copy = f"{folder}/base.gguf"
            shutil.copyfile(options.base, copy)
            with open(copy, "rb+") as file:
                os.fsync(file.fileno())
            options.base = copy
            training = Training(options, folder, group)
            rows = [training.run("unlimited", None)]
            announced = rows[0]["planned_bytes"]
            rows.append(training.run("announced", announced))
            rows.append(training.run("half", announced // 2))
            rows.append(training.run("eviction", announced + (256 << 20), beside=f"{folder}/other"))
            rows.append(training.run("third", announced // 3))
        finally:
            group.close()
    text = json.dumps(rows, indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf8") as file:
            file.write(text + "\n")
    finished = rows[:-1]
    if any(row["status"] for row in finished) or rows[-1]["status"] != 5:
        sys.exit(1)
    if len({(row["content_id"], *row["losses"]) for row in finished}) != 1:
        sys.exit("the runs differ")


if __name__ == "__main__":
    main()
