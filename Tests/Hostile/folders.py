"""Places to write: whatever is refused leaves what was there as it was, to the mode, and adds nothing."""

import os
import shutil

import fixtures

KIND = "folders"
MUTANTS = 900


def writers(case):
    """Every verb that writes, by name, with a placeholder where its output goes."""
    bench = case.bench
    base, text = fixtures.tiny(bench), ["--tokens", fixtures.tokens(bench), "--seq-len", "8"]
    owner = ["--identity", fixtures.owner(bench) + "/owner.pem"]
    inbox = [f"{fixtures.adapters(bench)}/{index}.gguf" for index in range(5)]
    return {
        "train": ["train", "--base", base, "--steps", "1", "--out", "OUT"] + text + owner,
        "generate": ["generate", "--base", fixtures.nano(bench), "--prompt", "x", "--max-tokens", "1", "--audit", "OUT"] + owner,
        "merge": ["adapter", "merge", "--base", base, "--adapter", inbox[0], "--out", "OUT"],
        "export": ["adapter", "export", "--format", "peft", "--base", base, "--adapter", inbox[0], "--out", "OUT"],
        "seal": ["audit", "seal", base, "--out", "OUT"],
        "report": ["audit", "report", fixtures.run(bench), "--out", "OUT"],
        "handover": ["audit", "export", fixtures.run(bench), "--out", "OUT"],
        "aggregate": ["federation", "aggregate"] + inbox + [
            "--base", base, "--round", "1", "--roster", fixtures.adapters(bench) + "/roster.txt", "--out", "OUT"] + owner,
        "manifest": ["federation", "manifest", "make", "--base", base, "--model-id", "m", "--url", "https://example.org/b.gguf",
                     "--out", "OUT"] + owner,
        "csv": ["telemetry", "export", fixtures.run(bench), "--format", "csv", "--out", "OUT"],
        "tensorboard": ["telemetry", "export", fixtures.run(bench), "--format", "tensorboard", "--out", "OUT"],
        "plant": ["corpus", "plant", fixtures.corpus(bench, "tarrow-log"), "--out", "OUT", "--canaries", "1"],
    }


NAMES = ["start.gguf", "seal.json", "local.json", "events.jsonl", "run.json", "audit.jsonl", "notes.txt", "adapter.gguf",
         ".seal.json.abc.part", "checkpoints", "fault.json", "report.html", "train.jsonl", "secrets.json"]


def furnish(case, place):
    """A random place where something is to be written, and what lies beside it; returns the path to type."""
    rng = case.rng
    kind = rng.randrange(9)
    target = case.path(place)
    if kind == 0:
        case.write(place, b"somebody's file\n", rng.choice([0o600, 0o644, 0o400]))
    elif kind in (1, 2, 3):
        os.mkdir(target)
        for name in rng.sample(NAMES, rng.randint(1 if kind < 3 else 0, 4)):
            case.write(f"{place}/{name}", rng.choice([b"", b"x", b"{}", b"mine\n"]))
        os.chmod(target, rng.choice([0o755, 0o700, 0o750, 0o2755]))
    elif kind == 4:
        os.symlink(rng.choice(["elsewhere", "nowhere", place, "elsewhere/kept.txt"]), target)
        os.mkdir(case.path("elsewhere"))
        case.write("elsewhere/kept.txt", b"kept")
    elif kind == 5:
        os.mkfifo(target)
    elif kind == 6:
        case.write("letter.txt", b"Dear Ann,\n")
        # Nothing outside of this folder: where a refusal fails, the place would be harmed.
        place = rng.choice(["missing/deep/out", "", ".", "./", "a" * 300, "out/"])
    # Neighbours whose names the programs themselves may use on the way.
    for suffix in (".unfinished", ".unproven", ".part", ".part.etag", ".record.json"):
        if kind != 6 and rng.random() < 0.3:
            if rng.random() < 0.5:
                case.write(place + suffix, b"a neighbour's file\n")
            else:
                case.write(f"{place}{suffix}/kept.txt", b"a neighbour's folder\n")
    return place


def mutant(case):
    place = furnish(case, case.rng.choice(["out", "out.gguf"]))
    name = case.rng.choice(sorted(writers(case)))
    words = [place if word == "OUT" else word for word in writers(case)[name]]
    free = not os.path.lexists(case.path(place)) or (
        os.path.isdir(case.path(place)) and not os.path.islink(case.path(place)) and not os.listdir(case.path(place)))
    may = []
    if name == "report":
        # A page is made again: --out names the file that it replaces.
        may = [place]
    elif free and place not in ("", ".", "./"):
        may = [place.rstrip("/"), place.split("/")[0]]
        if name == "aggregate" and not os.path.lexists(case.path(place + ".record.json")):
            may.append((place[:-5] if place.endswith(".gguf") else place) + ".record.json")
    case.run(words, may=may, seconds=60)


# MARK: Named

