"""Specialist manifests, aggregation records, rosters, lists of digests and catalogues of other people."""

import base64
import json
import os

import fixtures
from containers import authenticated, canonical, envelope
from harness import Fault
from mutation import mutated_bytes, mutated_json, mutated_text

KIND = "manifests"
MUTANTS = 2200


def manifest(bench):
    def make(folder):
        fixtures.call(bench, folder, [
            "federation", "manifest", "make", "--base", fixtures.tiny(bench), "--model-id", "tiny", "--url",
            "https://example.org/b.gguf", "--identity", fixtures.owner(bench) + "/owner.pem", "--out", "m.json"])

    return bench.fixture("manifest", make) + "/m.json"


def record(bench):
    """A folder with a round's adapter `sum.gguf` and its record `sum.record.json`."""

    def make(folder):
        inputs = [f"{fixtures.adapters(bench)}/{index}.gguf" for index in range(5)]
        fixtures.call(bench, folder, ["federation", "aggregate"] + inputs + [
            "--base", fixtures.tiny(bench), "--round", "1", "--roster", fixtures.adapters(bench) + "/roster.txt", "--identity",
            fixtures.owner(bench) + "/owner.pem", "--out", "sum.gguf"])

    return bench.fixture("record", make)


def signed(members, key):
    """A manifest with the key's name and signature."""
    members = dict(members, signer=key.public.hex())
    members.pop("signature", None)
    message = authenticated("application/vnd.polymath.specialist+json", canonical(members))
    return canonical(dict(members, signature=key.sign(message).hex()))


def mutant(case):
    bench = case.bench
    trust = ["--trusted", fixtures.owner(bench) + "/owner.txt"]
    choice = case.rng.randrange(6)
    if choice < 2:
        good = fixtures.read(manifest(bench))
        data = mutated_bytes(case.rng, good) if choice else forged(case.rng, json.loads(good))
        case.write("m.json", data)
        case.run(["federation", "manifest", "verify", "m.json", "--base", fixtures.tiny(bench)] + trust,
                 case.rng.choice(["polymath", "polymath-verify"]), expect={1, 4} if data != good else {0})
    elif choice == 2:
        folder = record(bench)
        good = fixtures.read(folder + "/sum.record.json")
        if case.rng.random() < 0.5:
            data = mutated_bytes(case.rng, good)
        else:
            payload = mutated_json(case.rng, json.loads(base64.b64decode(json.loads(good)["payload"])))
            try:
                data = envelope("application/vnd.polymath.aggregation+json", canonical(payload), fixtures.STRANGER)
            except UnicodeEncodeError:
                return
        case.write("r.json", data)
        case.run(["federation", "check", "r.json", "--adapter", folder + "/sum.gguf"] + trust, "polymath-verify", expect={1, 4})
    elif choice == 3:
        roster = fixtures.read(fixtures.adapters(bench) + "/roster.txt")
        case.write("roster", mutated_bytes(case.rng, roster))
        inputs = [f"{fixtures.adapters(bench)}/{index}.gguf" for index in range(5)]
        case.run(["federation", "aggregate"] + inputs + [
            "--base", fixtures.tiny(bench), "--round", "1", "--roster", "roster", "--faults", "0", "--identity",
            fixtures.owner(bench) + "/owner.pem", "--out", "s.gguf"], "polymath-verify", may=["s.gguf", "s.record.json"])
    elif choice == 4:
        seal = fixtures.read(fixtures.run(bench) + "/seal.json")
        data = mutated_bytes(case.rng, seal) if case.rng.random() < 0.5 else mutated_text(case.rng, json.loads(seal))
        case.write("seal", data)
        case.run(["audit", "seal", fixtures.tiny(bench), "--check", "seal"], case.rng.choice(["polymath", "polymath-verify"]))
    else:
        catalog = json.loads(fixtures.read(os.path.join(bench.home, "Checkpoints", "catalog.json")))
        case.write("catalog.json", mutated_text(case.rng, catalog))
        case.run(case.rng.choice([["base", "list", "--catalog", "catalog.json"], ["base", "inspect", "nano", "--catalog", "catalog.json"]]))


