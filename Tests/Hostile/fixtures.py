"""What the classes begin with: identities, bases, a finished run, and the same run as a kill would have left it."""

import json
import os
import shutil
import subprocess

from containers import Chain, Gguf
from ed25519 import Key
from harness import Fault  # noqa: F401, for the classes

OWNER = Key(bytes(range(32)))
STRANGER = Key(bytes(range(1, 33)))
STEPS = 12
# Of the run that is finished, and what a resume of it must come to.
TRAIN = ["--seq-len", "8", "--batch-size", "1", "--steps", str(STEPS), "--eval-every", "3", "--learning-rate", "0.01",
         "--checkpoint-every", "4", "--seed", "7"]


def tiny(bench):
    return os.path.join(bench.reference, "qwen2-tied-f32.gguf")


def nano(bench):
    return os.path.join(bench.home, "Checkpoints", "nano-q4_k_m.gguf")


def tokens(bench):
    return os.path.join(bench.reference, "tokens.json")


def corpus(bench, name="skerry-diary"):
    return os.path.join(bench.home, "Corpora", name)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def call(bench, folder, words, program="polymath"):
    """A command that must succeed, for a fixture."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "XDG_CONFIG_HOME": folder + "/config", "POLYMATH_HOME": bench.home}
    bench.hand_over(folder)
    done = subprocess.run(
        [bench.programs[program]] + words, cwd=folder, env=environment, capture_output=True, timeout=300 * bench.slack,
        preexec_fn=bench.drop)
    if done.returncode:
        raise Fault(f"a fixture failed: {' '.join(words)}: {done.stderr.decode()[-300:]}")
    return done.stdout.decode()


def owner(bench):
    """A folder with owner.pem, stranger.pem and the lists that trust the one and the other."""

    def make(folder):
        for name, key in (("owner", OWNER), ("stranger", STRANGER)):
            write(f"{folder}/{name}.pem", key.pem)
            os.chmod(f"{folder}/{name}.pem", 0o600)
            write(f"{folder}/{name}.txt", key.fingerprint + "\n")

    return bench.fixture("owner", make)


def run(bench):
    """The folder that holds a finished run, `run`: twelve steps on the tiny base."""

    def make(folder):
        call(bench, folder, [
            "train", "--base", tiny(bench), "--tokens", tokens(bench), "--identity", owner(bench) + "/owner.pem", "--out",
            "run"] + TRAIN)

    return bench.fixture("run", make) + "/run"


def cut_run(bench, target, after, keep):
    """The finished run as a kill after step `after` would have left it, with the checkpoints of the steps in `keep`."""
    shutil.copytree(run(bench), target)
    for name in ("adapter.gguf", "attestation.dsse.json", "report.html"):
        os.remove(f"{target}/{name}")
    chain = Chain(read(f"{target}/audit.jsonl"))
    end = next(index for index, row in enumerate(chain.rows) if row["kind"] == "step" and row["body"]["step"] == after)
    del chain.rows[end + 1:]
    write(f"{target}/audit.jsonl", b"".join(read(f"{target}/audit.jsonl").splitlines(keepends=True)[:end + 1]))
    kept = []
    for line in read(f"{target}/events.jsonl").splitlines(keepends=True):
        event = json.loads(line)
        kept.append(line)
        if event["event"] == "step" and event["step"] == after:
            break
    write(f"{target}/events.jsonl", b"".join(kept))
    for name in os.listdir(f"{target}/checkpoints"):
        if int(name[5:]) not in keep:
            shutil.rmtree(f"{target}/checkpoints/{name}")
    return target


def adapters(bench, count=5):
    """Signed adapters of that many people on the tiny base, 0.gguf and on, and a roster of them all."""

    def make(folder):
        keys = [Key(bytes([index + 100]) * 32) for index in range(count)]
        write(f"{folder}/roster.txt", "".join(key.fingerprint + "\n" for key in keys))
        for index, key in enumerate(keys):
            write(f"{folder}/{index}.pem", key.pem)
            os.chmod(f"{folder}/{index}.pem", 0o600)
            call(bench, folder, [
                "train", "--base", tiny(bench), "--tokens", tokens(bench), "--identity", f"{folder}/{index}.pem", "--out",
                f"out{index}", "--seq-len", "8", "--steps", str(index + 1), "--seed", "1"])
            shutil.copyfile(f"{folder}/out{index}/adapter.gguf", f"{folder}/{index}.gguf")
            shutil.rmtree(f"{folder}/out{index}")

    return bench.fixture("adapters", make)


def nan_base(bench):
    """`nano` with a block's scale that is no number, and one that is infinite."""

    def make(folder):
        for name, half in (("nan", b"\x00\x7e"), ("inf", b"\x00\x7c")):
            base = Gguf(read(nano(bench)))
            tensor = base.tensor(b"blk.0.ffn_up.weight")
            tensor.data = half + tensor.data[2:]
            write(f"{folder}/{name}.gguf", base.encoded)

    return bench.fixture("nan", make)
