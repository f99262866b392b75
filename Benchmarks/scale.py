#!/usr/bin/env python3
"""Ten million people on paper: storage, verification, bandwidth, rounds; measured where it can be, and simulated.

measure    signatures and whole adapters verified per core, from thousands of signed adapters of the 1.5B shape
paper      what these figures give for any number of people, and where this implementation ends
simulate   rounds as discrete events (arrival, dropout, stragglers, verifiers), against the paper's formula
With --markdown FILE the tables between <!-- name --> and <!-- end --> are written anew.
Usage: scale.py [measure|paper|simulate] [--verify PATH] [--adapters N,N,…] [--markdown FILE] [--out FILE.json]
"""
import argparse
import hashlib
import heapq
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEOPLE = 10_000_000
# Qwen2.5-1.5B: gains of 1,536 values, 28 layers; scope norms in q8_0. The weights' size is the catalogue's.
WIDTH, LAYERS, WEIGHTS = 1_536, 28, 1_117_320_736
ADAPTER, GAINS, MANIFEST = 9_024, 5, 4_096
# Of this implementation: bytes of deltas in memory at once, and the largest roster and record that are read.
BLOCK, ROSTER, RECORD = 64 << 20, 64 << 20, 256 << 20
# Bytes of a line of the roster, and of an accepted adapter's entry in the record, base64 of the envelope included.
ROSTER_LINE, RECORD_ENTRY = 72, math.ceil((2 + 64 + 3 + 71 + 3) * 4 / 3)


# Measured

def openssl(name):
    """Operations per second of one core, as `openssl speed` prints them: signatures, verifications."""
    done = subprocess.run(["openssl", "speed", "-seconds", "3", name], capture_output=True, text=True)
    words = [line for line in done.stdout.splitlines() if line.strip()][-1].split()
    return [float(word) for word in words[-2:]]


def make_adapters(folder, count):
    """A base with the gains of the 1.5B shape, and that many adapters, each by a signer of its own; the roster."""
    sys.path.insert(0, os.path.join(ROOT, "Integrations/python"))
    import make_vectors as writer
    import numpy as np
    import polymath_adapter as reader
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    random_values = np.random.default_rng(1)
    names = sorted(name for layer in range(LAYERS) for name in
                   (f"blk.{layer}.attn_norm.weight", f"blk.{layer}.ffn_norm.weight")) + ["output_norm.weight"]
    gains = [[name, [WIDTH], 0, (1 + 0.1 * random_values.standard_normal(WIDTH)).astype("<f4").tobytes()]
             for name in names]
    base = writer.write([("general.architecture", "qwen2"), ("qwen2.block_count", LAYERS),
                         ("qwen2.embedding_length", WIDTH)], gains)
    base_path = os.path.join(folder, "base.gguf")
    with open(base_path, "wb") as file:
        file.write(base)
    root = reader.root(*reader.parse(base))
    os.makedirs(os.path.join(folder, "inbox"))
    blocks = np.zeros(WIDTH // 32 * GAINS, dtype=np.dtype([("scale", "<f2"), ("steps", "i1", 32)]))
    with open(os.path.join(folder, "roster.txt"), "w") as roster:
        for index in range(count):
            private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"scale %d" % index).digest())
            blocks["scale"] = np.float16(0.0005)
            blocks["steps"] = random_values.integers(-127, 128, (len(blocks), 32))
            data = blocks.tobytes()
            size = len(data) // GAINS
            tensors = [[name, [WIDTH], 8, data[place * size:(place + 1) * size]]
                       for place, name in enumerate(reader.names("norms", LAYERS))]
            keys = [("general.architecture", "qwen2"), ("general.type", "adapter"), ("adapter.type", "norm"),
                    ("adapter.norm.version", 1), ("adapter.norm.scope", "norms"), ("adapter.norm.encoding", "q8_0"),
                    ("adapter.base.root", root), ("adapter.run.recipe", writer.RECIPE),
                    ("adapter.signer", writer.public(private)), ("adapter.signature", bytes(64))]
            adapter = writer.write(keys, tensors, private=private)
            assert len(adapter) == ADAPTER, len(adapter)
            with open(os.path.join(folder, "inbox", f"{index}.gguf"), "wb") as file:
                file.write(adapter)
            roster.write("SHA256:" + hashlib.sha256(writer.public(private)).hexdigest() + "\n")
    return base_path


