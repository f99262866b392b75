"""A strategy that trusts no client: it hands what arrives to `polymath federation aggregate` and reads the signed record."""
import base64
import json
import os
import time

from flwr.app import ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp.strategy import Strategy

from . import tool


class VerifiedMedian(Strategy):
    """Coordinate-wise median of verified adapters; every round leaves its inbox, adapter and record in a folder."""

    def __init__(self, nodes, faults=1, method="median"):
        self.nodes, self.faults, self.method = nodes, faults, method
        self.folder = os.path.join(tool.WORK, "rounds")
        self.records = os.path.join(tool.WORK, "records")
        for folder in (self.folder, self.records):
            os.makedirs(folder, exist_ok=True)

    def configure_train(self, server_round, arrays, config, grid):
        while len(nodes := sorted(grid.get_node_ids())) < self.nodes:
            time.sleep(0.2)
        settings = ConfigRecord({**config, "round": server_round})
        return [Message(RecordDict({"arrays": arrays, "config": settings}), dst_node_id=node,
                        message_type=MessageType.TRAIN) for node in nodes]

    def aggregate_train(self, server_round, replies):
        inbox = os.path.join(self.folder, f"inbox-{server_round}")
        os.makedirs(inbox)
        failed = 0
        for index, reply in enumerate(replies):
            if reply.has_error():
                failed += 1
                print(f"A client of round {server_round} failed: {reply.error.reason}", flush=True)
                continue
            with open(os.path.join(inbox, f"{index}.gguf"), "wb") as file:
                file.write(tool.payload(reply.content["arrays"]))
        out = os.path.join(self.folder, f"round-{server_round}.gguf")
        words = ["federation", "aggregate", inbox, "--base", "nano", "--round", f"flower-{server_round}", "--roster",
                 os.path.join(tool.WORK, "roster.txt"), "--method", self.method, "--faults", self.faults, "--identity",
                 os.path.join(tool.WORK, "operator.pem"), "--out", out, "--record",
                 os.path.join(self.records, f"round-{server_round}.json")]
        if server_round > 1:
            words += ["--previous", self.records]
        try:
            done = [event for event in tool.polymath(*words) if event["event"] == "aggregate"][0]
        except tool.Failed as failure:
            # Too few adapters passed, for one: the federation stays where it was.
            print(failure, flush=True)
            return None, MetricRecord({"failed-clients": failed})
        with open(out, "rb") as file:
            arrays = tool.record(file.read())
        return arrays, MetricRecord({"accepted": done["accepted"], "refused": done["refused"], "failed-clients": failed})

    def configure_evaluate(self, server_round, arrays, config, grid):
        return []

    def aggregate_evaluate(self, server_round, replies):
        return None

    def summary(self):
        print(f"{self.nodes} clients, {self.method} against {self.faults} faults", flush=True)


def read_record(path, operator):
    """The statement in a round's record, once the operator's signature over it (DSSE) has been checked."""
    with open(path, "rb") as file:
        envelope = json.load(file)
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    operator.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)
    return json.loads(payload)
