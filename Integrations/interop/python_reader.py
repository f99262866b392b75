#!/usr/bin/env python3
"""The reader in Integrations/python against the test vectors, and against what `adapter verify` says of each.

Both must accept and refuse the same files, and the effective gains must have the digest that the list names; the list
itself must be what its recipe makes. Usage: python_reader.py [--polymath PATH]
"""
import hashlib
import json
import os
import subprocess
import sys

from harness import ROOT, Bench, tools

sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
numpy, cryptography, reader = tools("numpy", "cryptography", "polymath_adapter")


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def judged(adapter, base):
    """The digest of the effective gains, or why there are none."""
    try:
        _, gains = reader.apply(adapter, base)
    except reader.Refused as error:
        return None, str(error)
    return hashlib.sha256(b"".join(gain.astype("<f4").tobytes() for gain in gains.values())).hexdigest(), ""


def main():
    bench = Bench(__doc__)
    folder = os.path.join(ROOT, "Tests/Vectors")
    listing = json.loads(contents(os.path.join(folder, "vectors.json")))
    bases = {name: os.path.join(ROOT, base["path"]) for name, base in listing["bases"].items()}
    signer = "SHA256:" + hashlib.sha256(bytes.fromhex(listing["signer"])).hexdigest()
    wrong = {"digest": [], "reader": [], "polymath": []}
    for vector in listing["vectors"]:
        path = os.path.join(folder, vector["file"])
        adapter, base = contents(path), bases[vector["base"]]
        gains, reason = judged(adapter, contents(base))
        if hashlib.sha256(adapter).hexdigest() != vector["sha256"]:
            wrong["digest"].append(vector["file"])
        if gains != vector.get("effective_gains_sha256"):
            wrong["reader"].append(f"{vector['file']} {reason}")
        status = bench.status("adapter", "verify", "--base", base, "--adapter", path, "--signer", signer)
        if (status == 0) != vector["accepted"] or status not in (0, 1, 4):
            wrong["polymath"].append(f"{vector['file']} status {status}")
    accepted = sum(vector["accepted"] for vector in listing["vectors"])
    count = f"{accepted} valid and {len(listing['vectors']) - accepted} invalid vectors"
    bench.check(not wrong["digest"], f"{count} have the digests listed {wrong['digest'] or ''}")
    bench.check(not wrong["reader"], f"the Python reader judges each as listed {wrong['reader'] or ''}")
    bench.check(not wrong["polymath"], f"so does polymath adapter verify {wrong['polymath'] or ''}")
    recipe = subprocess.run([sys.executable, os.path.join(ROOT, "Integrations/python/make_vectors.py"), "--check"])
    bench.check(recipe.returncode == 0, "the recipe makes these bytes again")
    bench.end()


if __name__ == "__main__":
    main()