def timed(words, folder):
    """Seconds by the clock, of processor time, and the largest resident memory in bytes."""
    begin = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, "XDG_CONFIG_HOME": folder, "HOME": folder})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: {output.decode()}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(program, counts):
    """Signatures by themselves, then whole rounds through the program."""
    result = {"cores": os.cpu_count()}
    result["openssl_sign"], result["openssl_verify"] = openssl("ed25519")
    folder = tempfile.mkdtemp(prefix="scale-")
    try:
        base = make_adapters(folder, max(counts))
        result["library_verify"] = library_rate(folder)
        one = [timed([program, "adapter", "verify", "--base", base, "--adapter", f"{folder}/inbox/{index}.gguf",
                      "--any-signer"], folder)[1] for index in range(20)]
        result["process_seconds"] = sorted(one)[10]
        result["rounds"] = []
        for count in counts:
            inbox = os.path.join(folder, f"inbox-{count}")
            os.makedirs(inbox)
            for index in range(count):
                os.link(f"{folder}/inbox/{index}.gguf", f"{inbox}/{index}.gguf")
            clock, processor, memory = timed(
                [program, "federation", "aggregate", inbox, "--base", base, "--round", f"scale-{count}", "--roster",
                 f"{folder}/roster.txt", "--method", "median", "--faults", "1", "--threads", "1", "--out",
                 f"{folder}/{count}.gguf"], folder)
            result["rounds"].append({"adapters": count, "seconds": round(clock, 3), "processor": round(processor, 3),
                                     "resident": memory, "per_second": round(count / processor),
                                     "record": os.path.getsize(f"{folder}/{count}.record.json")})
        # What an adapter costs by itself: the difference between two rounds, so that start-up does not count.
        low, high = result["rounds"][0], result["rounds"][-1]
        result["adapter_seconds"] = (high["processor"] - low["processor"]) / (high["adapters"] - low["adapters"])
    finally:
        shutil.rmtree(folder)
    return result


def library_rate(folder):
    """Verifications per second of OpenSSL on whole adapters of 9 KB, files already in memory."""
    import polymath_adapter as reader
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    work = []
    for index in range(500):
        with open(f"{folder}/inbox/{index}.gguf", "rb") as file:
            data = file.read()
        records, _ = reader.parse(data)
        signature, signer = records["adapter.signature"][1], records["adapter.signer"][1]
        work.append((Ed25519PublicKey.from_public_bytes(signer), signature, data.replace(signature, bytes(64))))
    begin, done = time.process_time(), 0
    while time.process_time() - begin < 2:
        for key, signature, message in work:
            key.verify(signature, message)
        done += len(work)
    return round(done / (time.process_time() - begin))


# On paper

def paper(measured):
    """One line for each number of people: bytes, core-seconds and seconds of a link of 10 Gbit/s."""
    rows, link = [], 10e9 / 8
    for people in (10_000, 100_000, 1_000_000, PEOPLE):
        passes = math.ceil(4 * GAINS * WIDTH * people / BLOCK)
        rows.append({
            "adapters": people, "storage": people * ADAPTER, "roster": people * ROSTER_LINE,
            "record": people * RECORD_ENTRY, "signatures_seconds": people / measured["library_verify"],
            "passes": passes, "read": (passes + 1) * people * ADAPTER,
            "link_seconds": people * ADAPTER / link})
    return rows


def outvoted(share, cohort):
    """Probability that of a cohort drawn at random half or more are hostile, where that share of all people is."""
    def log_choose(total, chosen):
        return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    logs = [log_choose(cohort, hostile) + hostile * math.log(share) + (cohort - hostile) * math.log1p(-share)
            for hostile in range(math.ceil(cohort / 2), cohort + 1)]
    top = max(logs)
    return math.exp(top) * sum(math.exp(value - top) for value in logs)


# A round

