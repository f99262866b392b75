"""Limits of the operating system: of file sizes, memory, processor time, open files and disks."""

import os
import resource
import signal
import subprocess
import time

import fixtures
import folders
from harness import Fault, Skipped

KIND = "limits"
MUTANTS = 300


def mutant(case):
    """A writing verb under a random limit: done, or refused with exit 5 (1 where a reader is starved), never half-done."""
    writers = folders.writers(case)
    name = case.rng.choice(sorted(writers))
    words = ["out.gguf" if word == "OUT" else word for word in writers[name]]
    limits = case.rng.choice([
        {resource.RLIMIT_FSIZE: case.rng.choice([0, 1, 100, 1000, 4096, 20_000, 100_000, 1 << 20])},
        {resource.RLIMIT_AS: case.rng.randint(100, 900) << 20}, {resource.RLIMIT_DATA: case.rng.randint(40, 600) << 20},
        {resource.RLIMIT_NOFILE: case.rng.randint(8, 40)},
    ])
    # A signed record whose adapter found no room is taken back; the folder of an interrupted run stays for its resume.
    may = ["out.gguf!", "out.record.json"] if name in ("train", "generate") else ["out.gguf", "out.record.json"]
    case.run(words + (["--threads", "1"] if name == "train" else []), may=may, seconds=60, limits=limits)


# MARK: Named

def file_sizes(case):
    """A limit on file sizes ends with a sentence and exit 5, not by SIGXFSZ, and leaves nothing half-written."""
    for name, words in folders.writers(case).items():
        for size in (0, 50):
            may = ["o.gguf!"] if name in ("train", "generate") else []
            outcome = case.run(
                ["o.gguf" if word == "OUT" else word for word in words], may=may, limits={resource.RLIMIT_FSIZE: size},
                expect={1, 5}, seconds=60)
            if name == "train" and os.path.exists(case.path("o.gguf")):
                raise Fault(f"a run whose first files did not fit left its folder: {outcome.said}")
    # What fits is written whole under a limit that is just large enough.
    case.run(["audit", "seal", fixtures.tiny(case.bench), "--out", "seal.json"], may=["seal.json"], expect={0},
             limits={resource.RLIMIT_FSIZE: 1 << 20})


def a_run_that_outgrows_its_limit(case):
    """A training that comes to the limit in its middle ends with exit 5 and goes on without the limit."""
    words = [
        "train", "--base", fixtures.tiny(case.bench), "--tokens", fixtures.tokens(case.bench), "--identity",
        fixtures.owner(case.bench) + "/owner.pem", "--out", "run"] + fixtures.TRAIN
    events = os.path.getsize(fixtures.run(case.bench) + "/events.jsonl")
    case.run(words, may=["run!"], expect={5}, limits={resource.RLIMIT_FSIZE: events // 2})
    if os.path.exists(case.path("run", "adapter.gguf")):
        raise Fault("a run that did not come to its end left an adapter")
    if os.path.exists(case.path("run", "run.json")):
        case.run(["train", "--resume", "run"], may=["run"], expect={0}, seconds=60)
        if case.read("run", "adapter.gguf") != fixtures.read(fixtures.run(case.bench) + "/adapter.gguf"):
            raise Fault("a run that was resumed after a full disk made another adapter")


def memory(case):
    """Little memory: exit 5 and one sentence, for every command that computes."""
    base, text = fixtures.nano(case.bench), ["--corpus", fixtures.corpus(case.bench, "tarrow-log")]
    for words in (
        ["train", "--base", base, "--steps", "1", "--out", "run", "--threads", "1"] + text,
        ["eval", "--base", base, "--threads", "1"] + text,
        ["generate", "--base", base, "--prompt", "x", "--max-tokens", "2", "--threads", "1"],
        ["bench", "step", "--base", base, "--seq-len", "32", "--repeat", "1", "--threads", "1"],
    ):
        for what, megabytes in ((resource.RLIMIT_AS, 150), (resource.RLIMIT_AS, 300), (resource.RLIMIT_DATA, 30), (resource.RLIMIT_DATA, 100)):
            case.run(words, may=["run"], expect={0, 5}, limits={what: megabytes << 20}, seconds=60)
            if os.path.exists(case.path("run")):
                subprocess.run(["rm", "-rf", case.path("run")], check=True)


def full_disk(case):
    """A disk that is full: exit 5, and no folder or file that was not there."""
    disk = case.path("disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "none", disk], capture_output=True)
    if mounted.returncode:
        raise Skipped("mounting a small disk needs root")
    try:
        filler = open(disk + "/filler", "wb")
        try:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        except OSError:
            pass
        try:
            filler.close()
        except OSError:
            pass
        for name, words in folders.writers(case).items():
            case.run(["disk/o.gguf" if word == "OUT" else word for word in words], expect={1, 2, 5}, seconds=60)
    finally:
        subprocess.run(["umount", disk], check=True)


def stopped_by_signals(case):
    """SIGTERM, SIGINT and SIGHUP end a training at a pause, SIGPIPE a listing; nothing is left of a stopped writer."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        name = f"run{int(number)}"

        def meanwhile(process):
            while process.poll() is None and not (
                    os.path.exists(case.path(name, "events.jsonl")) and b'"step"' in case.read(name, "events.jsonl")):
                time.sleep(0.002)
            process.send_signal(number)

        case.run(
            ["train", "--base", fixtures.tiny(case.bench), "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps",
             "50000", "--out", name], expect={128 + number}, signals=[number], may=[name + "!"], meanwhile=meanwhile, seconds=60)
        case.run(["audit", "verify", name, "--any-signer"], expect={4})


NAMED = {
    "file-sizes": file_sizes, "a-run-that-outgrows-its-limit": a_run_that_outgrows_its_limit, "memory": memory,
    "full-disk": full_disk, "stopped-by-signals": stopped_by_signals,
}
SLOW = {"memory"}
