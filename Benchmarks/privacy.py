#!/usr/bin/env python3
"""What two attacks learn of the text that nano was trained on: membership and extraction, with default options and
a public seed, so that the figures come out again.

Trains per collection and scope on the collection as it is and attacks the result with `polymath adapter privacy` (held out:
its test part). The control attacks with a file trained on another collection: what it seems to know, it cannot know. Then
trains on the collection with the canaries of `polymath corpus plant`, and asks for them.
Usage: Benchmarks/privacy.py [--polymath PATH] [--scopes norms,boundary]
"""
import argparse
import json
import os
import subprocess
import tempfile

COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]


def run(command):
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def gain(side):
    low, high = side["gain_interval"]
    return f"{side['gain']:.3f} ({low:.3f} to {high:.3f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=".build/release/polymath")
    parser.add_argument("--scopes", default="norms,boundary")
    options = parser.parse_args()
    polymath = options.polymath

    def train(text, scope, out):
        run([polymath, "train", "--base", "nano", "--corpus", text, "--scope", scope, "--seed", "0", "--out", out, "--json"])
        return os.path.join(out, "boundary.gguf" if scope == "boundary" else "adapter.gguf")

    def attack(exported, text, *words):
        return run([polymath, "adapter", "privacy", "--base", "nano", "--adapter", exported, "--data", text, "--json",
                    *words])

    with tempfile.TemporaryDirectory() as folder:
        print("| scope | trained on | attacked | gain held in | gain held out | area under curve | found at 1 % |")
        print("|---|---|---|---|---|---|---|")
        for scope in options.scopes.split(","):
            exported = {name: train(f"Corpora/{name}", scope, f"{folder}/{scope}-{name}") for name in COLLECTIONS}
            for index, name in enumerate(COLLECTIONS):
                for trained in [name, COLLECTIONS[(index + 1) % len(COLLECTIONS)]]:
                    found = attack(exported[trained], f"Corpora/{name}")[-1]
                    low, high = found["auc_interval"]
                    print(f"| `{scope}` | {trained} | {name}{'' if trained == name else ' (control)'} "
                          f"| {gain(found['held_in'])} | {gain(found['held_out'])} "
                          f"| {found['auc']:.3f} ({low:.3f} to {high:.3f}) "
                          f"| {100 * found['tpr_at_1_percent_fpr']:.1f} % |", flush=True)
        print("\n| scope | planted in | copies | exposure of base, bits | with what was trained | written out |")
        print("|---|---|---|---|---|---|")
        for scope in options.scopes.split(","):
            for name in COLLECTIONS:
                text = f"{folder}/{scope}-{name}-planted"
                run([polymath, "corpus", "plant", f"Corpora/{name}", "--out", text, "--json"])
                exported = train(text, scope, f"{folder}/{scope}-{name}-with")
                canaries = attack(exported, text, "--secrets", f"{text}/secrets.json")[:-1]
                for copies in sorted({canary["copies"] for canary in canaries}):
                    some = [canary for canary in canaries if canary["copies"] == copies]
                    bits = [", ".join(f"{canary[key]:.1f}" for canary in some) for key in ["exposure_base", "exposure"]]
                    print(f"| `{scope}` | {name} | {copies} | {bits[0]} | {bits[1]} "
                          f"| {sum(canary['written_out'] for canary in some)} of {len(some)} |", flush=True)


if __name__ == "__main__":
    main()
