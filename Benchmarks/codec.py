#!/usr/bin/env python3
"""What eight bits cost: the same training exported in F32 and in Q8_0, measured on the test parts of the collections.

For comparison what this format does not do, made here and nowhere in the product: the trained gains themselves (base
plus delta) rounded to 8 bits, in blocks, with one scale for all of them, and as floats of 8 bits (E4M3). Prints
Markdown. Needs numpy and cryptography (`make codec` has them).
Usage: codec.py [--polymath PATH] [--scope SCOPE] [--learning-rate X] [--steps N]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
import make_vectors as writer  # noqa: E402
import polymath_adapter as reader  # noqa: E402

BASE = os.path.join(ROOT, "Checkpoints/nano-q4_k_m.gguf")
COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]


def run(program, *words):
    done = subprocess.run([program, *map(str, words), "--json"], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"polymath {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def test_loss(options, collection, adapter=None, base=BASE):
    words = ["--adapter", adapter] if adapter else []
    return run(options.polymath, "eval", "--base", base, "--corpus", f"Corpora/{collection}", "--part", "test",
               *words)["loss"]


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def with_gains(path, gains):
    """The base with other gains: an adapter could not hold all of these, so the file's own bytes are replaced."""
    data = contents(BASE)
    _, tensors = reader.parse(data)
    for name, values in gains.items():
        data = data.replace(tensors[name][2], values.astype("<f4").tobytes(), 1)
    with open(path, "wb") as file:
        file.write(data)
    return path


def in_blocks(values, _):
    return reader.deltas("gains", reader.ENCODINGS["q8_0"], writer.q8_0(values))


def in_one_scale(values, largest):
    return (np.round(values / (largest / 127)) * (largest / 127)).astype(np.float32)


def in_e4m3(values, _):
    step = np.exp2(np.maximum(np.floor(np.log2(np.maximum(abs(values), 1e-30))), -6) - 3)
    return (np.round(values / step) * step).astype(np.float32)


WHOLE = {"whole": in_blocks, "scale": in_one_scale, "e4m3": in_e4m3}


def norm(tensors):
    return float(np.sqrt(sum(np.sum(np.square(values, dtype=np.float64)) for values in tensors)))


def row(options, collection, folder):
    # One public seed: a secret one would be another training each time, and dither both encodings.
    adapters, sizes, train = {}, {}, ["--scope", options.scope, "--seed", 0]
    train += ["--learning-rate", options.learning_rate] if options.learning_rate else []
    train += ["--steps", options.steps] if options.steps else []
    for encoding in ("f32", "q8_0"):
        done = run(options.polymath, "train", "--base", BASE, "--corpus", f"Corpora/{collection}",
                   "--adapter-encoding", encoding, "--out", os.path.join(folder, f"{collection}-{encoding}"), *train)
        adapters[encoding], sizes[encoding] = os.path.join(ROOT, done["adapter"]), done["adapter_bytes"]
    _, exact = reader.read(contents(adapters["f32"]))
    _, coded = reader.read(contents(adapters["q8_0"]))
    _, gains = reader.apply(contents(adapters["f32"]), contents(BASE))
    bases = {name: gains[name] - exact[name] for name in gains}
    bare = test_loss(options, collection)
    loss = {encoding: test_loss(options, collection, path) for encoding, path in adapters.items()}
    largest = max(abs(v).max() for v in gains.values())
    for kind, rounded in WHOLE.items():
        changed = {name: rounded(values, largest) for name, values in gains.items()}
        loss[kind] = test_loss(options, collection, base=with_gains(os.path.join(folder, "whole.gguf"), changed))
    size = norm(exact.values())
    return {"bare": bare, "loss": loss, "bytes": sizes, "improvement": bare - loss["f32"],
            "delta_error": norm(coded[name] - exact[name] for name in exact) / size,
            "whole_error": norm(in_blocks(gains[name], 0) - gains[name] for name in exact) / size,
            "moved": float(np.median(np.concatenate([abs(exact[n]) / abs(gains[n] - exact[n]) for n in exact])))}


def change(result, encoding):
    return (result["loss"]["f32"] - result["loss"][encoding]) / result["improvement"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--scope", default="norms")
    parser.add_argument("--learning-rate")
    parser.add_argument("--steps")
    options = parser.parse_args()
    options.polymath = os.path.abspath(options.polymath)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for collection in COLLECTIONS:
            results[collection] = row(options, collection, folder)
    print("Test loss in nats; the improvement is base minus F32, its change what Q8_0 adds to it.\n")
    print("| collection | base | F32 | Q8_0 deltas | improvement | its change | bytes F32 | bytes Q8_0 |")
    print("|---" * 8 + "|")
    for name, r in results.items():
        print(f"| {name} | {r['bare']:.5f} | {r['loss']['f32']:.5f} | {r['loss']['q8_0']:.5f} | {r['improvement']:.4f} "
              f"| {change(r, 'q8_0'):+.3%} | {r['bytes']['f32']:,} | {r['bytes']['q8_0']:,} |")
    print("\nThe same gains rounded whole. Error: Euclidean norm of what rounding changed over that of the deltas.\n")
    print("| collection | median change of a gain | error, deltas | error, whole gains in Q8_0 "
          "| change of the improvement: Q8_0 | one scale | E4M3 |")
    print("|---" * 7 + "|")
    for name, r in results.items():
        print(f"| {name} | {r['moved']:.1%} | {r['delta_error']:.2%} | {r['whole_error']:.2%} "
              f"| {change(r, 'whole'):+.2%} | {change(r, 'scale'):+.2%} | {change(r, 'e4m3'):+.2%} |")
    missed = [name for name, r in results.items() if r["improvement"] >= 0.05 and abs(change(r, "q8_0")) > 0.01]
    if missed:
        sys.exit(f"\nQ8_0 changes the improvement by more than 1 % on {', '.join(missed)}.")


if __name__ == "__main__":
    main()
