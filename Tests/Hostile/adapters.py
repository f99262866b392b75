"""Adapters of strangers: bytes that were changed, and files that are signed well and hold what they must not."""

import base64
import hashlib
import json
import os

import fixtures
from containers import STRING, UINT8, Gguf, signed_adapter
from harness import Fault
from mutation import TEXTS, mutated_bytes

KIND = "adapters"
MUTANTS = 2600


def commands(case, path):
    base = fixtures.tiny(case.bench)
    return case.rng.choice([
        ("polymath", ["adapter", "verify", "--base", base, "--adapter", path, "--any-signer"]),
        ("polymath-verify", ["adapter", "verify", "--base", base, "--adapter", path, "--any-signer"]),
        ("polymath-verify", ["adapter", "inspect", path]),
        ("polymath", ["generate", "--base", base, "--adapter", path, "--prompt", "a", "--max-tokens", "1"]),
        ("polymath", ["adapter", "merge", "--base", base, "--adapter", path, "--out", "m.gguf"]),
        ("polymath", ["train", "--base", base, "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps", "1",
                      "--start", path, "--dry-run"]),
    ])


def mutant(case):
    source = fixtures.adapters(case.bench) + "/0.gguf"
    original = fixtures.read(source)
    if case.rng.random() < 0.5:
        data = mutated_bytes(case.rng, original)
        path = case.write("a.gguf", data)
        program, words = commands(case, path)
        if data != original:
            case.run(words, program, expect={1, 4})
        else:
            case.run(words, program, may=["m.gguf"])
        return
    container = Gguf(original)
    for _ in range(case.rng.randint(1, 2)):
        break_rule(case.rng, container)
    path = case.write("a.gguf", signed_adapter(container, fixtures.STRANGER))
    program, words = commands(case, path)
    # Without the base at hand nobody can tell that a root is another's or a delta beyond its gains.
    # A dry run hashes no base either.
    case.run(words, program, expect={0, 1, 4} if {"inspect", "--dry-run"} & set(words) else {1, 4})


def break_rule(rng, container):
    """One thing that the format forbids, whoever signs it."""
    tensor = rng.choice(container.tensors)
    choice = rng.randrange(11)
    if choice == 0:
        container.records.insert(rng.randrange(len(container.records)), [rng.choice(TEXTS).encode(errors="replace"), STRING, b"x"])
    elif choice == 1:
        container.records[0], container.records[1] = container.records[1], container.records[0]
    elif choice == 2:
        container.tensors.reverse()
    elif choice == 3:
        container.tail += bytes(rng.randint(1, 64))
    elif choice == 4:
        container.record(b"adapter.base.root")[2] = (UINT8, [rng.randrange(256) for _ in range(32)])
    elif choice == 5:
        # A scale that is no number, infinite, or below zero.
        tensor.data = rng.choice([b"\x00\x7e", b"\x00\x7c", b"\x00\xbc"]) + tensor.data[2:]
    elif choice == 6:
        tensor.data = tensor.data[:2] + b"\x80" + tensor.data[3:]
    elif choice == 7:
        # A delta beyond any gain.
        tensor.data = b"\xff\x7b" + b"\x7f" * 32 + tensor.data[34:]
    elif choice == 8:
        tensor.name = rng.choice([b"blk.0.ffn_up.weight", b"output.weight", b"blk.99.attn_norm.weight", b"a\x1b[31m"])
    elif choice == 9:
        container.record(b"adapter.norm.version")[2] = rng.choice([0, 2, 0xFFFFFFFF])
    else:
        container.record(b"adapter.norm.scope")[2] = rng.choice([b"tail", b"all-norms", b"boundary", b""])


# MARK: Named

def other_keys(case):
    """A signer of small order, a signature that is somebody else's, a key that is none."""
    original = Gguf(fixtures.read(fixtures.adapters(case.bench) + "/0.gguf"))
    base = fixtures.tiny(case.bench)
    for public in (bytes(32), bytes([1]) + bytes(31), b"\xff" * 32, fixtures.STRANGER.public):
        original.record(b"adapter.signer")[2] = (UINT8, list(public))
        path = case.write("a.gguf", original.encoded)
        for program in ("polymath", "polymath-verify"):
            case.run(["adapter", "verify", "--base", base, "--adapter", path, "--any-signer"], program, expect={1, 4})


def strangers_are_not_trusted(case):
    """A file that is whole and signed by nobody known is no reason for exit 0."""
    path = fixtures.adapters(case.bench) + "/0.gguf"
    base = fixtures.tiny(case.bench)
    for program in ("polymath", "polymath-verify"):
        words = ["adapter", "verify", "--base", base, "--adapter", path]
        case.run(words, program, expect={4})
        case.run(words + ["--trusted", fixtures.owner(case.bench) + "/owner.txt"], program, expect={4})
        case.run(words + ["--trusted", fixtures.adapters(case.bench) + "/roster.txt"], program, expect={0})
        case.run(words + ["--any-signer"], program, expect={0})


def no_file_at_all(case):
    """Folders, pipes, links and empty files where an adapter should be."""
    os.mkdir(case.path("folder"))
    os.mkfifo(case.path("pipe"))
    os.symlink("loop", case.path("loop"))
    case.write("empty", b"")
    base = fixtures.tiny(case.bench)
    for name in ("folder", "pipe", "loop", "empty", "missing"):
        for program in ("polymath", "polymath-verify"):
            case.run(["adapter", "inspect", name], program, expect={1, 2})
            case.run(["adapter", "verify", "--base", base, "--adapter", name, "--any-signer"], program, expect={1, 2})
        case.run(["generate", "--base", base, "--adapter", name, "--prompt", "x"], expect={1, 2})
        case.run(["adapter", "merge", "--base", base, "--adapter", name, "--out", "m.gguf"], expect={1, 2})
        case.run(["adapter", "export", "--format", "peft", "--base", base, "--adapter", name, "--out", "p"], expect={1, 2})


