#!/usr/bin/env python3
"""llama.cpp against `adapter merge`: it loads the merged file, and measures what `polymath eval` measures.

The same token ids in the same windows; the mean loss is taken from llama.cpp's own logits, in double precision. Merged
and evaluated must agree within 1 %, and the base without the adapter must be farther off than that.
Usage: llama_merge.py [--polymath PATH]
"""
import json

from harness import ROOT, Bench, tools

numpy, llama_cpp = tools("numpy", "llama_cpp")

WINDOW = 64
WINDOWS = 4
TOLERANCE = 0.01


def mean_loss(path, tokens):
    """Mean cross-entropy in nats over whole windows, as `polymath eval` cuts them."""
    model = llama_cpp.Llama(model_path=path, n_ctx=WINDOW, n_batch=WINDOW, n_threads=2, logits_all=True, verbose=False)
    losses = []
    for start in range(0, (len(tokens) - 1) // WINDOW * WINDOW, WINDOW):
        targets = tokens[start + 1:start + WINDOW + 1]
        model.reset()
        model.eval(tokens[start:start + WINDOW])
        logits = numpy.array(model.scores[:WINDOW], dtype=numpy.float64)
        top = logits.max(axis=1, keepdims=True)
        total = numpy.log(numpy.exp(logits - top).sum(axis=1)) + top[:, 0]
        losses.extend(total - logits[numpy.arange(WINDOW), targets])
    model.close()
    return sum(losses) / len(losses)


def test_tokens(bench):
    """The first windows of the test part of the collection that the adapter was trained on, and its adapter."""
    with open(f"{ROOT}/Corpora/skerry-diary/test.jsonl", encoding="utf-8") as file:
        text = "".join(json.loads(line)["text"] + "\n" for line in file)
    tokens = bench.polymath_text(text, "tokenize", "--base", "nano")[:WINDOW * WINDOWS + 1]
    path = bench.path("tokens.json")
    with open(path, "w") as file:
        json.dump(tokens, file)
    return tokens, path


def off(one, other):
    return abs(one - other) / other


def norms(bench, tokens, path):
    adapter = f"{ROOT}/Tests/Vectors/nano-skerry.gguf"
    merged = bench.path("merged.gguf")
    base = f"{ROOT}/Checkpoints/nano-q4_k_m.gguf"
    bench.polymath("adapter", "merge", "--base", base, "--adapter", adapter, "--out", merged)
    measure = ("eval", "--base", base, "--tokens", path, "--seq-len", WINDOW)
    ours = bench.polymath(*measure, "--adapter", adapter)["loss"]
    theirs = mean_loss(merged, tokens)
    bare = mean_loss(base, tokens)
    bench.check(off(theirs, ours) <= TOLERANCE,
                f"merged: llama.cpp {theirs:.4f}, polymath eval {ours:.4f} nat ({off(theirs, ours):.2%} apart)")
    bench.check(off(bare, ours) > TOLERANCE,
                f"base alone: llama.cpp {bare:.4f} nat ({off(bare, ours):.2%} from the adapted loss)")


def boundary(bench, tokens, path):
    """Two steps of scope boundary, merged as halves and in the base's own types: both load and measure as with us."""
    base = f"{ROOT}/Checkpoints/nano-q4_k_m.gguf"
    bench.polymath("train", "--base", base, "--tokens", path, "--scope", "boundary", "--steps", 2, "--seq-len", WINDOW,
                   "--learning-rate", 1e-3, "--warmup", 0, "--validation-fraction", 0, "--seed", 0,
                   "--out", bench.path("run"))
    bare = bench.polymath("eval", "--base", base, "--tokens", path, "--seq-len", WINDOW)["loss"]
    for types in ("f16", "base"):
        merged = bench.path(f"boundary-{types}.gguf")
        bench.polymath("adapter", "merge", "--base", base, "--adapter", bench.path("run/boundary.gguf"),
                       "--boundary-types", types, "--out", merged)
        ours = bench.polymath("eval", "--base", merged, "--tokens", path, "--seq-len", WINDOW)["loss"]
        theirs = mean_loss(merged, tokens)
        bench.check(off(theirs, ours) <= TOLERANCE < off(bare, ours),
                    f"boundary, types {types}: llama.cpp {theirs:.4f}, polymath eval {ours:.4f} nat "
                    f"({off(theirs, ours):.2%} apart); base alone {bare:.4f}")


def main():
    bench = Bench(__doc__)
    tokens, path = test_tokens(bench)
    norms(bench, tokens, path)
    boundary(bench, tokens, path)
    bench.end()


if __name__ == "__main__":
    main()