def forged(rng, members):
    """A manifest that a stranger has signed, well or with other contents."""
    changed = mutated_json(rng, members)
    if not isinstance(changed, dict):
        return json.dumps(changed).encode()
    try:
        return signed(changed, fixtures.STRANGER)
    except (UnicodeEncodeError, TypeError):
        return json.dumps(changed).encode()


# MARK: Named

def whole_and_strange(case):
    """The manifest as it was made verifies; the same words under another key are not trusted."""
    good = fixtures.read(manifest(case.bench))
    for program in ("polymath", "polymath-verify"):
        for key, status in ((fixtures.OWNER, 0), (fixtures.STRANGER, 4)):
            case.write("m.json", signed(json.loads(good), key))
            case.run(["federation", "manifest", "verify", "m.json", "--trusted", fixtures.owner(case.bench) + "/owner.txt"],
                     program, expect={status})
    if signed(json.loads(good), fixtures.OWNER) != good:
        raise Fault("this suite signs a manifest otherwise than the program does")


LITERAL = [
    "https://127.0.0.1/b.gguf", "https://2130706433/b.gguf", "https://127.1/b.gguf", "https://0x7f000001/b.gguf",
    "https://0x7f.0.0.1/b.gguf", "https://0177.0.0.1/b.gguf", "https://[::1]/b.gguf", "https://10.0.0.1/b.gguf",
    "https://169.254.169.254/latest", "https://1.1.1.1/b.gguf",
]
BROKEN = [
    "http://example.org/b", "file:///etc/passwd", "https:///b", "https://user@example.org/b", "https://example.org", "ftp://example.org/b",
    "https://exa mple.org/b", "https://example.org:0/b", "https://example.org:99999/b", "https://example..org/b",
    "https://-example.org/b", "https://example.org/b#c", "javascript:alert(1)", "https://\u0435xample.org/b", "https://" + "a" * 600 + "/b",
]


def addresses(case):
    """No literal address of a machine, in whatever notation, and nothing but https: not made, and not believed when signed."""
    members = json.loads(fixtures.read(manifest(case.bench)))
    for url in LITERAL + BROKEN:
        case.run(
            ["federation", "manifest", "make", "--base", fixtures.tiny(case.bench), "--model-id", "m", "--url", url, "--identity",
             fixtures.owner(case.bench) + "/owner.pem", "--out", "new.json"], expect={1, 2, 4})
        members["weights"]["urls"] = [url]
        case.write("m.json", signed(members, fixtures.OWNER))
        case.run(["federation", "manifest", "verify", "m.json", "--trusted", fixtures.owner(case.bench) + "/owner.txt"],
                 "polymath-verify", expect={1, 4})


def too_long(case):
    """A manifest of more than 4,095 bytes is neither made nor read."""
    urls = ",".join(f"https://example.org/{index}/" + "a" * 400 for index in range(8))
    case.run(
        ["federation", "manifest", "make", "--base", fixtures.tiny(case.bench), "--model-id", "m", "--url", urls, "--identity",
         fixtures.owner(case.bench) + "/owner.pem", "--out", "new.json"], may=["new.json"])
    if os.path.exists(case.path("new.json")) and os.path.getsize(case.path("new.json")) > 4095:
        raise Fault("a manifest was written that no reader takes")
    case.write("m.json", fixtures.read(manifest(case.bench)) + b" " * 5000)
    case.run(["federation", "manifest", "verify", "m.json", "--any-signer"], "polymath-verify", expect={1, 4})


NAMED = {"whole-and-strange": whole_and_strange, "addresses": addresses, "too-long": too_long}
SLOW = set()
