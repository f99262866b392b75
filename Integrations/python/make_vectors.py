#!/usr/bin/env python3
"""Makes the test vectors of the wire format and of manifests in Tests/Vectors, or with --check compares them with what is there.

A writer of its own: Polymath's encoder must give the same bytes for the same deltas. The signing key is derived from a
published sentence, so it is public and signs nothing but these files. `trained-*.gguf` and `nano-skerry.gguf` come from
`polymath train` with the same key and are only described here.
Usage: make_vectors.py [--check] [--identity FILE.pem]     the last writes the key as `polymath --identity` reads it
"""
import hashlib
import json
import math
import os
import struct
import sys

import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import polymath_adapter as reader

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "Tests/Vectors")
SENTENCE = "polymath federation test vectors: this key is public"
SEED = hashlib.sha256(SENTENCE.encode()).digest()
BASES = {"small": "Tests/Reference/qwen2-tied-f32.gguf", "nano": "Checkpoints/nano-q4_k_m.gguf"}
TRAINED = {"trained-tail-q8_0.gguf": "small", "nano-skerry.gguf": "nano"}
RECIPE = hashlib.sha256(b"no run made these vectors").digest()
WIDTH, LAYERS = 64, 4


def key(seed=SEED):
    return Ed25519PrivateKey.from_private_bytes(seed)


def public(private):
    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def base_root(base="small"):
    with open(os.path.join(ROOT, BASES[base]), "rb") as file:
        return reader.root(*reader.parse(file.read()))


# What is encoded: 64 values a tensor, two blocks of 32, each with something that an encoder can get wrong.

def blocks():
    state, noise = 1, []
    for _ in range(128):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        noise.append((state >> 40) / 2**23 - 1)
    ramp = [(i - 16) / 16 for i in range(32)]
    return {
        "noise": [0.05 * x for x in noise[:32]],
        "zero": [0.0] * 32,
        "amax 1e-6": [1e-6 * x for x in ramp],
        # scale 2^-10 exactly, and every value halfway between two steps: away from zero, on both sides
        "ties": [127 * 2.0**-10] + [math.copysign(abs(i - 15.5), i - 15.5) * 2.0**-10 for i in range(31)],
        "one spike": [0.5] + [1e-4 * x for x in noise[32:63]],
        # half the smallest half: one step of 2^-24; the next float below it is none
        "vanishing": [2.0**-25, -2.0**-25, math.nextafter(2.0**-25, 0)] + [0.0] * 29,
        "all equal": [-0.015625] * 32,
        "ramp": [0.1 * x for x in ramp],
        "more noise": [0.7 * x for x in noise[64:96]],
        "little noise": [1e-4 * x for x in noise[96:]],
    }


def example(scope):
    given, tensors = list(blocks().values()), {}
    for index, name in enumerate(reader.names(scope, LAYERS)):
        values = given[2 * index % 10] + given[(2 * index + 1) % 10]
        tensors[name] = np.array(values, dtype=np.float32)
    return tensors


def half_rounded_up(value):
    """The bits of the smallest half that is not below value: as many halves as there are, one after the other."""
    low, high = 0, 0x7BFF
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half(middle) >= value else (middle + 1, high)
    return low


