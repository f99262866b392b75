#!/usr/bin/env python3
"""llama.cpp's prompt pass, one for each line that it reads: logits for the last token alone, so without the head.

Says `ready` with the time of its warm-up passes, then answers every line on standard input with one JSON object.
Usage: llama_prompt.py --model FILE.gguf --tokens T [--threads N]
"""
import argparse
import json
import random
import sys
import time

import llama_cpp


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--tokens", type=int, required=True)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    model = llama_cpp.Llama(
        model_path=options.model, n_ctx=options.tokens + 1, n_batch=options.tokens, n_ubatch=options.tokens,
        n_threads=options.threads, n_threads_batch=options.threads, verbose=False)
    draw = random.Random(0)

    def prompt_pass():
        tokens = [draw.randrange(model.n_vocab()) for _ in range(options.tokens)]
        model.reset()
        began = time.perf_counter()
        model.eval(tokens)
        return {"seconds": time.perf_counter() - began}

    warm_up = [prompt_pass()["seconds"] for _ in range(2)]
    print(json.dumps({"ready": True, "warm_up_seconds": warm_up, "llama_cpp_python": llama_cpp.__version__}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(prompt_pass()), flush=True)


if __name__ == "__main__":
    main()