class Round:
    """What a round is made of; times in seconds.

    Devices are asked at 0 and come to charge and idle at a time that is exponential with mean `arrival`; a share `dropout` of
    them never sends. Training is log-normal with the given median and spread (sigma); sending takes `upload`. The round ends
    when `wanted` adapters have been verified by `cores` verifiers of `service` seconds each.
    """

    def __init__(self, asked, wanted, service, cores=1, arrival=4 * 3600, dropout=0.3, training=600, spread=0.6, upload=2):
        self.asked, self.wanted, self.service, self.cores = asked, wanted, service, cores
        self.arrival, self.dropout, self.training, self.spread, self.upload = arrival, dropout, training, spread, upload

    def simulate(self, seed):
        """Events in order of time; when the round ended, the longest queue, and devices whose work came too late."""
        source = random.Random(seed)
        events, order = [], 0
        for _ in range(self.asked):
            if source.random() < self.dropout:
                continue
            sent = source.expovariate(1 / self.arrival) + self.upload \
                + source.lognormvariate(math.log(self.training), self.spread)
            events.append((sent, order, "sent"))
            order += 1
        heapq.heapify(events)
        free, waiting, longest, verified, arrived, now = self.cores, 0, 0, 0, 0, math.inf
        while events:
            now, _, kind = heapq.heappop(events)
            if kind == "sent":
                arrived, waiting = arrived + 1, waiting + 1
            else:
                free, verified = free + 1, verified + 1
                if verified == self.wanted:
                    return now, longest, waiting + len([event for event in events if event[2] == "sent"])
            while free and waiting:
                free, waiting, order = free - 1, waiting - 1, order + 1
                heapq.heappush(events, (now + self.service, order, "verified"))
            longest = max(longest, waiting)
        return math.inf, longest, 0

    def sent_before(self, time_):
        """Share of the devices that have sent by then: arrival and training folded, by the midpoint rule over training."""
        total = 0.0
        for deviation in DEVIATIONS:
            rest = time_ - self.upload - self.training * math.exp(self.spread * deviation)
            total += 1 - math.exp(-rest / self.arrival) if rest > 0 else 0
        return (1 - self.dropout) * total / len(DEVIATIONS)

    def sent(self, share):
        """The time by which that share of the devices has sent."""
        low, high = 0.0, 400.0 * self.arrival
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.sent_before(middle) < share else (low, middle)
        return high

    def formula(self):
        """max over k of sent(k / asked) + (wanted - k + 1) * service / cores: in a queue served in order, the last wanted
        one waits for the worst pile before it; with idle verifiers that is its own sending."""
        if self.wanted / self.asked >= 1 - self.dropout:
            return math.inf
        places = sorted({max(1, round(self.wanted * step / 40)) for step in range(41)})
        return max(self.sent(place / self.asked) + (self.wanted - place + 1) * self.service / self.cores
                   for place in places)


def normal_quantile(share):
    low, high = -9.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2)) < share else (low, middle)
    return high


DEVIATIONS = [normal_quantile((step + 0.5) / 200) for step in range(200)]


def rounds(measured):
    service = measured["adapter_seconds"]
    plans = [
        ("1,000 of 2,000 asked", Round(2_000, 1_000, service)),
        ("10,000 of 20,000", Round(20_000, 10_000, service)),
        ("10,000 of 15,000: few to spare", Round(15_000, 10_000, service)),
        ("10,000 of 40,000: many to spare", Round(40_000, 10_000, service)),
        ("10,000 of 20,000, more than half drop out", Round(20_000, 10_000, service, dropout=0.55)),
        ("100,000 of 200,000", Round(200_000, 100_000, service)),
        ("10,000 of 20,000, all in one rush", Round(20_000, 10_000, service, arrival=1, training=20, spread=0.1)),
        ("the same, a process for each adapter",
         Round(20_000, 10_000, measured["process_seconds"], arrival=1, training=20, spread=0.1)),
    ]
    rows = []
    for name, plan in plans:
        runs = [plan.simulate(seed) for seed in range(5 if plan.asked < 100_000 else 3)]
        ends = sorted(run[0] for run in runs)
        paper_ = plan.formula()
        mean = sum(ends) / len(ends)
        rows.append({"round": name, "formula": paper_, "simulated": mean, "lowest": ends[0], "highest": ends[-1],
                     "off": abs(mean - paper_) / paper_ if math.isfinite(paper_) else 0.0,
                     "queue": max(run[1] for run in runs), "late": sum(run[2] for run in runs) / len(runs)})
    return rows


# Tables

def span(seconds):
    if not math.isfinite(seconds):
        return "never"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1_000:.2f} ms"


