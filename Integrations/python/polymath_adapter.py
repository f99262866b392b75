#!/usr/bin/env python3
"""Reads, verifies and applies Polymath's norm adapters. Needs numpy and cryptography, and nothing of Polymath's.

Usage: polymath_adapter.py ADAPTER.gguf BASE.gguf [GAINS.npz]
Exits 4 with one sentence where the adapter is refused. The format: Documentation/FEDERATION.md.
"""
import hashlib
import math
import struct
import sys

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

U8, U32, TEXT, ARRAY = 0, 4, 8, 9
SCALAR = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
# Values and bytes of a block, by GGML's number of the storage type.
BLOCK = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
         11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 26: (1, 4),
         30: (1, 2)}
ENCODINGS = {"f32": 0, "q8_0": 8}
# The header: keys in their order, and a type or a number of bytes.
KEYS = [("general.architecture", TEXT), ("general.type", TEXT), ("adapter.type", TEXT), ("adapter.norm.version", "u32"),
        ("adapter.norm.scope", TEXT), ("adapter.norm.encoding", TEXT), ("adapter.base.root", 32),
        ("adapter.run.recipe", 32), ("adapter.signer", 32), ("adapter.signature", 64)]
FIXED = {"general.type": "adapter", "adapter.type": "norm", "adapter.norm.version": 1}
# Public keys of small order, sign bit cleared: a signature under them proves nothing.
WEAK = {"00" * 32, "01" + "00" * 31, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f"}


class Refused(Exception):
    """Why an adapter is refused, in one sentence."""


def need(holds, sentence):
    if not holds:
        raise Refused(sentence)


def parse(data):
    """A GGUF v3 container: {key: (type, value, stored record)} and {name: (dimensions, type, bytes)}, in file order."""
    at = 0

    def take(form):
        nonlocal at
        at, value = at + struct.calcsize("<" + form), struct.unpack_from("<" + form, data, at)
        return value[0]

    def text():
        return take(f"{take('Q')}s").decode("utf-8")

    def value(kind):
        if kind != ARRAY:
            return text() if kind == TEXT else take(SCALAR[kind])
        element, count = take("I"), take("Q")
        need(count <= len(data), "An array is longer than the file.")
        return take(f"{count}s") if element == U8 else [value(element) for _ in range(count)]

    need(take("4s") == b"GGUF" and take("I") == 3, "This is no GGUF file of version 3.")
    tensor_count, key_count = take("Q"), take("Q")
    records, entries, tensors = {}, {}, {}
    for _ in range(key_count):
        start, key, kind = at, text(), take("I")
        need(key not in records, f"The key {key} appears twice.")
        records[key] = (kind, value(kind), data[start:at])
    for _ in range(tensor_count):
        name, rank = text(), take("I")
        need(name not in entries and 1 <= rank <= 4, f"The tensor {name} appears twice or has no shape.")
        entries[name] = ([take("Q") for _ in range(rank)], take("I"), take("Q"))
    alignment = records.get("general.alignment", (U32, 32))[1]
    start = -(-at // alignment) * alignment
    for name, (dimensions, kind, offset) in entries.items():
        end = start + offset + math.prod(dimensions) // BLOCK[kind][0] * BLOCK[kind][1]
        need(end <= len(data), f"The tensor {name} ends outside the file.")
        tensors[name] = (dimensions, kind, data[start + offset:end])
    return records, tensors


def names(scope, layers):
    """The tensors of a scope, ascending by name bytes."""
    chosen = {"norms": {0, layers - 1}, "tail": {layers - 1}, "all-norms": range(layers)}[scope]
    gains = [f"blk.{layer}.{part}.weight" for layer in chosen for part in ("attn_norm", "ffn_norm")]
    return sorted(gains + ["output_norm.weight"])


def container(keys, tensors):
    """The only bytes that this format allows for these keys and tensors, and where the signature begins."""
    def text(words):
        return struct.pack("<Q", len(words.encode())) + words.encode()

    head, body = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(KEYS)), b""
    for key, kind in KEYS:
        if kind == TEXT:
            head += text(key) + struct.pack("<I", TEXT) + text(keys[key])
        elif kind == "u32":
            head += text(key) + struct.pack("<II", U32, keys[key])
        else:
            head += text(key) + struct.pack("<IIQ", ARRAY, U8, kind) + keys[key]
    signature = len(head) - 64
    for name, (dimensions, kind, data) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body, signature


def deltas(name, kind, data):
    """The values of one tensor: f32, or scale (half) times steps (32 signed bytes)."""
    if kind == ENCODINGS["f32"]:
        values = np.frombuffer(data, "<f4")
    else:
        blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("steps", "i1", 32)]))
        scale, steps = blocks["scale"].astype(np.float32)[:, None], blocks["steps"]
        written = np.isfinite(scale) & ~np.signbit(scale) & (steps != -128) & ((scale != 0) | (steps == 0))
        need(written.all(), f"A block of {name} is none that an encoder writes.")
        values = (steps * scale).reshape(-1)
    need(np.isfinite(values).all(), f"A delta of {name} is not a finite number.")
    return values