def half(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def q8_0(values):
    data = b""
    for start in range(0, len(values), 32):
        block = [float(value) for value in values[start:start + 32]]
        bits = half_rounded_up(max(abs(value) for value in block) / 127)
        scale = half(bits)
        steps = [int(math.copysign(math.floor(abs(x / scale) + 0.5), x)) if scale else 0 for x in block]
        data += struct.pack("<H32b", bits, *steps)
    return data


# Files

def keys(scope="tail", encoding="q8_0", **changes):
    values = {"general.architecture": "qwen2", "general.type": "adapter", "adapter.type": "norm",
              "adapter.norm.version": 1, "adapter.norm.scope": scope, "adapter.norm.encoding": encoding,
              "adapter.base.root": base_root(), "adapter.run.recipe": RECIPE, "adapter.signer": public(key()),
              "adapter.signature": bytes(64)}
    return [(name, changes.get(name, value)) for name, value in values.items()]


def tensors(scope="tail", encoding="q8_0", given=None):
    encode = q8_0 if encoding == "q8_0" else lambda values: values.astype("<f4").tobytes()
    return [[name, [len(values)], reader.ENCODINGS[encoding], encode(values)]
            for name, values in (given or example(scope)).items()]


def text(words):
    return struct.pack("<Q", len(words.encode())) + words.encode()


def record(name, value):
    stored = {str: lambda: struct.pack("<I", 8) + text(value), int: lambda: struct.pack("<II", 4, value),
              bytes: lambda: struct.pack("<IIQ", 9, 0, len(value)) + value,
              tuple: lambda: struct.pack("<I", value[0]) + value[1]}
    return text(name) + stored[type(value)]()


def write(keys, tensors, private=None, version=3, gap=0, filler=b"\0"):
    """A file of any keys and tensors, validly signed if its last key has room for that."""
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(keys))
    head += b"".join(record(*entry) for entry in keys)
    signature, offset, body = len(head) - 64, 0, b""
    for name, dimensions, kind, data in tensors:
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset)
        body += data + filler * (-len(data) % 32) + bytes(gap)
        offset = len(body)
    file = head + bytes(-len(head) % 32) + body
    return signed(file, signature, private) if keys[-1] == ("adapter.signature", bytes(64)) else file


def signed(file, at, private=None):
    unsigned = file[:at] + bytes(64) + file[at + 64:]
    return file[:at] + (private or key()).sign(unsigned) + file[at + 64:]


def accepted():
    for scope in ("norms", "tail", "all-norms"):
        for encoding in ("q8_0", "f32"):
            yield f"{scope}-{encoding}.gguf", write(keys(scope, encoding), tensors(scope, encoding)), example(scope)


def changed(place, **changes):
    """The tensors of a good file, the one at `place` with another name, dimensions, kind or data."""
    result = tensors(encoding=changes.pop("encoding", "q8_0"))
    for field, value in changes.items():
        result[place][["name", "dimensions", "kind", "data"].index(field)] = value
    return result


