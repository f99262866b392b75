"""Checkpoints that were damaged, forged or planted: whatever a resume does, it does not sign what it did not compute.

A resume may refuse (then nothing is exported), pass over a damaged checkpoint, or compute steps again. Where it comes to
its end, the adapter is the undisturbed run's to the byte, since every run here has one recipe and one identity, and the
chain tells of every step without a gap.
"""

import json
import os
import shutil
import struct

import fixtures
from containers import Chain, canonical, sha256
from harness import Fault
from mutation import mutated_bytes, mutated_json

KIND = "checkpoints"
MUTANTS = 700


def resume(case, folder="run", expect=None, more=()):
    outcome = case.run(["train", "--resume", folder] + list(more), may=[folder + "!"], expect=expect, seconds=60)
    exported = os.path.exists(case.path(folder, "adapter.gguf"))
    if outcome.status == 0:
        if case.read(folder, "adapter.gguf") != fixtures.read(fixtures.run(case.bench) + "/adapter.gguf"):
            raise Fault("a resume signed another adapter than the undisturbed run's")
        verified = case.run(
            ["audit", "verify", folder, "--base", fixtures.tiny(case.bench), "--trusted",
             fixtures.owner(case.bench) + "/owner.txt"])
        if verified.status == 0:
            contiguous(Chain(case.read(folder, "audit.jsonl")))
        else:
            raise Fault(f"a resume came to its end and its run does not verify: {verified.said}")
    elif exported:
        raise Fault(f"a resume that ended with {outcome.status} left an adapter")
    return outcome


def contiguous(chain):
    """Every step is told, in order; after a resume they go on from where it says."""
    step = 0
    for row in chain.rows:
        if row["kind"] == "resume":
            start = row["body"]["from_step"]
            if start > step:
                raise Fault(f"a resume went on from step {start}, and the chain had told of {step}")
            step = start
        elif row["kind"] == "step":
            if row["body"]["step"] != step + 1:
                raise Fault(f"the chain tells of step {row['body']['step']} after {step}")
            step += 1
    if step != fixtures.STEPS:
        raise Fault(f"the chain tells of {step} steps of {fixtures.STEPS}")


def mutant(case):
    keep = case.rng.choice([{8}, {8, 12}])
    run = fixtures.cut_run(case.bench, case.path("run"), 10, keep)
    step = max(keep)
    folder = f"{run}/checkpoints/step_{step:08d}"
    name = case.rng.choice(["checkpoint.json", "state.f32"])
    data = case.read(folder, name)
    if name == "checkpoint.json" and case.rng.random() < 0.5:
        record = mutated_json(case.rng, json.loads(data))
        data = digested(record) if isinstance(record, dict) else canonical_or(record)
    else:
        data = mutated_bytes(case.rng, data)
    fixtures.write(f"{folder}/{name}", data)
    resume(case)


def canonical_or(value):
    return json.dumps(value).encode()


def digested(record):
    """The record with a digest of itself, as anybody can make it."""
    record = dict(record)
    record.pop("sha256", None)
    try:
        record["sha256"] = sha256(canonical(record))
        return canonical(record) + b"\n"
    except UnicodeEncodeError:
        return canonical_or(record)