def read(data):
    """All that can be known without the base: the values of the keys, and the deltas by name."""
    need(len(data) <= 1 << 20, "An adapter has at most 1 MiB.")
    try:
        records, tensors = parse(data)
    except (struct.error, KeyError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise Refused(f"This is no readable GGUF container: {error!r}.") from error
    need(list(records) == [key for key, _ in KEYS], "The keys are not the ten of this format in their order.")
    keys = {}
    for key, kind in KEYS:
        found, value, _ = records[key]
        fits = {TEXT: found == TEXT, "u32": found == U32}.get(
            kind, found == ARRAY and isinstance(value, bytes) and len(value) == kind)
        need(fits and value == FIXED.get(key, value), f"The key {key} has another type or value.")
        keys[key] = value
    scope, encoding = keys["adapter.norm.scope"], keys["adapter.norm.encoding"]
    need(scope in ("norms", "tail", "all-norms"), "The scope is unknown.")
    need(encoding in ENCODINGS, "The encoding is unknown.")
    layers = [int(name.split(".")[1]) for name in tensors if name[:4] == "blk." and name.split(".")[1].isdecimal()]
    keys["layers"] = max(layers, default=0) + 1
    need(scope != "all-norms" or len(tensors) == 2 * keys["layers"] + 1, "The scope has another number of tensors.")
    need(list(tensors) == names(scope, keys["layers"]), "The tensors are not the scope's norm gains in their order.")
    for name, (dimensions, kind, _) in tensors.items():
        need(kind == ENCODINGS[encoding], f"The tensor {name} is stored as another type.")
        need(dimensions == tensors["output_norm.weight"][0] and len(dimensions) == 1 and dimensions[0] > 0
             and dimensions[0] % BLOCK[kind][0] == 0, f"The tensor {name} has another shape.")
    unsigned, at = container(keys | {"adapter.signature": bytes(64)}, tensors)
    need(unsigned == data[:at] + bytes(64) + data[at + 64:], "The bytes are not the only ones that the format allows.")
    signer = keys["adapter.signer"]
    need((signer[:31] + bytes([signer[31] & 0x7F])).hex() not in WEAK, "The signer's key is none that can sign.")
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(keys["adapter.signature"], unsigned)
    except (InvalidSignature, ValueError) as error:
        raise Refused("The signature does not belong to these bytes and this key.") from error
    return keys, {name: deltas(name, kind, values) for name, (_, kind, values) in tensors.items()}


def root(records, tensors):
    """The Merkle tree hash of RFC 6962 over the metadata's digest and one leaf for each tensor."""
    sealed = (records["general.architecture"][1].encode() + b".", b"tokenizer.")
    kept = sorted((key.encode(), record[2]) for key, record in records.items() if key.encode().startswith(sealed))
    leaves = [hashlib.sha256(b"".join(raw for _, raw in kept)).digest()]
    for name, (dimensions, kind, data) in sorted((name.encode(), tensor) for name, tensor in tensors.items()):
        leaves.append(struct.pack("<I", len(name)) + name + struct.pack("<II", kind, len(dimensions))
                      + struct.pack(f"<{len(dimensions)}Q", *dimensions) + hashlib.sha256(data).digest())
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + one + two).digest() for one, two in zip(level[::2], level[1::2])]
        level = pairs + level[len(level) - len(level) % 2:]
    return level[0]


def apply(adapter, base):
    """Keys and effective gains, f32(base + delta) by name, of an adapter that belongs to this base; both as bytes."""
    keys, changes = read(adapter)
    records, tensors = parse(base)
    architecture, gains = records["general.architecture"][1], {}
    need(keys["general.architecture"] == architecture, "The adapter is for another architecture.")
    need(keys["adapter.base.root"] == root(records, tensors), "The adapter was trained on another base.")
    need(keys["layers"] == records[architecture + ".block_count"][1], "The adapter is for another number of layers.")
    for name, delta in changes.items():
        need(name in tensors and tensors[name][0] == [len(delta)], f"The base has no {name} of this shape.")
        need(tensors[name][1] in (0, 1), f"This reader knows gains in F32 and F16 alone, and {name} is neither.")
        gain = np.frombuffer(tensors[name][2], ("<f4", "<f2")[tensors[name][1]]).astype(np.float32)
        need(np.isfinite(gain).all() and abs(delta).max() <= abs(gain).max(), f"A delta of {name} is too large.")
        gains[name] = gain + delta
    return keys, gains


def main(adapter, base, out=None):
    with open(adapter, "rb") as one, open(base, "rb") as other:
        try:
            keys, gains = apply(one.read(), other.read())
        except Refused as error:
            print(error, file=sys.stderr)
            sys.exit(4)
    print(f"verified: {len(gains)} norm gains of the base {keys['adapter.base.root'].hex()}, "
          f"signer SHA256:{hashlib.sha256(keys['adapter.signer']).hexdigest()}")
    if out:
        np.savez(out, **gains)


if __name__ == "__main__":
    main(*sys.argv[1:4])