def beginnings(case):
    """A folder that holds only what a run begins with is somebody's folder all the same."""
    train = writers(case)["train"]
    for names in (["start.gguf"], ["seal.json"], ["local.json"], ["events.jsonl"], ["seal.json", "local.json", "start.gguf"]):
        os.mkdir(case.path("q"))
        os.chmod(case.path("q"), 0o755)
        for name in names:
            case.write("q/" + name, b"mine\n")
        case.run([word if word != "OUT" else "q" for word in train], expect={2})
        # Refused for another reason, it must leave them too.
        case.run([word if word != "OUT" else "q" for word in train] + ["--start", "missing.gguf"], expect={1, 2})
        case.run(["train", "--base", "missing.gguf", "--steps", "1", "--out", "q"], expect={1, 2})
        shutil.rmtree(case.path("q"))


def home_as_output(case):
    """--out . in a folder with other things changes nothing, not even its mode."""
    os.chmod(case.folder, 0o755)
    case.write("letter.txt", b"Dear Ann,\n")
    case.write("start.gguf", b"not yours\n")
    for name, words in writers(case).items():
        if name != "report":
            case.run(["." if word == "OUT" else word for word in words], expect={1, 2})


def neighbours(case):
    """`p.unfinished`, `m.unproven` and their like belong to whoever made them."""
    for name, place in (("export", "p"), ("merge", "m"), ("handover", "h"), ("aggregate", "a"), ("train", "t"), ("plant", "c")):
        for suffix in (".unfinished", ".unproven", ".part"):
            case.write(f"{place}{suffix}/kept.txt", b"kept\n")
        case.run([place if word == "OUT" else word for word in writers(case)[name]], may=[place, place + ".record.json"])
    case.write("m2.unproven", b"kept\n")
    case.run(["m2" if word == "OUT" else word for word in writers(case)["merge"]], may=["m2"])


def pipes_for_every_path(case):
    """A pipe for every option and operand that takes a path: nobody waits for a writer."""
    os.mkfifo(case.path("pipe"))
    base, text = fixtures.tiny(case.bench), ["--tokens", fixtures.tokens(case.bench), "--seq-len", "8"]
    adapter = fixtures.adapters(case.bench) + "/0.gguf"
    run = fixtures.run(case.bench)
    train = ["train", "--base", base, "--steps", "1", "--dry-run"]
    lines = [
        train + ["--tokens", "pipe"], train + ["--corpus", "pipe"], train + text + ["--start", "pipe"],
        train + text + ["--sensors", "pipe"], train + text + ["--identity", "pipe"],
        ["train", "--config", "pipe"], ["train", "--base", "pipe", "--steps", "1"], ["train", "--resume", "pipe"],
        ["train", "--base", base, "--steps", "1", "--out", "pipe"] + text,
        ["eval", "--base", base, "--adapter", "pipe"] + text, ["eval", "--base", base, "--tokens", "pipe", "--seq-len", "8"],
        ["generate", "--base", "pipe", "--prompt", "x"], ["generate", "--base", base, "--prompt", "x", "--audit", "pipe"],
        ["adapter", "privacy", "--base", base, "--adapter", adapter, "--data", "pipe"],
        ["adapter", "privacy", "--base", fixtures.nano(case.bench), "--adapter", adapter, "--data",
         fixtures.corpus(case.bench), "--secrets", "pipe"],
        ["audit", "verify", "pipe"], ["audit", "report", "pipe"], ["audit", "export", "pipe", "--out", "x"],
        ["audit", "replay", "pipe"], ["audit", "replay", run, "--base", "pipe"], ["audit", "seal", "pipe"],
        ["audit", "seal", base, "--check", "pipe"], ["audit", "seal", base, "--compare", "pipe"],
        ["audit", "attestation", "pipe"], ["audit", "attestation", run + "/attestation.dsse.json", "--trusted", "pipe"],
        ["audit", "attestation", run + "/attestation.dsse.json", "--key", "pipe"],
        ["audit", "verify", run, "--trusted", "pipe"],
        ["federation", "aggregate", "pipe", adapter, "--base", base, "--round", "1", "--roster",
         fixtures.adapters(case.bench) + "/roster.txt", "--out", "x"],
        ["federation", "aggregate", adapter, "--base", base, "--round", "1", "--roster", "pipe", "--out", "x"],
        ["federation", "aggregate", adapter, "--base", base, "--round", "1", "--roster",
         fixtures.adapters(case.bench) + "/roster.txt", "--previous", "pipe", "--out", "x"],
        ["federation", "check", "pipe", "--adapter", adapter], ["federation", "manifest", "verify", "pipe"],
        ["base", "inspect", "pipe"], ["corpus", "check", "pipe"], ["corpus", "plant", "pipe", "--out", "x"],
        ["telemetry", "export", "pipe", "--format", "csv", "--out", "x"], ["base", "list", "--catalog", "pipe"],
        ["base", "pull", "nano", "--catalog", "pipe"], ["base", "list", "--home", "pipe"],
    ]
    for words in lines:
        outcome = case.run(words, seconds=15)
        if outcome.status == 0 and words[:2] != ["base", "list"]:
            raise fixtures.Fault(f"a pipe was taken for a file: {' '.join(words)}")
        if words[0] in ("audit", "federation", "adapter") and words[1] not in ("report", "export", "replay", "privacy"):
            case.run(words, "polymath-verify", seconds=15, expect={1, 2, 4})


NAMED = {
    "beginnings": beginnings, "home-as-output": home_as_output, "neighbours": neighbours,
    "pipes-for-every-path": pipes_for_every_path,
}
SLOW = set()
