#!/usr/bin/env python3
"""Adapter × collection on the test parts of nano's three collections, base row included.

Trains one adapter per collection with default options, then measures the base and every adapter on every test part:
mean loss in nats per token with its interval, and the difference to the base with the interval of that difference
(paired: the same windows are drawn for both). 95 % bootstrap intervals over windows, from `polymath eval --bootstrap`.
Usage: Benchmarks/evidence.py [--polymath PATH] [--scope SCOPE]
"""
import argparse
import json
import os
import subprocess
import tempfile

COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]


def run(command):
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return json.loads(lines[-1])


def interval(pair):
    return f"{pair[0]:.3f} to {pair[1]:.3f}"


def cell(result):
    text = f"{result['loss']:.4f} ({interval(result['loss_interval'])})"
    if "base_loss" in result:
        difference = result["loss"] - result["base_loss"]
        text += f"; {difference:+.4f} ({interval(result['difference_interval'])})"
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=".build/release/polymath")
    parser.add_argument("--scope", default="norms")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        adapters = {}
        for name in COLLECTIONS:
            out = os.path.join(folder, name)
            finished = run([options.polymath, "train", "--base", "nano", "--corpus", f"Corpora/{name}",
                            "--scope", options.scope, "--seed", "0", "--out", out, "--json"])
            adapters[name] = finished
        print("| adapter | " + " | ".join(f"{c}, test" for c in COLLECTIONS) + " |")
        print("|---" * (len(COLLECTIONS) + 1) + "|")
        for row in [None] + COLLECTIONS:
            cells = []
            for text in COLLECTIONS:
                command = [options.polymath, "eval", "--base", "nano", "--corpus", f"Corpora/{text}",
                           "--part", "test", "--bootstrap", "2000", "--json"]
                if row:
                    command += ["--adapter", adapters[row]["adapter"], "--compare"]
                cells.append(cell(run(command)))
            print(f"| {row or 'none (base)'} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

