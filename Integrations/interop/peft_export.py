#!/usr/bin/env python3
"""PEFT against `adapter export --format peft`: it loads the folder, and computes what this decoder computes.

The base is Tests/Reference/qwen2-tied-f32.gguf, built again as a Qwen2 model of transformers from the same weights.
Three things are compared: the loss of a text with `polymath eval --adapter`, PEFT's logits with those of the same base
and adapter in Tests/Vectors/peft-logits.gguf, and these (in the Swift test `A PEFT export computes what we compute`)
with our own decoder's, to 1e-3. Usage: peft_export.py [--polymath PATH] [--write]   the last writes peft-logits.gguf
"""
import json
import os
import struct
import sys
import warnings

from harness import ROOT, Bench, tools

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
numpy, torch, transformers, peft, reader, vectors = tools(
    "numpy", "torch", "transformers", "peft", "polymath_adapter", "make_vectors")

BASE = os.path.join(ROOT, "Tests/Reference/qwen2-tied-f32.gguf")
ADAPTER = os.path.join(ROOT, "Tests/Vectors/trained-tail-q8_0.gguf")
OTHERS = ["norms-q8_0.gguf", "all-norms-f32.gguf"]
LOGITS = os.path.join(ROOT, "Tests/Vectors/peft-logits.gguf")
WINDOW = 16
MODULES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
           "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
           "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def module(name):
    """The name in transformers of a tensor in GGUF."""
    if name.startswith("blk."):
        _, layer, part, kind = name.split(".")
        return f"model.layers.{layer}.{MODULES[part]}.{kind}"
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[name]


def model(folder):
    """The base as transformers loads it from a folder."""
    with open(BASE, "rb") as file:
        records, tensors = reader.parse(file.read())
    keys = {key.removeprefix("qwen2."): value for key, (_, value, _) in records.items()}
    configuration = transformers.Qwen2Config(
        vocab_size=tensors["token_embd.weight"][0][1], hidden_size=keys["embedding_length"],
        intermediate_size=keys["feed_forward_length"], num_hidden_layers=keys["block_count"],
        num_attention_heads=keys["attention.head_count"], num_key_value_heads=keys["attention.head_count_kv"],
        max_position_embeddings=keys["context_length"], rms_norm_eps=keys["attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": keys["rope.freq_base"]}, tie_word_embeddings=True)
    made = transformers.Qwen2ForCausalLM(configuration).float()
    weights = {module(name): torch.tensor(numpy.frombuffer(data, "<f4").reshape(dimensions[::-1]).copy())
               for name, (dimensions, _, data) in tensors.items()}
    missing = made.load_state_dict(weights, strict=False)
    assert missing.missing_keys == ["lm_head.weight"] and not missing.unexpected_keys, missing
    made.tie_weights()
    made.save_pretrained(folder)
    return transformers.AutoModelForCausalLM.from_pretrained(folder).float().eval()


def measured(model, tokens):
    """Logits of the first window, and the mean loss over all whole windows."""
    losses, first = [], None
    for start in range(0, (len(tokens) - 1) // WINDOW * WINDOW, WINDOW):
        with torch.no_grad():
            logits = model(torch.tensor([tokens[start:start + WINDOW]])).logits[0]
        first = logits if first is None else first
        targets = torch.tensor(tokens[start + 1:start + WINDOW + 1])
        losses.append(torch.nn.functional.cross_entropy(logits.double(), targets).item())
    return first.numpy(), sum(losses) / len(losses)


def write(logits, tokens):
    inputs = struct.pack(f"<{WINDOW}i", *tokens[:WINDOW])
    data = vectors.write([("general.architecture", "qwen2")], [
        ["tokens", [WINDOW], 26, inputs], ["logits", [logits.shape[1], WINDOW], 0, logits.astype("<f4").tobytes()]])
    with open(LOGITS, "wb") as file:
        file.write(data)


def adapted(bench, folder, adapter):
    out = bench.path("peft-" + os.path.basename(adapter))
    bench.polymath("adapter", "export", "--format", "peft", "--base", BASE, "--adapter", adapter,
                   "--base-model", folder, "--out", out)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        loaded = peft.AutoPeftModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    unfit = [str(warning.message) for warning in said if "missing" in str(warning.message).lower()
             or "unexpected" in str(warning.message).lower()]
    bench.check(not unfit, f"{os.path.basename(adapter)}: PEFT finds every module it looks for {unfit or ''}")
    return loaded


def main():
    bench = Bench(__doc__)
    transformers.utils.logging.disable_progress_bar()
    with open(os.path.join(ROOT, "Tests/Reference/tokens.json")) as file:
        tokens = json.load(file)[:WINDOW * 8 + 1]
    with open(bench.path("tokens.json"), "w") as file:
        json.dump(tokens, file)
    measure = ("eval", "--base", BASE, "--tokens", bench.path("tokens.json"), "--seq-len", WINDOW)
    folder = bench.path("base")
    bare, loss = measured(model(folder), tokens)
    ours = bench.polymath(*measure)["loss"]
    bench.check(abs(loss - ours) < 1e-4, f"base alone: transformers {loss:.6f}, polymath eval {ours:.6f} nat")
    for name in [ADAPTER] + [os.path.join(ROOT, "Tests/Vectors", name) for name in OTHERS]:
        logits, loss = measured(adapted(bench, folder, name), tokens)
        ours = bench.polymath(*measure, "--adapter", name)["loss"]
        bench.check(abs(loss - ours) < 1e-4, f"adapted: PEFT {loss:.6f}, polymath eval {ours:.6f} nat")
        apart = abs(logits - bare).max()
        bench.check(apart > 0.05, f"its logits are up to {apart:.2f} off the base's")
        if name == ADAPTER:
            if "--write" in sys.argv:
                write(logits, tokens)
            with open(LOGITS, "rb") as file:
                kept = numpy.frombuffer(reader.parse(file.read())[1]["logits"][2], "<f4").reshape(logits.shape)
            apart = abs(kept - logits).max()
            bench.check(apart < 1e-4, f"its logits are those in peft-logits.gguf ({apart:.1e} apart at most)")
    bench.end()


if __name__ == "__main__":
    main()
