#!/usr/bin/env python3
"""The seal of a base, computed a second time from the file by hashlib alone.

Reads the GGUF container itself, hashes every tensor and every sealed record, and builds the tree of RFC 6962 by its
recursive definition. Digests, metadata digest and root must be those of `polymath audit seal`, and the list that this
script writes must pass `polymath audit seal --check`.
Usage: seal.py [--polymath PATH], or seal.py --vectors for the roots that our tests hold.
"""
import hashlib
import os
import struct
import sys

FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# ggml type: values and bytes per block.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34), 12: (256, 144), 14: (256, 210), 30: (1, 2)}


def sha256(data):
    return hashlib.sha256(data).digest()


def tree(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:]))


def leaf(name, kind, dimensions, digest):
    name = name.encode()
    return (struct.pack("<I", len(name)) + name + struct.pack("<II", kind, len(dimensions))
            + b"".join(struct.pack("<Q", d) for d in dimensions) + digest)


def seal_root(metadata, tensors):
    """`tensors`: name, ggml type, dimensions in file order, SHA-256."""
    ordered = sorted(tensors, key=lambda t: t[0].encode())
    return tree([metadata] + [leaf(*t) for t in ordered])


class Reader:
    """A GGUF v3 file: its records as stored, and where its tensors lie."""

    def __init__(self, data):
        self.data, self.at = data, 0
        magic, version, tensors, records = self.take("<4sIQQ")
        assert magic == b"GGUF" and version == 3
        self.records = {}
        for _ in range(records):
            start = self.at
            key = self.text()
            self.skip(self.take("<I")[0])
            self.records[key] = data[start:self.at]
        entries = []
        for _ in range(tensors):
            name = self.text()
            dimensions = [self.take("<Q")[0] for _ in range(self.take("<I")[0])]
            entries.append((name, dimensions, *self.take("<IQ")))
        start = (self.at + 31) // 32 * 32
        self.tensors = []
        for name, dimensions, kind, offset in entries:
            count = 1
            for dimension in dimensions:
                count *= dimension
            values, size = BLOCKS[kind]
            begin = start + offset
            self.tensors.append((name, kind, dimensions, sha256(data[begin:begin + count // values * size])))

    def take(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def text(self):
        count = self.take("<Q")[0]
        self.at += count
        return bytes(self.data[self.at - count:self.at]).decode()

    def skip(self, kind):
        if kind == 8:
            self.text()
        elif kind == 9:
            inner, count = self.take("<IQ")
            if inner in FIXED:
                self.at += FIXED[inner] * count
            else:
                for _ in range(count):
                    self.skip(inner)
        else:
            self.at += FIXED[kind]


def vectors():
    for count in (1, 2, 3, 7):
        print("leaves", count, tree([b"leaf %d" % index for index in range(count)]).hex())
    names = ["b", "a", "\u00e9", "B", "a.9", "a.10"]
    for count in (0, 1, 2, 6):
        tensors = [(name, index, [index + 1, 2], sha256(name.encode())) for index, name in enumerate(names[:count])]
        print("seal", count + 1, seal_root(sha256(b"metadata"), tensors).hex())


def main():
    from harness import ROOT, Bench
    bench = Bench(__doc__)
    path = os.path.join(ROOT, "Checkpoints/nano-q4_k_m.gguf")
    with open(path, "rb") as file:
        reader = Reader(memoryview(file.read()))
    architecture = bytes(reader.records["general.architecture"])[-5:].decode()
    sealed = sorted((k for k in reader.records if k.startswith((architecture + ".", "tokenizer."))), key=str.encode)
    metadata = sha256(b"".join(reader.records[key] for key in sealed))
    root = seal_root(metadata, reader.tensors)
    ours = bench.polymath("audit", "seal", path)
    digests = {t["name"]: t["sha256"] for t in ours["tensors"]}
    bench.check(digests == {name: digest.hex() for name, _, _, digest in reader.tensors},
                f"the SHA-256 of all {len(digests)} tensors")
    bench.check(ours["metadata"] == metadata.hex(), f"the digest of {len(sealed)} sealed records")
    bench.check(ours["root"] == root.hex(), f"the root {root.hex()}")
    with open(bench.path("list"), "w", encoding="utf-8") as file:
        for name, _, _, digest in reader.tensors:
            file.write(f"sha256    {digest.hex()}  {os.path.basename(path)}:{name}\n")
    bench.check(bench.polymath("audit", "seal", path, "--check", bench.path("list"))["passed"],
                "our check of the list that this script wrote")
    bench.end()


if "--vectors" in sys.argv:
    vectors()
else:
    main()
