"""Text and token files: what is no UTF-8, no JSON, no file, too large, or costly by design."""

import json
import os
import resource

import fixtures
from harness import Fault
from mutation import TEXTS, mutated_bytes, mutated_json, mutated_text

KIND = "corpora"
MUTANTS = 1800
ROWS = [
    {"text": "The tide was out. "}, {"prompt": "How high?", "completion": "Two metres."},
    {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]},
]


def mutant(case):
    choice = case.rng.random()
    if choice < 0.3:
        ids = [case.rng.randrange(300) for _ in range(40)]
        path = case.write("t.json", mutated_text(case.rng, ids))
        case.run(["eval", "--base", fixtures.tiny(case.bench), "--tokens", path, "--seq-len", "8"])
        return
    if choice < 0.4:
        case.run(["tokenize", "--base", fixtures.nano(case.bench)] + case.rng.choice([[], ["--json"]]),
                 stdin=mutated_bytes(case.rng, "\n".join(json.dumps(text) for text in TEXTS).encode(errors="replace")))
        return
    if choice < 0.5:
        return recorded(case)
    lines = []
    for _ in range(case.rng.randint(1, 30)):
        row = case.rng.choice(ROWS)
        lines.append(mutated_text(case.rng, row) if case.rng.random() < 0.3 else json.dumps(row).encode())
    name = case.rng.choice(["c.jsonl", "c.txt", "c.md", "c/train.jsonl", "c/a.txt"])
    case.write(name, b"\n".join(lines))
    path = name.split("/")[0]
    case.run(case.rng.choice([
        ["corpus", "check", path], ["corpus", "check", path, "--base", fixtures.nano(case.bench), "--show-mask"],
        ["corpus", "fertility", path, "--base", fixtures.nano(case.bench)],
        ["train", "--base", fixtures.nano(case.bench), "--corpus", path, "--steps", "1", "--seq-len", "8", "--dry-run"],
    ]))


def recorded(case):
    """A collection whose corpus.json is not what it should be."""
    text = b"\n".join(json.dumps(row).encode() for row in ROWS)
    record = json.loads(fixtures.read(fixtures.corpus(case.bench) + "/corpus.json"))
    case.write("c/train.jsonl", text)
    case.write("c/corpus.json", mutated_text(case.rng, mutated_json(case.rng, record)))
    case.run(["corpus", "check", "c"])


# MARK: Named

def no_file_at_all(case):
    """Pipes, devices, folders that hold themselves, links to nowhere and names with everything in them."""
    os.mkfifo(case.path("pipe"))
    os.mkfifo(case.path("pipe.txt"))
    os.mkdir(case.path("empty"))
    os.mkdir(case.path("folder"))
    os.symlink("..", case.path("folder", "up"))
    os.mkfifo(case.path("folder", "train.jsonl"))
    os.symlink("loop.txt", case.path("loop.txt"))
    os.symlink("nowhere.txt", case.path("gone.txt"))
    case.write("nothing.txt", b"")
    for name in ("pipe", "pipe.txt", "empty", "folder", "loop.txt", "gone.txt", "nothing.txt", "missing.txt", "/dev/zero",
                 "/dev/null"):
        case.run(["corpus", "check", name], expect={1, 2})
        case.run(["train", "--base", fixtures.nano(case.bench), "--corpus", name, "--steps", "1", "--dry-run"], expect={1, 2})
        case.run(["eval", "--base", fixtures.tiny(case.bench), "--tokens", name, "--seq-len", "8"], expect={1, 2})


def hollow_text(case):
    """A sparse text of 200 GB ends with a sentence before memory does, within a budget or without one."""
    path = case.path("huge.txt")
    with open(path, "wb") as file:
        file.truncate(200 << 30)
    limits = {resource.RLIMIT_AS: 4 << 30}
    for more in ([], ["--memory-budget", "64M"]):
        outcome = case.run(
            ["train", "--base", fixtures.nano(case.bench), "--corpus", "huge.txt", "--steps", "1", "--out", "run"] + more,
            expect={1, 5}, seconds=120, limits=limits)
        if outcome.peak > 1 << 30:
            raise Fault(f"it took {outcome.peak >> 20} MB before it refused a text of 200 GB")
    for words in (["corpus", "check", "huge.txt"], ["eval", "--base", fixtures.tiny(case.bench), "--tokens", "huge.txt", "--seq-len", "8"]):
        case.run(words, expect={1, 5}, seconds=120, limits=limits)