def size(count):
    for unit, value in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= value:
            return f"{count / value:.1f} {unit}"
    return f"{count} B"


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
                     + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def tables(result):
    measured = result["measured"]
    yield "measured", table(["what one core does", "measured"], [
        ["Ed25519 signatures made (`openssl speed ed25519`)", f"{measured['openssl_sign']:,.0f} a second"],
        ["Ed25519 signatures verified (the same)", f"{measured['openssl_verify']:,.0f} a second"],
        ["signatures of whole adapters of 9,024 bytes verified (OpenSSL)", f"{measured['library_verify']:,} a second"],
        ["`polymath-verify adapter verify`, a process each", span(measured["process_seconds"])],
        ["one more adapter in `federation aggregate`, verified and in the median", f"{span(measured['adapter_seconds'])}, "
         f"{1 / measured['adapter_seconds']:,.0f} a second"]])
    yield "rounds-measured", table(
        ["adapters", "seconds", "adapters a second", "resident", "record"],
        [[f"{row['adapters']:,}", f"{row['seconds']:.2f}", f"{row['per_second']:,}", size(row["resident"]),
          size(row["record"])] for row in measured["rounds"]])
    yield "paper", table(
        ["adapters in one round", "storage", "10 Gbit/s", "signatures, one core", "passes", "read", "roster", "record"],
        [[f"{row['adapters']:,}", size(row["storage"]), span(row["link_seconds"]), span(row["signatures_seconds"]),
          f"{row['passes']:,}", size(row["read"]), size(row["roster"]) + (" (too large)" if row["roster"] > ROSTER else ""),
          size(row["record"]) + (" (too large)" if row["record"] > RECORD else "")] for row in result["paper"]])
    yield "outvoted", table(
        ["hostile among all"] + [f"cohort {cohort:,}" for cohort in result["cohorts"]],
        [[f"{share:.0%}"] + [f"{chance:.1e}" if chance > 1e-300 else "< 1e-300" for chance in chances]
         for share, chances in result["outvoted"]])
    yield "simulated", table(
        ["round", "formula", "simulated (least to most)", "apart", "longest queue", "came too late"],
        [[row["round"], span(row["formula"]), "never" if not math.isfinite(row["simulated"]) else
          f"{span(row['simulated'])} ({span(row['lowest'])} to {span(row['highest'])})", f"{row['off']:.2%}",
          f"{row['queue']:,}", f"{row['late']:,.0f}"] for row in result["rounds"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["measure", "paper", "simulate"])
    parser.add_argument("--verify", default=os.path.join(ROOT, ".build/release/polymath-verify"))
    parser.add_argument("--adapters", default="1000,10000")
    parser.add_argument("--markdown")
    parser.add_argument("--out", default=os.path.join(ROOT, "Documentation/Results/scale.json"))
    options = parser.parse_args()
    result = {}
    if os.path.exists(options.out):
        with open(options.out) as file:
            result = json.load(file)
    if options.part in (None, "measure") or "measured" not in result:
        result["measured"] = measure(os.path.abspath(options.verify), [int(n) for n in options.adapters.split(",")])
    if options.part in (None, "paper") or "paper" not in result:
        result["paper"] = paper(result["measured"])
        result["cohorts"] = [100, 1_000, 10_000]
        result["outvoted"] = [[share, [outvoted(share, cohort) for cohort in result["cohorts"]]]
                              for share in (0.1, 0.3, 0.4, 0.45)]
    if options.part in (None, "simulate") or "rounds" not in result:
        result["rounds"] = rounds(result["measured"])
    with open(options.out, "w") as file:
        file.write(json.dumps(result, indent=1) + "\n")
    text = ""
    if options.markdown:
        with open(options.markdown) as file:
            text = file.read()
    for name, content in tables(result):
        print(f"{name}\n{content}\n")
        # What stands between the two lines may be nothing yet, and never another table's beginning.
        text = re.sub(rf"(<!-- {name} -->\n)(?:(?!<!-- ).)*(<!-- end -->)",
                      lambda found: found[1] + content + "\n" + found[2], text, flags=re.S)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write(text)
    worst = max((row["off"] for row in result["rounds"]), default=0)
    print(f"The formula and the simulation are at most {worst:.2%} apart.")
    sys.exit(0 if worst <= 0.05 else 1)


if __name__ == "__main__":
    main()
