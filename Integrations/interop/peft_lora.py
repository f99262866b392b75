#!/usr/bin/env python3
"""Our LoRA against PEFT's: losses, and the gradients of every factor.

The base is Tests/Reference/qwen2-tied-f32.gguf, built again as a Qwen2 model of transformers from the same weights, with
PEFT's LoRA of rank 3 on query, key, value and output projections and seeded factors. What PEFT and autograd make of it
is in Tests/Vectors/peft-lora.gguf; the Swift test `LoRA computes what PEFT computes` holds our decoder to it. This
program makes the figures again and compares. Usage: peft_lora.py [--polymath PATH] [--write]   the last writes the file
"""
import json
import os
import struct
import sys

from harness import ROOT, Bench, tools

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import peft_export

numpy, torch, peft, reader, vectors = tools("numpy", "torch", "peft", "polymath_adapter", "make_vectors")
FILE = os.path.join(ROOT, "Tests/Vectors/peft-lora.gguf")
WINDOW, RANK, ALPHA = 16, 3, 6
PROJECTIONS = {"attn_q": "q_proj", "attn_k": "k_proj", "attn_v": "v_proj", "attn_output": "o_proj"}


def figures(folder):
    """Names and values as the file holds them: tokens, losses, and each factor with its gradient."""
    base = peft_export.model(folder)
    with open(os.path.join(ROOT, "Tests/Reference/tokens.json")) as file:
        tokens = json.load(file)[:WINDOW + 1]
    made = peft.get_peft_model(base, peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=list(PROJECTIONS.values()), lora_dropout=0.0))
    factors, seed = {}, torch.Generator().manual_seed(7)
    for layer in range(base.config.num_hidden_layers):
        for ours, theirs in PROJECTIONS.items():
            place = getattr(made.base_model.model.model.layers[layer].self_attn, theirs)
            for letter, kind in (("a", place.lora_A), ("b", place.lora_B)):
                weight = kind["default"].weight
                with torch.no_grad():
                    weight.copy_(torch.randn(weight.shape, generator=seed) * 0.1)
                factors[f"blk.{layer}.{ours}.weight.lora_{letter}"] = weight
    logits = made(torch.tensor([tokens[:-1]])).logits[0]
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor(tokens[1:]), reduction="none")
    losses.mean().backward()
    found = {"tokens": numpy.array(tokens, "<i4"), "losses": losses.detach().numpy()}
    for name, weight in factors.items():
        found[name] = weight.detach().numpy()
        found["grad." + name] = weight.grad.numpy()
    return found


def write(found):
    tensors = [[name, list(value.shape[::-1]), 26 if name == "tokens" else 0, value.tobytes()]
               for name, value in found.items()]
    with open(FILE, "wb") as file:
        file.write(vectors.write([("general.architecture", "qwen2")], tensors))


def main():
    bench = Bench(__doc__)
    found = figures(bench.path("base"))
    if "--write" in sys.argv:
        write(found)
    with open(FILE, "rb") as file:
        _, tensors = reader.parse(file.read())
    bench.check(set(tensors) == set(found), f"{len(found)} tensors are in the file, and no other")
    for kind, names in (("losses", ["losses"]), ("gradients", [name for name in found if name.startswith("grad.")])):
        apart = max(abs(found[name].ravel() - numpy.frombuffer(tensors[name][2], "<f4")).max() for name in names)
        bench.check(apart < 1e-5, f"{kind} are those of the file to {apart:.1e}")
    bench.end()


if __name__ == "__main__":
    main()
