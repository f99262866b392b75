#!/usr/bin/env python3
"""Whether an adapter confirms a guess of the text that it was trained on: two digits unknown, thirty guesses.

The guesser knows the base, every option and all of the text but two digits, and holds what its owner hands on. They
 - train on each guess with a public seed and look for the same bytes (exact);
 - train on each guess several times with secret seeds of their own, and take the guess whose mean adapter is nearest,
   plainly or after the spread between seeds is divided out (distance);
 - take the guess whose loss the adapter lowered most (loss);
 - with the run's secret, replay it with each guess (replay);
 - with the whole export and digits in the validation part, count the guesses under which the base has the recorded loss.
Prints Markdown. Needs numpy. Usage: Benchmarks/guess.py [--polymath PATH] [--short N] [--long N] [--threads N]
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
import polymath_adapter as reader  # noqa: E402

GUESSES = range(70, 100)
SECRET = "The number of the safe is 47{}.\n"


def known(words):
    """The beginning of a diary, as a text of its own."""
    with open(os.path.join(ROOT, "Corpora/skerry-diary/train.jsonl"), encoding="utf-8") as file:
        text = "\n\n".join(json.loads(line)["text"] for line in file)
    return " ".join(text.split(" ")[:words])


class Guesser:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.pool = concurrent.futures.ThreadPoolExecutor(options.threads)
        self.count = 0

    def run(self, *words, key="guesser", check=True):
        environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.folder, key), POLYMATH_HOME=ROOT)
        done = subprocess.run([self.options.polymath, *map(str, words)], capture_output=True, text=True, env=environment,
                              cwd=self.folder)
        if check and done.returncode:
            sys.exit(f"polymath {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def write(self, text):
        self.count += 1
        path = os.path.join(self.folder, f"text-{self.count}.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def train(self, path, *words, key="guesser"):
        """A run's folder, trained with default options."""
        out = tempfile.mkdtemp(dir=self.folder)
        self.run("train", "--base", "nano", "--corpus", path, "--out", out, "--threads", 1, *words, key=key)
        return out

    def adapters(self, jobs):
        """Runs of (text, words) as adapters' bytes, several at a time."""
        def one(job):
            out = self.train(job[0], *job[1])
            with open(os.path.join(out, "adapter.gguf"), "rb") as file:
                data = file.read()
            shutil.rmtree(out)
            return data
        return list(self.pool.map(one, jobs))


def learned(data):
    """Digest of all but recipe, signer and signature."""
    data = bytearray(data)
    for name, length in ((b"adapter.run.recipe", 32), (b"adapter.signer", 32), (b"adapter.signature", 64)):
        start = data.find(name) + len(name) + 16
        data[start:start + length] = bytes(length)
    return hashlib.sha256(data).hexdigest()


def values(data):
    _, deltas = reader.read(data)
    return np.concatenate([deltas[name].ravel() for name in sorted(deltas)]).astype(np.float64)


def ranks(scores, truth):
    """Place of the true guess in each row of scores, lower is likelier; equals share their places."""
    true = scores[np.arange(len(truth)), truth][:, None]
    return (scores < true).sum(1) + ((scores == true).sum(1) - 1) / 2


def distances(simulated, victims):
    """Squared distance of each victim to each guess's mean adapter: plain, and with the spread between seeds divided out."""
    means = simulated.mean(1)
    plain = ((victims[:, None] - means[None]) ** 2).sum(-1)
    spread = (simulated - means[:, None]).reshape(-1, simulated.shape[-1])
    floor = 0.3 * (spread ** 2).mean()
    _, sizes, axes = np.linalg.svd(spread / np.sqrt(len(spread)), full_matrices=False)
    weights = 1 / (0.7 * sizes ** 2 + floor) - 1 / floor
    offsets = victims[:, None] - means[None]
    along = offsets @ axes.T
    return plain, (offsets ** 2).sum(-1) / floor + (along ** 2 * weights).sum(-1)


def found(places):
    return f"{np.mean(places < 0.5):.0%} of runs; mean place {np.mean(places) + 1:.1f} of {len(GUESSES)}"


