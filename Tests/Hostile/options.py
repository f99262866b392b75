"""Command lines: options that are not, values that cannot be, words that are no text."""

import json
import re
import subprocess

import fixtures
from harness import Fault
from mutation import TEXTS, mutated_text

KIND = "options"
MUTANTS = 4000
NUMBERS = ["0", "-1", "1", "2", "1.5", "1e309", "nan", "inf", "-inf", "9223372036854775807", "9223372036854775808",
           "99999999999999999999999", "0x10", "١٢", " 1", "1 ", "+1", "1e3", "64M", "64Q", "", "true"]
# What would run for minutes, or listens, or writes a gigabyte.
LEFT_OUT = {"base synth", "base pull", "bench kernels", "bets run", "telemetry simulate"}


def commands(bench):
    """Every command of both programs with its flags, as the help texts tell them."""

    def make(folder):
        found = {}
        for program in ("polymath", "polymath-verify"):
            overview = fixtures.call(bench, folder, ["help"], program)
            part = overview.split("COMMANDS\n")[1].split("\n\n")[0]
            for line in part.split("\n"):
                name = re.split(r"  +", line.strip())[0]
                if name not in LEFT_OUT:
                    text = fixtures.call(bench, folder, ["help"] + name.split(), program)
                    found[f"{program} {name}"] = re.findall(r"^  --(\[no-\])?([a-z-]+)( [^ ]+)?", text, re.M)
        fixtures.write(f"{folder}/commands.json", json.dumps(found))

    with open(bench.fixture("commands", make) + "/commands.json") as file:
        return json.load(file)


def mutant(case):
    known = commands(case.bench)
    name = case.rng.choice(sorted(known))
    program, *command = name.split(" ")
    flags = known[name]
    words = []
    for _ in range(case.rng.randint(0, 5)):
        if not flags:
            break
        negated, flag, value = case.rng.choice(flags)
        if flag in ("help", "version"):
            continue
        typed = "--" + ("no-" if negated and case.rng.random() < 0.5 else "") + flag
        if case.rng.random() < 0.05:
            typed = typed[:-1] + case.rng.choice("xyz")
        content = value_for(case, flag)
        if not value or case.rng.random() < 0.05:
            words.append(typed)
        elif case.rng.random() < 0.3:
            words.append(f"{typed}={content}")
        else:
            words += [typed, content]
    for _ in range(case.rng.choice([0, 0, 1, 1, 2])):
        words.insert(case.rng.randrange(len(words) + 1), case.rng.choice([text for text in TEXTS if "\0" not in text] + ["missing"]))
    if command == ["train"]:
        # Nothing is to be trained here.
        words += ["--dry-run"]
    words = [word.replace("\0", "") for word in words]
    try:
        words = [word.encode().decode() for word in words]
    except UnicodeEncodeError:
        words = [word.encode(errors="replace").decode() for word in words]
    case.run(command + words, program, seconds=40, may=["out"], environment={"POLYMATH_HOME": case.folder})


def value_for(case, flag):
    if flag == "out":
        return "out"
    if flag in ("audit", "record", "identity", "presence", "previous"):
        # What a command may write, or make, lies in this folder.
        return case.rng.choice(["out", "out/x", "missing/x", "out\u202e", "-1"])
    if case.rng.random() < 0.3 and flag == "base":
        return fixtures.tiny(case.bench)
    return case.rng.choice(NUMBERS + [text.replace("\0", "") for text in TEXTS] + ["missing", "."])


# MARK: Named

def no_text(case):
    """Words that are no UTF-8 are refused and not repaired."""
    for program in ("polymath", "polymath-verify"):
        for words in ([b"\xff"], ["adapter", "inspect", b"a\xffb"], ["audit", "verify", b"\xc3\x28", "--any-signer"]):
            case.run(words, program, expect={2})


def configuration(case):
    """--config: what is no JSON, no object, names no option, or holds a value that cannot be."""
    good = {"base": fixtures.tiny(case.bench), "tokens": fixtures.tokens(case.bench), "seq-len": 8, "steps": 2, "scope": "norms"}
    case.write("good.json", json.dumps(good))
    case.run(["train", "--config", "good.json", "--dry-run"], expect={0})
    for index in range(60):
        case.write("c.json", mutated_text(case.rng, good))
        case.run(["train", "--config", "c.json", "--dry-run"])
    for text in ("", "[]", "null", '{"steps": 1e400}', '{"steps": "1", "steps": 2}', '{"nope": 1}', "{" * 100_000, "\ufeff{}"):
        case.write("c.json", text)
        case.run(["train", "--config", "c.json", "--dry-run"], expect={1, 2})


def foreign_words(case):
    """Commands, options, files and names that would steer a terminal."""
    steering = "a\n\x1b]0;PWNED\x07\x1b[31m\u202e\x9b2J\r"
    for words in (
        [steering], ["train", "--" + steering], ["train", "--base", steering + ".gguf"], ["adapter", "inspect", steering],
        ["audit", "verify", steering], ["corpus", "check", steering], ["train", "--resume", steering],
        ["generate", "--base", "nano", "--prompt", "x", "--audit", steering + "/no/such", "--identity", "/dev/null/" + steering],
        ["train", "--base", "x", "--config", steering], ["base", "inspect", steering], ["train", "--scope", steering],
        ["federation", "aggregate", steering, "--base", "x", "--round", steering, "--roster", steering, "--out", steering],
        ["eval", "--base", "nano", "--corpus", steering, "--home", steering],
    ):
        case.run(words, expect={1, 2})


def nowhere_to_live(case):
    """No home, no configuration folder, no standard streams, a configuration folder that is a file."""
    case.write("file", "x")
    train = ["train", "--base", fixtures.tiny(case.bench), "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps", "1",
             "--out", "run"]
    case.run(train, environment={"HOME": None, "XDG_CONFIG_HOME": None}, expect={0, 1, 2}, may=["run"])
    case.run(["doctor"], environment={"HOME": None, "XDG_CONFIG_HOME": None}, expect={0})
    case.run(train[:-1] + ["run2"], environment={"XDG_CONFIG_HOME": case.path("file")}, expect={1, 2})
    case.run(["base", "list"], environment={"POLYMATH_HOME": case.path("file")})
    for stream in ("stdout", "stderr"):
        process = case.start(["help"], **{stream: subprocess.PIPE})
        getattr(process, stream).close()
        status = process.wait(20 * case.bench.slack)
        if status not in (0, 141, -13):
            raise Fault(f"help into a closed {stream} ended with {status}")


def doctor_runs_nothing(case):
    """`doctor` runs no program that stands in the path."""
    for name in ("swift", "sh", "uname", "git", "nproc"):
        case.write("bin/" + name, f"#!/bin/sh\ntouch '{case.path('mark')}'\n", 0o755)
    case.run(["doctor"], environment={"PATH": case.path("bin")}, expect={0})


NAMED = {
    "no-text": no_text, "configuration": configuration, "foreign-words": foreign_words, "nowhere-to-live": nowhere_to_live,
    "doctor-runs-nothing": doctor_runs_nothing,
}
SLOW = set()
