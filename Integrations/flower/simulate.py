#!/usr/bin/env python3
"""Eight simulated clients, three rounds, one client hostile: Flower carries, Polymath verifies.

The texts of the collections are dealt out, whole documents, to clients 0-2 (skerry-diary), 3-5 (wendle-notes) and 6-7
(amsel-letters). Client 7 is hostile and signs what it sends with its own good key: in round 1 a NaN, in round 2 its deltas
times 1000, in round 3 its deltas with the other sign, which no rule forbids. Checked afterwards:
the losses of people unlike it, the reasons in the signed records, and what Flower's own strategies make of the same updates.
Usage: simulate.py [--polymath PATH] [--out FILE.json] [--keep DIR]
"""
import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEOPLE = {"skerry-diary": (0, 1, 2), "wendle-notes": (3, 4, 5), "amsel-letters": (6, 7)}
CLIENTS, ROUNDS = 8, 3

try:
    import flwr  # noqa: F401
    import numpy as np
    import ray  # noqa: F401
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError as error:
    print(f"simulate.py: skipped, since {error}; `make flower` installs it.", file=sys.stderr)
    sys.exit(2)
sys.path[:0] = [HERE, os.path.join(ROOT, "Integrations/python")]


def new_identity(path):
    """An identity as polymath reads it, and its fingerprint."""
    key = Ed25519PrivateKey.generate()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    return "SHA256:" + hashlib.sha256(public(key)).hexdigest()


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def deal(work):
    """Every client's documents and key, the roster, and the operator's key."""
    fingerprints = []
    operator = new_identity(os.path.join(work, "operator.pem"))
    for person, clients in PEOPLE.items():
        with open(f"{ROOT}/Corpora/{person}/train.jsonl", encoding="utf-8") as file:
            documents = file.readlines()
        for place, client in enumerate(clients):
            folder = os.path.join(work, "clients", str(client))
            os.makedirs(folder)
            with open(folder + "/train.jsonl", "w", encoding="utf-8") as file:
                file.writelines(documents[place::len(clients)])
            with open(folder + "/operator.txt", "w") as file:
                file.write(operator + "\n")
            fingerprints.append(new_identity(folder + "/identity.pem"))
    with open(os.path.join(work, "roster.txt"), "w") as file:
        file.write("\n".join(fingerprints) + "\n")


# What is checked afterwards

def losses(work):
    with open(os.path.join(work, "losses.txt")) as file:
        return [{name: float(loss) for name, loss in (word.split("=") for word in line.split()[1:])} for line in file]