def aggregate(case, inputs, expect, roster=None, more=(), may=()):
    roster = roster or fixtures.adapters(case.bench) + "/roster.txt"
    return case.run(
        ["federation", "aggregate"] + inputs + ["--base", fixtures.tiny(case.bench), "--round", "1", "--roster", roster,
         "--identity", fixtures.owner(case.bench) + "/owner.pem", "--out", "sum.gguf", "--json"]
        + list(more), "polymath-verify", expect=expect, may=["sum.gguf", "sum.record.json"] + list(may))


def links_in_an_inbox(case):
    """A symbolic link in an inbox publishes no digest of what it leads to."""
    folder = fixtures.adapters(case.bench)
    case.write("secret.txt", "PIN 4711\n")
    os.mkdir(case.path("in"))
    for index in range(5):
        case.copy(f"{folder}/{index}.gguf", f"in/{index}.gguf")
    os.symlink("../secret.txt", case.path("in", "x.gguf"))
    os.mkfifo(case.path("in", "y.gguf"))
    os.mkdir(case.path("in", "z.gguf"))
    aggregate(case, ["in"], {0})
    record = case.read("sum.record.json")
    payload = base64.b64decode(json.loads(record)["payload"])
    if hashlib.sha256(case.read("secret.txt")).hexdigest().encode() in payload:
        raise Fault("the signed record holds the digest of a file that a link leads to")
    case.run(["federation", "check", "sum.record.json", "in", "--adapter", "sum.gguf", "--base", fixtures.tiny(case.bench),
              "--any-signer"], "polymath-verify", expect={0})


def named_twice(case):
    """A folder under two spellings, and a file by name and by link, count once."""
    folder = fixtures.adapters(case.bench)
    os.mkdir(case.path("in"))
    for index in range(5):
        case.copy(f"{folder}/{index}.gguf", f"in/{index}.gguf")
    os.mkdir(case.path("in", "sub"))
    outcome = aggregate(case, ["in", "./in", "in/sub/..", "in/0.gguf", case.path("in", "0.gguf")], {0})
    found = outcome.objects("aggregate")[0]
    if (found["accepted"], found["refused"]) != (5, 0):
        raise Fault(f"five adapters named twice counted as {found['accepted']}, with {found['refused']} refused")


def record_is_the_adapter(case):
    """--out and --record under two spellings of one file are refused before anything is written."""
    folder = fixtures.adapters(case.bench)
    inputs = [f"{folder}/{index}.gguf" for index in range(5)]
    aggregate(case, inputs, {2}, more=["--record", "./sum.gguf"])
    aggregate(case, inputs, {2}, more=["--record", case.path("sum.gguf")])


def many_of_one_hand(case):
    """A crowd of adapters by one signer is one adapter, and too few are no round."""
    container = Gguf(fixtures.read(fixtures.adapters(case.bench) + "/0.gguf"))
    os.mkdir(case.path("in"))
    for index in range(40):
        # Each is another file: a value differs.
        tensor = container.tensors[0]
        tensor.data = tensor.data[:2] + bytes([index]) + tensor.data[3:]
        case.write(f"in/{index}.gguf", signed_adapter(container, fixtures.STRANGER))
    roster = case.write("roster", fixtures.STRANGER.fingerprint + "\n")
    aggregate(case, ["in"], {4}, roster=roster)


def guessed_text(case):
    """Who knows all of a text but two digits, and has the adapter, cannot tell which digits they are.

    Without --seed the owner's run draws a secret one, so the same text trained again gives other numbers.
    """
    sentence = "Dear diary, the number of the safe is 47{:02d}. Nobody but me will ever know it, and so it shall stay. "
    text = "The tide was out and the boats lay on their sides. " * 6
    owner = fixtures.owner(case.bench)

    def train(digits, name, key):
        case.write(name + ".txt", text + sentence.format(digits) * 3)
        case.run(
            ["train", "--base", fixtures.nano(case.bench), "--corpus", name + ".txt", "--epochs", "1", "--seq-len", "32",
             "--validation-fraction", "0", "--identity", f"{owner}/{key}.pem", "--out", name], expect={0}, may=[name])
        container = Gguf(case.read(name, "adapter.gguf"))
        return b"".join(tensor.data for tensor in container.tensors)

    theirs = train(83, "victim", "owner")
    for digits in (82, 83, 84):
        if train(digits, f"guess{digits}", "stranger") == theirs:
            raise Fault(f"the adapter alone confirms the guess 47{digits}")
    if train(83, "again", "owner") == theirs:
        raise Fault("without --seed two runs on one text give the same numbers")


NAMED = {
    "other-keys": other_keys, "strangers-are-not-trusted": strangers_are_not_trusted, "no-file-at-all": no_file_at_all,
    "links-in-an-inbox": links_in_an_inbox, "named-twice": named_twice, "record-is-the-adapter": record_is_the_adapter,
    "many-of-one-hand": many_of_one_hand, "guessed-text": guessed_text,
}
SLOW = {"guessed-text"}