def plant(run, source, step, factor):
    """A checkpoint of `step` with other weights, made of that of `source` without any key."""
    old, new = (f"{run}/checkpoints/step_{number:08d}" for number in (source, step))
    if source != step:
        shutil.copytree(old, new)
    record = json.loads(fixtures.read(f"{new}/checkpoint.json"))
    state = bytearray(fixtures.read(f"{new}/state.f32"))
    count = sum(tensor["count"] for tensor in record["tensors"])
    places = list(range(count)) + (list(range(len(state) // 4 - count, len(state) // 4)) if record["has_best"] else [])
    for index in places:
        value, = struct.unpack_from("<f", state, 4 * index)
        struct.pack_into("<f", state, 4 * index, value * factor)
    fixtures.write(f"{new}/state.f32", bytes(state))
    record["num_tokens"] = record["num_tokens"] // record["step"] * step
    record.update(step=step, updates=step, best_loss="0.001", best_step=step, state_sha256=sha256(bytes(state)))
    fixtures.write(f"{new}/checkpoint.json", digested(record))


# MARK: Named

def as_it_was(case):
    """A run that was killed between two checkpoints goes on to the undisturbed run's bytes."""
    fixtures.cut_run(case.bench, case.path("run"), 10, {8})
    resume(case, expect={0})


def no_checkpoint(case):
    """Without one it starts at step 0, to the same bytes."""
    fixtures.cut_run(case.bench, case.path("run"), 10, set())
    resume(case, expect={0})


def planted_ahead(case):
    """A checkpoint that lies ahead of the chain and that nobody computed is not believed."""
    for step in (11, 12):
        run = fixtures.cut_run(case.bench, case.path("run"), 10, {8})
        plant(run, 8, step, 1.01)
        resume(case)
        shutil.rmtree(run)


def planted_over(case):
    """A checkpoint that the chain has a row of, with other weights in it, is not believed."""
    run = fixtures.cut_run(case.bench, case.path("run"), 10, {8})
    plant(run, 8, 8, 1.01)
    resume(case)


def planted_between(case):
    """A checkpoint of a step that the chain tells of, without a row of its own."""
    run = fixtures.cut_run(case.bench, case.path("run"), 10, {8})
    plant(run, 8, 9, 1.01)
    resume(case)


def rows_cut_before_a_resume(case):
    """Rows that were cut off, as a loss of power does it, leave a checkpoint ahead: steps are computed again or refused."""
    for after in (11, 9, 7, 5, 3):
        run = fixtures.cut_run(case.bench, case.path("run"), after, {8, 12})
        resume(case)
        shutil.rmtree(run)


def rows_cut_to_the_start(case):
    """All rows but the first, or all of them, cut off."""
    for count in (1, 0):
        run = fixtures.cut_run(case.bench, case.path("run"), 10, {8, 12})
        lines = case.read("run", "audit.jsonl").splitlines(keepends=True)
        fixtures.write(f"{run}/audit.jsonl", b"".join(lines[:count]))
        resume(case)
        shutil.rmtree(run)


def of_another_run(case):
    """A checkpoint of a run with another seed, put in place of this one's."""
    folder = case.bench.fixture("other-run", lambda folder: fixtures.call(case.bench, folder, [
        "train", "--base", fixtures.tiny(case.bench), "--tokens", fixtures.tokens(case.bench), "--identity",
        fixtures.owner(case.bench) + "/owner.pem", "--out", "run"] + fixtures.TRAIN[:-1] + ["8"]))
    run = fixtures.cut_run(case.bench, case.path("run"), 10, {8})
    for step in (8, 12):
        target = f"{run}/checkpoints/step_{step:08d}"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(f"{folder}/run/checkpoints/step_{step:08d}", target)
        resume(case, expect={1, 4})


def no_files_at_all(case):
    """Pipes, folders and links where a checkpoint's files should be, and a folder that is a link."""
    for name in ("checkpoint.json", "state.f32"):
        for make in (os.mkfifo, os.mkdir, lambda path: os.symlink(path, path)):
            run = fixtures.cut_run(case.bench, case.path("run"), 10, {8})
            path = f"{run}/checkpoints/step_00000008/{name}"
            os.remove(path)
            make(path)
            resume(case)
            shutil.rmtree(run)


NAMED = {
    "as-it-was": as_it_was, "no-checkpoint": no_checkpoint, "planted-ahead": planted_ahead, "planted-over": planted_over,
    "planted-between": planted_between, "rows-cut-before-a-resume": rows_cut_before_a_resume,
    "rows-cut-to-the-start": rows_cut_to_the_start, "of-another-run": of_another_run, "no-files-at-all": no_files_at_all,
}
SLOW = set()