def refusals(work):
    """By round, what the signed record says of the hostile file."""
    from hostile import load_key
    from polymath_flower.strategy import read_record
    operator, found = load_key(os.path.join(work, "operator.pem")).public_key(), []
    for server_round in range(1, ROUNDS + 1):
        with open(os.path.join(work, f"hostile-{server_round}.gguf"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        record = read_record(os.path.join(work, "records", f"round-{server_round}.json"), operator)
        said = [entry for entry in record["refused"] if entry["content_id"] == digest]
        found.append({"accepted": len(record["accepted"]), "refused": len(record["refused"]),
                      "hostile_accepted": digest in [entry[0] for entry in record["accepted"]],
                      "reason": said[0]["reason"] if said else None,
                      "sentence": said[0]["sentence"] if said else None})
    return found


def flowers_own(work, server_round):
    """FedMedian and FedAvg on the floats of the same updates: the share of values that are no numbers, and the largest."""
    from flwr.app import Array, ArrayRecord, Message, MessageType, MetricRecord, RecordDict
    from flwr.serverapp.strategy import FedAvg, FedMedian
    from hostile import reader, values
    result = {}
    for strategy in (FedMedian(), FedAvg()):
        replies = []
        inbox = os.path.join(work, "rounds", f"inbox-{server_round}")
        for index, name in enumerate(sorted(os.listdir(inbox))):
            with open(os.path.join(inbox, name), "rb") as file:
                tensors = reader.parse(file.read())[1]
            content = RecordDict({"arrays": ArrayRecord({name: Array(np.array(value)) for name, value
                                                         in values(tensors).items()}),
                                  "metrics": MetricRecord({"num-examples": 1})})
            question = Message(RecordDict(), dst_node_id=index + 1, message_type=MessageType.TRAIN)
            question.metadata.__dict__["_message_id"] = str(index)
            replies.append(Message(content, reply_to=question))
        arrays, _ = strategy.aggregate_train(1, replies)
        joined = np.concatenate([array.numpy().reshape(-1) for array in arrays.values()])
        finite = joined[np.isfinite(joined)]
        result[type(strategy).__name__] = {"values": joined.size, "not_a_number": int(np.isnan(joined).sum()),
                                           "largest": round(float(abs(finite).max()), 4)}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    parser.add_argument("--out")
    parser.add_argument("--keep")
    options = parser.parse_args()
    work = options.keep or tempfile.mkdtemp(prefix="flower-")
    os.makedirs(work, exist_ok=True)
    # Nothing of this is told to anybody: neither Flower's telemetry nor ray's.
    os.environ.update(POLYMATH=os.path.abspath(options.polymath), POLYMATH_WORK=work, POLYMATH_HOME=ROOT,
                      XDG_CONFIG_HOME=work, FLWR_TELEMETRY_ENABLED="0", RAY_USAGE_STATS_ENABLED="0",
                      PYTHONPATH=os.pathsep.join(sys.path[:2]))
    deal(work)
    from flwr.simulation import run_simulation
    from hostile import app as clients
    from polymath_flower import server_app
    begin = time.monotonic()
    run_simulation(server_app=server_app.app, client_app=clients, num_supernodes=CLIENTS,
                   backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0},
                                   "init_args": {"num_cpus": 2, "include_dashboard": False}})
    seconds = time.monotonic() - begin
    failures = report(work, seconds, options.out)
    if not options.keep:
        shutil.rmtree(work)
    sys.exit(1 if failures else 0)


def report(work, seconds, out):
    failures = 0

    def check(holds, sentence):
        nonlocal failures
        failures += not holds
        print(("  ok      " if holds else "  FAILED  ") + sentence)

    found, said = losses(work), refusals(work)
    for person in found[0]:
        course = " → ".join(f"{loss[person]:.4f}" for loss in found)
        kind = "like the hostile one" if person == "amsel-letters" else "unlike it"
        if person == "tarrow-log":
            kind = "with no client here"
        gain = found[0][person] - found[-1][person]
        if person in ("skerry-diary", "wendle-notes"):
            check(gain > 0.05, f"{person} ({kind}): {course} nat on the test part, {gain:.4f} gained")
        else:
            print(f"          {person} ({kind}): {course} nat on the test part, {gain:.4f} gained")
    check(said[0]["reason"] == "form" and "finite" in said[0]["sentence"], f"round 1, the NaN: {said[0]['sentence']}")
    check(said[1]["reason"] == "magnitude", f"round 2, times 1000: {said[1]['sentence']}")
    check(said[2]["hostile_accepted"], "round 3, the other sign: no rule forbids it, so it is in, and the others outvote it")
    own = [flowers_own(work, server_round) for server_round in range(1, ROUNDS + 1)]
    check(own[0]["FedMedian"]["not_a_number"] > 0, f"Flower's FedMedian on round 1: {own[0]['FedMedian']}")
    check(own[0]["FedAvg"]["not_a_number"] > 0, f"Flower's FedAvg on round 1: {own[0]['FedAvg']}")
    print(f"          round 2: {own[1]}")
    sizes = [os.path.getsize(os.path.join(work, "rounds", f"round-{r}.gguf")) for r in range(1, ROUNDS + 1)]
    result = {"seconds": round(seconds, 1), "cores": os.cpu_count(), "losses": found, "records": said,
              "flowers_own": own, "aggregate_bytes": sizes}
    if out:
        with open(out, "w") as file:
            file.write(json.dumps(result, indent=1) + "\n")
    print(f"  {seconds:.0f} s for {ROUNDS} rounds of {CLIENTS} clients")
    return failures


if __name__ == "__main__":
    main()