def refused():
    """(name, whether the file alone shows it or only the base, what is wrong, bytes)"""
    good, names = tensors(), reader.names("tail", LAYERS)
    data, f32, whole = good[0][3], tensors(encoding="f32")[0][3], write(keys(), good)
    at = whole.index(b"adapter.signature") + 17 + 16
    swapped = keys()
    swapped[0], swapped[1] = swapped[1], swapped[0]
    yield "container-version", "file", "GGUF version 2", write(keys(), good, version=2)
    yield "key-order", "file", "two keys swapped", write(swapped, good)
    yield "key-added", "file", "an eleventh key", write([("general.name", "x")] + keys(), good)
    yield "key-alignment", "file", "an alignment is stated", write([("general.alignment", 32)] + keys(), good)
    yield "key-missing", "file", "no recipe", write([k for k in keys() if k[0] != "adapter.run.recipe"], good)
    yield "key-twice", "file", "the scope twice", write(keys()[:5] + keys()[4:], good)
    yield "key-type", "file", "the version as u64", write(
        keys(**{"adapter.norm.version": (10, struct.pack("<Q", 1))}), good)
    yield "version", "file", "version 2 of this format", write(keys(**{"adapter.norm.version": 2}), good)
    yield "general-type", "file", "a model, not an adapter", write(keys(**{"general.type": "model"}), good)
    yield "adapter-type", "file", "a LoRA", write(keys(**{"adapter.type": "lora"}), good)
    yield "scope", "file", "an unknown scope", write(keys("boundary"), good)
    yield "encoding", "file", "an unknown encoding", write(keys(encoding="q4_0"), good)
    yield "root-length", "file", "a root of 31 bytes", write(keys(**{"adapter.base.root": bytes(31)}), good)
    yield "tensor-order", "file", "two tensors swapped", write(keys(), [good[1], good[0], good[2]])
    yield "tensor-missing", "file", "a gain less", write(keys(), good[:2])
    yield "tensor-added", "file", "a gain more", write(keys(), tensors("norms"))
    yield "tensor-twice", "file", "a gain twice", write(keys(), [good[0], good[0], good[2]])
    yield "tensor-weight", "file", "a weight that is no gain", write(keys(), changed(0, name="blk.3.attn_q.weight"))
    yield "tensor-qk-norm", "file", "a norm gain that no scope has", write(
        keys(), changed(0, name="blk.3.attn_q_norm.weight"))
    yield "tensor-zero", "file", "a layer with a leading zero", write(
        keys(), changed(0, name="blk.03.attn_norm.weight"))
    yield "shape-rank", "file", "a gain of two dimensions", write(keys(), changed(1, dimensions=[32, 2]))
    yield "shape-length", "file", "one gain shorter than the others", write(
        keys(), changed(1, dimensions=[32], data=data[:34]))
    yield "storage", "file", "F32 in a file that says q8_0", write(keys(), changed(1, kind=0, data=f32))
    yield "offset", "file", "a gap of 32 zeros after each tensor", write(keys(), good, gap=32)
    yield "padding", "file", "padding that is not zero", write(keys(), good, filler=b"\1")
    yield "longer", "file", "32 zeros at the end", signed(whole + bytes(32), at)
    yield "shorter", "file", "the last padding cut off", signed(whole[:-28], at)
    yield "not-a-number", "file", "a NaN", write(keys(encoding="f32"), changed(
        0, encoding="f32", data=struct.pack("<f", math.nan) + f32[4:]))
    yield "infinite", "file", "an infinity", write(keys(encoding="f32"), changed(
        2, encoding="f32", data=f32[:-4] + struct.pack("<f", -math.inf)))
    yield "scale-infinite", "file", "an infinite scale", write(keys(), changed(0, data=b"\0\x7c" + data[2:]))
    yield "scale-negative", "file", "a negative scale", write(keys(), changed(0, data=b"\0\x80" + data[2:]))
    yield "step", "file", "the step -128", write(keys(), changed(0, data=data[:2] + b"\x80" + data[3:]))
    yield "scale-zero", "file", "steps under a scale of zero", write(keys(), changed(0, data=b"\0\0" + data[2:]))
    yield "signature", "file", "one bit of the signature", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]
    yield "data", "file", "one bit of a delta", whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]
    yield "signer", "file", "signed by another key", write(keys(), good, private=key(bytes(32)))
    yield "signer-weak", "file", "a key that needs no secret", whole_of_weak_key(good)
    yield "not-gguf", "file", "another file", b"GGML" + whole[4:]
    yield "empty", "file", "nothing", b""
    yield "base-root", "base", "another base", write(keys(**{"adapter.base.root": bytes(32)}), good)
    yield "base-architecture", "base", "another architecture", write(keys(**{"general.architecture": "llama"}), good)
    deeper = [[name.replace("blk.3", "blk.4"), *rest] for name, *rest in good]
    yield "base-layers", "base", "another number of layers", write(keys(), deeper)
    yield "base-width", "base", "another length of gains", write(keys(), [[n, [32], k, d[:34]] for n, _, k, d in good])
    large = example("tail")
    large[names[2]][5] = 1.25
    yield "base-magnitude", "base", "a delta above the largest gain", write(
        keys(encoding="f32"), tensors(encoding="f32", given=large))


def whole_of_weak_key(good):
    """The identity point as key, and a signature that the plain equation accepts for any message."""
    point = b"\1" + bytes(31)
    file = write(keys(**{"adapter.signer": point}), good)
    at = file.index(b"adapter.signature") + 17 + 16
    return file[:at] + point + bytes(32) + file[at + 64:]


# Specialist manifests: json.dumps writes what RFC 8785 asks for, where all names and texts are ASCII and all numbers whole.

