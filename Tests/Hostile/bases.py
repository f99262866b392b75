"""Bases: GGUF files whose every number may be a lie, and files that change while they are read."""

import os
import shutil
import struct
import time

import fixtures
from containers import ARRAY, STRING, UINT32, Gguf, Tensor, encode_text
from mutation import EXTREMES, TEXTS, mutated_bytes

KIND = "gguf"
MUTANTS = 2600


def commands(case, path):
    """One of the commands that read a base, at random; each of them only reads."""
    tokens = ["--tokens", fixtures.tokens(case.bench), "--seq-len", "8"]
    return case.rng.choice([
        ("polymath", ["base", "inspect", path]), ("polymath", ["audit", "seal", path]),
        ("polymath-verify", ["audit", "seal", path]), ("polymath", ["generate", "--base", path, "--prompt", "a", "--max-tokens", "2"]),
        ("polymath", ["eval", "--base", path] + tokens), ("polymath", ["train", "--base", path, "--steps", "2", "--dry-run"] + tokens),
        ("polymath", ["audit", "seal", path, "--json"]),
        ("polymath-verify", ["audit", "seal", path, "--compare", fixtures.tiny(case.bench)]),
    ])


def mutant(case):
    data = fixtures.read(fixtures.tiny(case.bench))
    if case.rng.random() < 0.4:
        # The head is where the numbers are; what follows is weights.
        data = mutated_bytes(case.rng, data[:40_000]) + data[40_000:]
    else:
        base = Gguf(data)
        for _ in range(case.rng.randint(1, 3)):
            lie(case.rng, base)
        data = base.encoded
    path = case.write("b.gguf", data)
    program, words = commands(case, path)
    case.run(words, program)


def lie(rng, base):
    """One number, name or order of a container that is not what it should be."""
    choice = rng.randrange(12)
    tensor = rng.choice(base.tensors)
    record = rng.choice([record for record in base.records if not isinstance(record, bytes)])
    if choice == 0:
        base.version = rng.choice([0, 1, 2, 4, 0x03000000, 0xFFFFFFFF])
    elif choice == 1:
        base.tensor_count = rng.choice(EXTREMES)
    elif choice == 2:
        base.record_count = rng.choice(EXTREMES)
    elif choice == 3:
        tensor.offset = rng.choice(EXTREMES + [32, 33])
    elif choice == 4:
        tensor.dimensions = rng.choice([[], [0], [1] * 5, [rng.choice(EXTREMES), rng.choice(EXTREMES)], [1 << 32, 1 << 32]])
    elif choice == 5:
        tensor.kind = rng.choice([0, 1, 2, 4, 5, 9, 12, 99, 0xFFFFFFFF])
    elif choice == 6:
        tensor.name = rng.choice([text.encode(errors="surrogatepass") for text in TEXTS] + [base.tensors[0].name, b"\xff\xfe"])
    elif choice == 7:
        record[0] = rng.choice([text.encode(errors="surrogatepass") for text in TEXTS] + [base.records[0][0], b"\xff\xfe"])
    elif choice == 8 and record[1] in (UINT32, 5):
        record[2] = rng.choice(EXTREMES[:12]) & 0x7FFFFFFF
    elif choice == 9:
        record[1], record[2] = rng.choice([
            (STRING, b"x"), (ARRAY, struct.pack("<IQ", ARRAY, 1) * 40), (ARRAY, struct.pack("<IQ", STRING, 1 << 60)),
            (ARRAY, struct.pack("<IQ", UINT32, 1 << 62)), (STRING, b"\xff" * 9), (UINT32, 0xFFFFFFFF)])
    elif choice == 10:
        base.alignment = rng.choice([1, 2, 8, 64])
    else:
        rng.shuffle(base.tensors)
        base.tail = rng.randbytes(rng.randint(0, 50))


# MARK: Named

def not_finite(case):
    """A base whose weights give no numbers is refused at the first token."""
    folder = fixtures.nan_base(case.bench)
    for name in ("nan", "inf"):
        for temperature in ("0", "0.8"):
            case.run(
                ["generate", "--base", f"{folder}/{name}.gguf", "--prompt", "The lamp", "--max-tokens", "6", "--temperature",
                 temperature], expect={1})
        case.run(["eval", "--base", f"{folder}/{name}.gguf", "--corpus", fixtures.corpus(case.bench, "tarrow-log")],
                 expect={1}, seconds=120)
        case.run(
            ["generate", "--base", f"{folder}/{name}.gguf", "--prompt", "x", "--audit", f"chain-{name}"], expect={1},
            may=[f"chain-{name}!"])
        rows = case.read(f"chain-{name}", "audit.jsonl").decode()
        if '"kind":"failure"' not in rows or '"kind":"close"' in rows:
            raise fixtures.Fault("the chain of a reply that failed tells of no failure, or is closed")
        case.run(["audit", "verify", f"chain-{name}", "--any-signer"], expect={4})


def no_file_at_all(case):
    """Folders, pipes, devices, links to nowhere and to themselves, empty files, files that only begin like a base."""
    os.mkdir(case.path("folder"))
    os.mkfifo(case.path("pipe"))
    os.symlink("loop", case.path("loop"))
    os.symlink("nowhere", case.path("nowhere-link"))
    case.write("empty", b"")
    case.write("magic", b"GGUF")
    case.write("short", b"GGUF" + bytes(19))
    for name in ("folder", "pipe", "loop", "nowhere-link", "empty", "magic", "short", "missing", "/dev/zero", "/dev/null"):
        path = name if name.startswith("/") else case.path(name)
        for program in ("polymath", "polymath-verify"):
            case.run(["audit", "seal", path], program, expect={1, 2})
        case.run(["generate", "--base", path, "--prompt", "x"], expect={1, 2})


