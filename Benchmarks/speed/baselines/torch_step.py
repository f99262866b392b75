#!/usr/bin/env python3
"""Training steps of the Qwen2.5-1.5B shape in PyTorch on the CPU, one for each line that it reads.

Random weights in bfloat16; trained are the tensors of a scope of Polymath, the rest is frozen, so that autograd prunes what
it can. Says `ready` with the time of its warm-up steps, then answers every line on standard input with one JSON object:
seconds of a step (or of a forward pass with the loss of every token), the loss, and resident memory so far.
Usage: torch_step.py --tokens T [--scope norms|boundary] [--compile] [--forward-only] [--layers N] [--threads N]
"""
import argparse
import json
import sys
import time

import torch
import transformers

SHAPE = {"hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12, "num_key_value_heads": 2,
         "vocab_size": 151936, "max_position_embeddings": 32768, "rope_theta": 1e6, "rms_norm_eps": 1e-6}


def memory():
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {name: int(lines[key].split()[0]) << 10
            for name, key in (("peak_rss_bytes", "VmHWM"), ("rss_bytes", "VmRSS"), ("anonymous_bytes", "RssAnon"))}


def make_model(options):
    untied = options.scope == "boundary"
    config = transformers.Qwen2Config(**SHAPE, num_hidden_layers=options.layers, tie_word_embeddings=not untied,
                                      use_cache=False, attn_implementation="sdpa", dtype=torch.bfloat16)
    torch.set_default_dtype(torch.bfloat16)
    torch.manual_seed(0)
    model = transformers.Qwen2ForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    first, last = model.model.layers[0], model.model.layers[-1]
    if untied:
        trained = [*first.parameters(), *last.parameters(), model.lm_head.weight]
    else:
        trained = [norm.weight for layer in (first, last)
                   for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
    trained.append(model.model.norm.weight)
    for parameter in trained:
        parameter.requires_grad_(True)
    return model, trained


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tokens", type=int, required=True)
    arguments.add_argument("--scope", choices=["norms", "boundary"], default="norms")
    arguments.add_argument("--compile", action="store_true")
    arguments.add_argument("--forward-only", action="store_true")
    arguments.add_argument("--layers", type=int, default=28)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--warm-up", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    model, trained = make_model(options)
    model.train()
    # Layer by layer: one compilation serves all 28, and it does not take minutes.
    if options.compile:
        for layer in model.model.layers:
            layer.compile()
    optimizer = torch.optim.SGD(trained, lr=1e-3) if options.scope == "boundary" else torch.optim.AdamW(
        trained, lr=1e-3, weight_decay=0)
    random = torch.Generator().manual_seed(0)

    def step():
        ids = torch.randint(SHAPE["vocab_size"], (1, options.tokens + 1), generator=random)
        began = time.perf_counter()
        if options.forward_only:
            with torch.no_grad():
                loss = loss_of(ids)
        else:
            loss = loss_of(ids)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        return {"seconds": time.perf_counter() - began, "loss": value, **memory()}

    def loss_of(ids):
        logits = model(input_ids=ids[:, :-1]).logits[0]
        return torch.nn.functional.cross_entropy(logits.float(), ids[0, 1:])

    warm_up = [step()["seconds"] for _ in range(options.warm_up)]
    print(json.dumps({"ready": True, "warm_up_seconds": warm_up, "torch": torch.__version__,
                      "transformers": transformers.__version__, **memory()}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(step()), flush=True)


if __name__ == "__main__":
    main()
