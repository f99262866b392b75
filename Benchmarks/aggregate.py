#!/usr/bin/env python3
"""Aggregates many signed adapters of the Qwen2.5-1.5B shape, and compares what comes out with numpy.

Makes COUNT adapters (scope norms, Q8_0, 9,024 bytes each) of COUNT signers for a base that holds nothing but norm gains,
runs `polymath-verify federation aggregate` with each method, and prints seconds, peak memory and the largest difference
to a plain numpy oracle. Needs numpy and `cryptography`.
Usage: aggregate.py [--count N] [--threads N] [--verifier PATH] [--folder DIR] [--no-oracle]
"""
import argparse
import hashlib
import json
import os
import shutil
import struct
import sys
import tempfile
import time

import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
import make_vectors as writer  # noqa: E402
import polymath_adapter as reader  # noqa: E402

WIDTH, LAYERS = 1536, 28
NAMES = reader.names("norms", LAYERS)


def text_value(words):
    return struct.pack("<I", 8) + writer.text(words)


def base_file():
    """A GGUF with the architecture, the number of layers and every norm gain, all of them 1."""
    names = sorted(reader.names("all-norms", LAYERS))
    keys = [("general.architecture", text_value("qwen2")), ("qwen2.block_count", struct.pack("<II", 4, LAYERS))]
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(names), len(keys))
    head += b"".join(writer.text(name) + value for name, value in keys)
    gain = np.ones(WIDTH, dtype="<f4").tobytes()
    for index, name in enumerate(names):
        head += writer.text(name) + struct.pack("<IQIQ", 1, WIDTH, 0, index * len(gain))
    return head + bytes(-len(head) % 32) + gain * len(names)


def private_key(number):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"client %d of a benchmark; public" % number).digest())


def blocks(number):
    """Random steps and scales as an encoder could have written them: one step of each block has the magnitude 127."""
    random = np.random.default_rng(number)
    count = len(NAMES) * WIDTH // 32
    data = np.zeros(count, dtype=[("scale", "<f2"), ("steps", "i1", 32)])
    data["scale"] = (random.random(count) * 1e-3 + 1e-5).astype("<f2")
    data["steps"] = random.integers(-127, 128, (count, 32))
    data["steps"][:, 0] = 127
    return data


def values(data):
    return (data["steps"].astype(np.float64) * data["scale"].astype(np.float64)[:, None]).astype(np.float32).ravel()


def make(folder, count, root):
    os.makedirs(os.path.join(folder, "inbox"), exist_ok=True)
    prints = []
    for number in range(count):
        private = private_key(number)
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        prints.append("SHA256:" + hashlib.sha256(public).hexdigest())
        keys = [("general.architecture", "qwen2"), ("general.type", "adapter"), ("adapter.type", "norm"),
                ("adapter.norm.version", 1), ("adapter.norm.scope", "norms"), ("adapter.norm.encoding", "q8_0"),
                ("adapter.base.root", root), ("adapter.run.recipe", bytes(32)), ("adapter.signer", public),
                ("adapter.signature", bytes(64))]
        data = blocks(number).reshape(len(NAMES), WIDTH // 32)
        tensors = [[name, [WIDTH], 8, data[index].tobytes()] for index, name in enumerate(NAMES)]
        with open(os.path.join(folder, "inbox", f"{number:06}.gguf"), "wb") as file:
            file.write(writer.write(keys, tensors, private))
    with open(os.path.join(folder, "roster.txt"), "w") as file:
        file.write("\n".join(prints) + "\n")


def run(words, environment):
    """Exit status, seconds, processor seconds and peak resident bytes of one process."""
    begin, peak = time.monotonic(), 0
    # What it prints is in the record; what it says when it fails stands on standard error.
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(words[0], words, environment, file_actions=silent)
    done = 0
    while not done:
        # Not ru_maxrss: that begins with what this process has, which is more.
        try:
            with open(f"/proc/{child}/status") as file:
                peak = max([peak] + [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")])
        except OSError:
            pass
        done, status, usage = os.wait4(child, os.WNOHANG)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(status), time.monotonic() - begin, usage.ru_utime + usage.ru_stime, peak


def oracle(method, count):
    all_values = np.stack([values(blocks(number)) for number in range(count)])
    if method == "median":
        return np.median(all_values, axis=0)
    if method == "trimmed-mean":
        return np.sort(all_values, axis=0)[1:-1].mean(axis=0, dtype=np.float64)
    norms = np.sqrt((all_values.astype(np.float64) ** 2).sum(axis=1))
    factors = np.minimum(1, np.median(norms) / norms)
    return factors @ all_values.astype(np.float64) / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--verifier", default=os.path.join(ROOT, ".build/release/polymath-verify"))
    parser.add_argument("--folder", help="kept afterwards, and used again when it holds the adapters")
    parser.add_argument("--no-oracle", action="store_true")
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    base = base_file()
    with open(os.path.join(folder, "base.gguf"), "wb") as file:
        file.write(base)
    if not os.path.exists(os.path.join(folder, "roster.txt")):
        make(folder, options.count, reader.root(*reader.parse(base)))
    failed = False
    for method in ["median", "trimmed-mean", "clipped-mean"]:
        out = os.path.join(folder, method + ".gguf")
        for path in [out, out[:-5] + ".record.json"]:
            if os.path.exists(path):
                os.remove(path)
        words = [options.verifier, "federation", "aggregate", os.path.join(folder, "inbox"), "--base",
                 os.path.join(folder, "base.gguf"), "--round", "1", "--roster", os.path.join(folder, "roster.txt"),
                 "--method", method, "--adapter-encoding", "f32", "--threads", str(options.threads), "--out", out,
                 "--identity", os.path.join(folder, "operator.pem")]
        status, seconds, processor, peak = run(words, dict(os.environ))
        if status != 0:
            return 1
        result = {"method": method, "adapters": options.count, "threads": options.threads,
                  "seconds": round(seconds, 2), "processor_seconds": round(processor, 2),
                  "peak_resident_mib": round(peak / 2**20, 1),
                  "record_bytes": os.path.getsize(out[:-5] + ".record.json")}
        if not options.no_oracle:
            with open(out, "rb") as file:
                found = np.concatenate(list(reader.read(file.read())[1].values()))
            difference = float(np.abs(found - oracle(method, options.count)).max())
            result["largest_difference"] = difference
            failed |= not difference < 1e-7
        print(json.dumps(result), flush=True)
    if not options.folder:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
