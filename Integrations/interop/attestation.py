#!/usr/bin/env python3
"""An attestation read by securesystemslib, in-toto's own bindings and openssl, none of which is ours.

securesystemslib verifies the DSSE envelope with the signer's key; the in-toto bindings read statement and predicate and
refuse members that the specification does not name; openssl verifies the signature over the pre-authentication encoding.
Each must refuse the same envelope with one bit of it changed.
Usage: attestation.py [--polymath PATH]
"""
import base64
import copy
import hashlib
import json
import shutil
import subprocess
import sys

from harness import Bench, tools

_, dsse, exceptions, signer, statement, statement_pb2, result_pb2, json_format, serialization, ed25519 = tools(
    "securesystemslib", "securesystemslib.dsse", "securesystemslib.exceptions", "securesystemslib.signer",
    "in_toto_attestation.v1.statement", "in_toto_attestation.v1.statement_pb2",
    "in_toto_attestation.predicates.test_result.v0.test_result_pb2", "google.protobuf.json_format",
    "cryptography.hazmat.primitives.serialization", "cryptography.hazmat.primitives.asymmetric.ed25519")


def public_key(chain):
    """The signer's 32 key bytes, as the first row of the audit chain names them."""
    with open(chain, encoding="utf-8") as file:
        return bytes.fromhex(json.loads(file.readline())["body"]["signer"])


def verifies(envelope, key):
    try:
        dsse.Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
        return True
    except exceptions.VerificationError:
        return False


def changed(envelope):
    """The envelope with one bit of its payload changed, so that it is still JSON."""
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[payload.index(b"PASSED")] ^= 0x20
    return {**envelope, "payload": base64.b64encode(payload).decode()}


def openssl_verifies(bench, envelope, pem):
    message = dsse.Envelope.from_dict(copy.deepcopy(envelope)).pae()
    files = {"message": message, "signature": base64.b64decode(envelope["signatures"][0]["sig"]), "key.pem": pem}
    for name, content in files.items():
        with open(bench.path(name), "wb") as file:
            file.write(content)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", bench.path("key.pem"), "-rawin", "-in",
         bench.path("message"), "-sigfile", bench.path("signature")], capture_output=True, check=False)
    return done.returncode == 0


def main():
    bench = Bench(__doc__)
    if shutil.which("openssl") is None:
        print("attestation.py: openssl is missing.", file=sys.stderr)
        sys.exit(2)
    run = bench.path("run")
    finished = bench.polymath("train", "--base", "nano", "--steps", 1, "--seq-len", 16, "--out", run)
    with open(f"{run}/attestation.dsse.json", encoding="utf-8") as file:
        envelope = json.load(file)
    raw = public_key(f"{run}/audit.jsonl")
    fingerprint = "SHA256:" + hashlib.sha256(raw).hexdigest()
    bench.check(envelope["signatures"][0]["keyid"] == fingerprint, f"the key id is the signer's fingerprint {fingerprint}")

    key = signer.SSlibKey(fingerprint, "ed25519", "ed25519", {"public": raw.hex()})
    bench.check(verifies(envelope, key), "securesystemslib verifies the envelope")
    bench.check(not verifies(changed(envelope), key), "securesystemslib refuses it with one bit changed")
    other = signer.SSlibKey(fingerprint, "ed25519", "ed25519",
                            {"public": ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()})
    bench.check(not verifies(envelope, other), "securesystemslib refuses it under another key of that name")

    pem = ed25519.Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    bench.check(openssl_verifies(bench, envelope, pem), "openssl verifies the pre-authentication encoding")
    bench.check(not openssl_verifies(bench, changed(envelope), pem), "openssl refuses it with one bit changed")

    payload = json.loads(base64.b64decode(envelope["payload"]))
    read = statement.Statement.copy_from_pb(json_format.ParseDict(payload, statement_pb2.Statement()))
    read.validate()
    bench.check(read.pb.predicate_type == "https://in-toto.io/attestation/test-result/v0.1",
                f"in-toto reads a statement of type {read.pb.predicate_type}")
    result = json_format.ParseDict(payload["predicate"], result_pb2.TestResult())
    bench.check(result.result == "PASSED" and len(result.passed_tests) > 0 and len(result.failed_tests) == 0,
                f"in-toto reads a test result: {result.result}, {len(result.passed_tests)} tests passed")
    with open(finished["adapter"], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    bench.check(read.pb.subject[1].digest["sha256"] == digest, "its second subject is the adapter's SHA-256")
    bench.end()


main()