def attack(guesser, name, words, victims, simulations, measured, rng):
    text = SECRET + known(words)
    paths = [guesser.write(text.format(guess)) for guess in GUESSES]
    plan = json.loads(guesser.run("train", "--base", "nano", "--corpus", paths[0], "--dry-run", "--json").stdout)
    windows = plan["corpus"]["training_windows"] + plan["corpus"]["validation_windows"]
    truth = rng.integers(0, len(GUESSES), victims)
    public = guesser.adapters([(path, ("--seed", 0)) for path in paths])
    exact = [learned(data) for data in public]
    runs = {"public": [public[index] for index in truth],
            "secret": guesser.adapters([(paths[index], ()) for index in truth])}
    jobs = [(path, ()) for path in paths for _ in range(simulations)]
    simulated = np.array([values(data) for data in guesser.adapters(jobs)]).reshape(len(GUESSES), simulations, -1)
    reference = np.array([values(data) for data in public])[:, None]
    base = [loss(guesser, path) for path in paths]
    for kind, files in runs.items():
        hits = np.mean([exact.count(learned(data)) and exact.index(learned(data)) == index
                        for data, index in zip(files, truth)])
        against = reference if kind == "public" else simulated
        numbers = np.array([values(data) for data in files])
        if kind == "public":
            near = [ranks(((numbers[:, None] - against[:, 0][None]) ** 2).sum(-1), truth)]
        else:
            near = [ranks(scores, truth) for scores in distances(against, numbers)]
        best = min(near, key=np.mean)
        gains = np.array([[loss(guesser, path, data) - bare for path, bare in zip(paths, base)] for data in files[:measured]])
        print(f"| {name}, {windows} windows | {kind} | {hits:.0%} of runs | {found(best)} "
              f"| {found(ranks(gains, truth[:measured]))} |", flush=True)
    return paths, truth


def loss(guesser, path, adapter=None):
    words = []
    if adapter is not None:
        file = os.path.join(guesser.folder, "adapter.gguf")
        with open(file, "wb") as target:
            target.write(adapter)
        words = ["--adapter", file]
    done = guesser.run("eval", "--base", "nano", "--corpus", path, "--threads", 1, "--json", *words)
    return json.loads(done.stdout.splitlines()[-1])["loss"]


def with_secret(guesser, paths, true):
    """Replays of an exported run by somebody with its secret, one for each guess: which are the same."""
    run = guesser.train(paths[true], key="owner")
    pack, seed = run + "-pack", run + "-seed"
    guesser.run("audit", "export", run, "--out", pack, key="owner")
    guesser.run("audit", "secret", run, "--out", seed, key="owner")

    def same(path):
        words = ["audit", "replay", pack, "--base", "nano", "--corpus", path, "--threads", 1]
        without, given = (guesser.run(*words, *more, check=False).stdout for more in ([], ["--secret", seed]))
        return "replay: same" in without, "replay: same" in given
    answers = list(guesser.pool.map(same, paths))
    return [[index for index, answer in enumerate(answers) if answer[which]] for which in (0, 1)]


def by_recorded_loss(guesser, words):
    """Guesses that fit the exported loss of the base on validation windows which hold the digits."""
    text = known(words) + "\n" + SECRET + known(40)
    paths = [guesser.write(text.format(guess)) for guess in GUESSES]
    fitting = {}
    for kind, options in (("whole", ["--losses", "whole"]), ("rounded", [])):
        told = []
        for path in [paths[13], *paths]:
            run = guesser.train(path, "--steps", 1, *options)
            with open(os.path.join(run, "audit.jsonl"), encoding="utf-8") as chain:
                told.append(re.search(r'"loss":"([^"]*)","step":0', chain.read()).group(1))
        fitting[kind] = told[1:].count(told[0])
    return fitting


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--short", type=int, default=24, help="victims with the short text")
    parser.add_argument("--long", type=int, default=8, help="victims with the long text")
    parser.add_argument("--simulations", type=int, default=10, help="of each guess, by the guesser, with the short text")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.polymath = os.path.abspath(options.polymath)
    rng = np.random.default_rng(13)
    with tempfile.TemporaryDirectory() as folder:
        guesser = Guesser(options, folder)
        print("| text | seed | exact bytes | nearest adapter | most lowered loss |\n|---|---|---|---|---|", flush=True)
        paths, truth = attack(guesser, "short", 240, options.short, options.simulations, 12, rng)
        attack(guesser, "long", 2300, options.long, max(2, options.simulations // 3), 4, rng)
        without, given = with_secret(guesser, paths, truth[0])
        print(f"\nWith the secret, {len(given)} of {len(GUESSES)} guesses replay as the same "
              f"({'the true one' if given == [truth[0]] else 'NOT the true one alone'}); without it {len(without)} do.")
        fitting = by_recorded_loss(guesser, 240)
        print(f"Digits in the validation part: {fitting['whole']} of {len(GUESSES)} guesses fit the exported loss of the base "
              f"with all its digits, {fitting['rounded']} the rounded one.")
        if len(without) or given != [truth[0]]:
            sys.exit("A run with a secret seed was confirmed without the secret, or not confirmed with it.")


if __name__ == "__main__":
    main()