def huge_and_hollow(case):
    """A tensor of 200 GB that is a hole, and one that claims more than its file has."""
    hollow = Gguf()
    hollow.records = [[b"general.architecture", STRING, b"qwen2"]]
    hollow.tensors = [Tensor(b"token_embd.weight", [1 << 20, 1 << 16], 0, b"")]
    case.write("claims.gguf", hollow.encoded)
    case.run(["audit", "seal", case.path("claims.gguf")], "polymath-verify", expect={1})
    case.run(["generate", "--base", case.path("claims.gguf"), "--prompt", "x"], expect={1})


def foreign_names(case):
    """Names that would steer a terminal come out escaped."""
    base = Gguf(fixtures.read(fixtures.tiny(case.bench)))
    base.tensors[3].name = "blk\x1b]0;PWNED\x07\x1b[31m\u202e\x9b2J\r".encode()
    base.records.append([b"general.name", STRING, b"a\x1b[2Jb\r\n\xe2\x80\xae"])
    path = case.write("names.gguf", base.encoded)
    for words in (["base", "inspect", path], ["audit", "seal", path], ["generate", "--base", path, "--prompt", "x"]):
        case.run(words)
    case.run(["audit", "seal", path], "polymath-verify")


def training(case, act, expect):
    """Trains on a copy of the tiny base for as long as it takes, and does something to the copy at the first step."""
    path = case.copy(fixtures.tiny(case.bench), "b.gguf")
    out = os.path.join(case.base, "run")

    def meanwhile(process):
        deadline = time.monotonic() + 30 * case.bench.slack
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if b'"event":"step"' in fixtures.read(out + "/events.jsonl"):
                    break
            except FileNotFoundError:
                pass
            time.sleep(0.001)
        act(path)

    case.run(
        ["train", "--base", path, "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps", "6000",
         "--threads", "1", "--identity", fixtures.owner(case.bench) + "/owner.pem", "--out", out], expect=expect, may=["b.gguf!"],
        seconds=120, meanwhile=meanwhile)
    if os.path.exists(out + "/adapter.gguf"):
        raise fixtures.Fault("a run whose base changed left an adapter")
    case.run(["audit", "verify", out, "--any-signer"], expect={4}, environment={"XDG_CONFIG_HOME": case.base + "/other"})


def flip(path, place):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0xFF]))


def changed_during_a_run(case):
    """A byte that changes ends the run with exit 3."""
    training(case, lambda path: flip(path, os.path.getsize(path) - 100), {3})


def changed_and_restored(case):
    """A tensor that is altered and put back before the end is found all the same: the base changed during the run."""

    def act(path):
        data = fixtures.read(path)
        place = len(data) - 2000
        with open(path, "r+b", buffering=0) as file:
            file.seek(place)
            file.write(bytes(byte ^ 0x55 for byte in data[place:place + 1000]))
            file.seek(place)
            file.write(data[place:place + 1000])

    training(case, act, {3})


def cut_during_a_run(case):
    """A base that is cut under the map ends the run with exit 3 and without a crash."""
    training(case, lambda path: os.truncate(path, 4096), {3})


def moved_during_a_run(case):
    """A base whose path leads elsewhere ends the run with exit 3, and nothing that may be handed on says where it lay."""
    place = "of alice example \\ with a very long name " + "that goes on and on " * 8
    secret = os.path.join(case.base, place)
    os.mkdir(secret)
    path = shutil.copyfile(fixtures.tiny(case.bench), secret + "/b.gguf")
    out = os.path.join(secret, "run")

    def meanwhile(process):
        while process.poll() is None and not (
                os.path.exists(out + "/events.jsonl") and b'"event":"step"' in fixtures.read(out + "/events.jsonl")):
            time.sleep(0.001)
        os.rename(path, path + ".gone")

    case.run(
        ["train", "--base", path, "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps", "6000", "--threads",
         "1", "--out", out], expect={3}, seconds=120, meanwhile=meanwhile)
    for folder, _, names in os.walk(out):
        for name in names:
            if name != "local.json" and b"alice" in fixtures.read(os.path.join(folder, name)):
                raise fixtures.Fault(f"{name} says where the base lay")


def cut_under_a_reader(case):
    """A file that is cut while the programs hash it: one sentence, no bus error."""
    large = Gguf()
    large.records = [[b"general.architecture", STRING, b"qwen2"]]
    large.tensors = [Tensor(b"token_embd.weight", [1 << 20, 256], 0, b"")]
    head = large.encoded
    for program, words in (
        ("polymath-verify", ["audit", "seal", "big.gguf"]), ("polymath", ["audit", "seal", "big.gguf"]),
        ("polymath-verify", ["audit", "seal", "big.gguf", "--compare", "copy.gguf"]),
        ("polymath-verify", ["audit", "seal", "copy.gguf", "--compare", "big.gguf"]),
    ):
        for name in ("big.gguf", "copy.gguf"):
            with open(case.path(name), "wb") as file:
                file.write(head)
                file.truncate(len(head) + (1 << 30))

        def cut(process):
            time.sleep(0.08)
            os.truncate(case.path("big.gguf"), 1 << 16)

        case.run(words, program, expect={1, 3, 4}, may=["big.gguf!"], seconds=60, meanwhile=cut)


NAMED = {
    "not-finite": not_finite, "no-file-at-all": no_file_at_all, "huge-and-hollow": huge_and_hollow,
    "foreign-names": foreign_names, "changed-during-a-run": changed_during_a_run,
    "changed-and-restored": changed_and_restored, "cut-during-a-run": cut_during_a_run,
    "moved-during-a-run": moved_during_a_run, "cut-under-a-reader": cut_under_a_reader,
}
SLOW = {"cut-under-a-reader"}
