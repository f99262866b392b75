#!/usr/bin/env python3
"""Learning rates by scope and optimiser, judged on validation text alone; test parts are never read.

Every run is `polymath train --base nano --seed 0` with default options but for scope, optimiser, rate and batch size.
Prints a Markdown table of the best validation loss (nats per token) and, for each scope and optimiser at batch 1, the
rate that is best on the mean over all collections and the smallest within 0.02 nats of it: the default. Usage: Benchmarks/sweep.py [--polymath PATH] [--json FILE] [--only SCOPE:OPTIMIZER]
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import tempfile

COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]
GRID = {
    ("norms", "adamw"): [1e-2, 2e-2, 4e-2, 8e-2, 0.16],
    ("tail", "adamw"): [1e-2, 2e-2, 4e-2, 8e-2, 0.16],
    ("all-norms", "adamw"): [1e-2, 2e-2, 4e-2, 8e-2, 0.16],
    ("boundary", "adamw"): [1e-4, 3e-4, 1e-3, 3e-3],
    ("norms", "sgd"): [1.0, 3.0, 10.0, 30.0],
    ("tail", "sgd"): [1.0, 3.0, 10.0, 30.0],
    ("all-norms", "sgd"): [0.3, 1.0, 3.0, 10.0],
    ("boundary", "sgd"): [0.03, 0.1, 0.3, 1.0, 3.0],
}
BATCHES = {("norms", "adamw"): [1, 4]}


def validation_loss(polymath, scope, optimizer, rate, batch, collection):
    with tempfile.TemporaryDirectory() as folder:
        command = [
            polymath, "train", "--base", "nano", "--corpus", f"Corpora/{collection}", "--scope", scope,
            "--optimizer", optimizer, "--learning-rate", repr(rate), "--batch-size", str(batch),
            "--threads", "1", "--seed", "0", "--out", os.path.join(folder, "run"), "--json",
        ]
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    last = json.loads(lines[-1]) if lines else {"event": "none"}
    if last["event"] != "run_finished":
        return None, None
    return last["validation_loss_before"], last["validation_loss_after"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=".build/release/polymath")
    parser.add_argument("--json")
    parser.add_argument("--only", action="append")
    options = parser.parse_args()
    rows = []
    # One run per core, each with one thread: how many threads work changes no bit of a result.
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    print("| scope | optimiser | batch | rate | " + " | ".join(COLLECTIONS) + " | mean |")
    print("|---|---|---|---|" + "---|" * (len(COLLECTIONS) + 1))
    for (scope, optimizer), rates in GRID.items():
        if options.only and f"{scope}:{optimizer}" not in options.only:
            continue
        for batch in BATCHES.get((scope, optimizer), [1]):
            for rate in rates:
                results = list(pool.map(
                    lambda c: validation_loss(options.polymath, scope, optimizer, rate, batch, c), COLLECTIONS))
                after = [r[1] for r in results]
                mean = sum(after) / len(after) if all(a is not None for a in after) else None
                rows.append({"scope": scope, "optimizer": optimizer, "batch": batch, "rate": rate,
                             "before": [r[0] for r in results], "after": after, "mean": mean})
                cells = ["–" if a is None else f"{a:.4f}" for a in after + [mean]]
                print(f"| {scope} | {optimizer} | {batch} | {rate:g} | " + " | ".join(cells) + " |", flush=True)
    for scope, optimizer in dict.fromkeys((r["scope"], r["optimizer"]) for r in rows):
        known = [r for r in rows if (r["scope"], r["optimizer"], r["batch"]) == (scope, optimizer, 1) and r["mean"]]
        best = min(known, key=lambda r: r["mean"])
        chosen = min((r for r in known if r["mean"] <= best["mean"] + 0.02), key=lambda r: r["rate"])
        print(f"{scope}, {optimizer}: best at {best['rate']:g} ({best['mean']:.4f}); "
              f"smallest within 0.02 of it: {chosen['rate']:g} ({chosen['mean']:.4f})")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