def large_text_in_little_memory(case):
    """62 MB of text under a hard limit on data: refused with exit 5, or done; never aborted."""
    case.write("large.txt", b"The tide was out and the boats lay on their sides.\n" * 1_250_000)
    case.run(
        ["train", "--base", fixtures.nano(case.bench), "--corpus", "large.txt", "--steps", "1", "--out", "run", "--threads", "1"],
        expect={0, 5}, may=["run"], seconds=300, limits={resource.RLIMIT_DATA: 300_000 << 10})


def combining_marks(case):
    """Alternating marks take time in proportion to their number."""
    marks = "\u0301\u0323"
    seconds = []
    for count in (50_000, 200_000):
        outcome = case.run(
            ["tokenize", "--base", fixtures.nano(case.bench)], stdin=("a" + marks * (count // 4)).encode(), expect={0}, seconds=60)
        seconds.append(outcome.seconds)
    if seconds[1] > 1 and seconds[1] > 8 * seconds[0]:
        raise Fault(f"four times the marks took {seconds[1] / seconds[0]:.0f} times the seconds")


def one_long_line(case):
    """A word, a line and a row of JSON of 4 MB, and a number of a million digits."""
    for name, data in (
        ("word.txt", b"a" * (4 << 20)), ("spaces.txt", b" " * (4 << 20)), ("lines.txt", b"\n" * (4 << 20)),
        ("row.jsonl", b'{"text": "' + b"b" * (4 << 20) + b'"}'), ("number.json", b"[" + b"1" * (1 << 20) + b"]"),
        ("deep.jsonl", b"[" * (1 << 20)), ("nul.txt", bytes(1 << 20)),
    ):
        case.write(name, data)
        case.run(["corpus", "check", name, "--base", fixtures.nano(case.bench)], seconds=60)
        case.run(["eval", "--base", fixtures.tiny(case.bench), "--tokens", name, "--seq-len", "8"], expect={1, 2}, seconds=60)


def control_characters(case):
    """Text, roles, names and files full of control characters come out escaped."""
    steering = "\x1b]0;PWNED\x07\x1b[31m\u202e\u2066\x9b2J\r"
    case.write("c.jsonl", "\n".join(json.dumps(row) for row in [
        {"text": steering}, {"messages": [{"role": steering, "content": "x"}]}, {steering: "x"}]))
    case.write("ok.jsonl", json.dumps({"text": steering * 30}))
    name = "e" + steering.replace("\r", "\n") + ".txt"
    case.write(name, steering * 50)
    for path in ("c.jsonl", "ok.jsonl", name):
        case.run(["corpus", "check", path])
        case.run(["corpus", "check", path, "--base", fixtures.nano(case.bench), "--show-mask", "--seq-len", "8"])
        case.run(["train", "--base", fixtures.nano(case.bench), "--corpus", path, "--steps", "1", "--seq-len", "8", "--dry-run"])
    case.run(["generate", "--base", fixtures.nano(case.bench), "--prompt", steering, "--max-tokens", "4"])


def changed_collection(case):
    """A collection with a record that one byte contradicts exits 4."""
    case.copy(fixtures.corpus(case.bench), "c")
    case.run(["corpus", "check", "c"], expect={0})
    data = case.read("c", "train.jsonl")
    fixtures.write(case.path("c", "train.jsonl"), data.replace(b"tide", b"tine", 1) if b"tide" in data else data[:-2] + b"x\n")
    case.run(["corpus", "check", "c"], expect={1, 4})
    case.run(["train", "--base", fixtures.nano(case.bench), "--corpus", "c", "--steps", "1", "--out", "run"], expect={1, 4})


NAMED = {
    "no-file-at-all": no_file_at_all, "hollow-text": hollow_text, "large-text-in-little-memory": large_text_in_little_memory,
    "combining-marks": combining_marks, "one-long-line": one_long_line, "control-characters": control_characters,
    "changed-collection": changed_collection,
}
SLOW = {"large-text-in-little-memory", "hollow-text"}