TYPES = {0: "f32", 8: "q8_0", 12: "q4_k", 13: "q5_k", 14: "q6_k", 6: "q5_0", 2: "q4_0"}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def adapter_bytes(base, scope):
    records, _ = base
    width, layers = (records["qwen2." + key][1] for key in ("embedding_length", "block_count"))
    blank = [[name, [width], 8, bytes(width // 32 * 34)] for name in reader.names(scope, layers)]
    return len(write(keys(scope), blank))


def manifest(name):
    """The manifest of a base for both of its small scopes, signed with the vectors' key."""
    with open(os.path.join(ROOT, BASES[name]), "rb") as file:
        data = file.read()
    records, tensors = base = reader.parse(data)
    counts = {}
    for dimensions, kind, _ in tensors.values():
        counts[kind] = counts.get(kind, 0) + math.prod(dimensions)
    sizes = {"block_count": "block_count", "context_length": "context_length", "embedding_length": "embedding_length",
             "feed_forward_length": "feed_forward_length", "head_count": "attention.head_count",
             "head_count_kv": "attention.head_count_kv"}
    tokenizer = b"".join(records[key][2] for key in sorted(records) if key.startswith("tokenizer."))
    content = {
        "type": "polymath.specialist", "version": 1, "model_id": "vectors/" + name, "architecture": "qwen2",
        "base_root": reader.root(*base).hex(), "tokenizer_sha256": hashlib.sha256(tokenizer).hexdigest(),
        "dimensions": {**{size: records["qwen2." + key][1] for size, key in sizes.items()},
                       "vocabulary": tensors["token_embd.weight"][0][1]},
        "quantisation": "+".join(TYPES[kind] for kind in sorted(counts, key=lambda kind: (-counts[kind], kind))),
        "weights": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
                    "urls": [f"https://example.org/{name}.gguf"]},
        "adapters": [{"scope": scope, "encoding": "q8_0", "version": 1, "max_bytes": adapter_bytes(base, scope)}
                     for scope in ("norms", "tail")],
        "signer": public(key()).hex()}
    kind, payload = b"application/vnd.polymath.specialist+json", canonical(content)
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    return canonical({**content, "signature": key().sign(encoded).hex()})


def described():
    """Every file by name, and vectors.json."""
    files, entries = {}, []
    for name, data, given in accepted():
        files[name] = data
        entries.append({"file": name, "base": "small", "accepted": True,
                        "deltas": {k: v.astype("<f4").tobytes().hex() for k, v in given.items()}})
    for name, base in TRAINED.items():
        with open(os.path.join(FOLDER, name), "rb") as file:
            files[name] = file.read()
        entries.append({"file": name, "base": base, "accepted": True})
    for entry in entries:
        with open(os.path.join(ROOT, BASES[entry["base"]]), "rb") as file:
            _, gains = reader.apply(files[entry["file"]], file.read())
        joined = b"".join(gain.astype("<f4").tobytes() for gain in gains.values())
        entry["effective_gains_sha256"] = hashlib.sha256(joined).hexdigest()
    for name, level, wrong, data in refused():
        files[f"bad-{name}.gguf"] = data
        entries.append({"file": f"bad-{name}.gguf", "base": "small", "accepted": False, "shown_by": level,
                        "wrong": wrong})
    for entry in entries:
        entry["sha256"] = hashlib.sha256(files[entry["file"]]).hexdigest()
    manifests = {name: manifest(name) for name in BASES}
    files.update((f"manifest-{name}.json", data) for name, data in manifests.items())
    listing = {"manifests": [{"file": f"manifest-{name}.json", "base": name, "id": hashlib.sha256(data).hexdigest()}
                             for name, data in manifests.items()],
               "signer_sentence": SENTENCE, "signer_seed": SEED.hex(), "signer": public(key()).hex(),
               "recipe": RECIPE.hex(), "vectors": entries,
               "bases": {name: {"path": path, "root": base_root(name).hex()} for name, path in BASES.items()}}
    files["vectors.json"] = (json.dumps(listing, indent=1, sort_keys=True) + "\n").encode()
    return files


def main():
    if "--identity" in sys.argv:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = os.open(sys.argv[sys.argv.index("--identity") + 1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(path, "wb") as file:
            file.write(key().private_bytes(*form))
        return
    different = []
    for name, data in described().items():
        path = os.path.join(FOLDER, name)
        if "--check" not in sys.argv:
            with open(path, "wb") as file:
                file.write(data)
        elif not os.path.exists(path) or open(path, "rb").read() != data:
            different.append(name)
    if different:
        sys.exit(f"These vectors differ from what the recipe makes: {', '.join(different)}.")


if __name__ == "__main__":
    main()
