"""What a client does: train on its own text from where the federation is, and send the signed adapter."""
import os
import shutil
import tempfile

from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from . import tool

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """One `polymath train` from the federated adapter; the first round starts from the base."""
    folder = os.path.join(tool.WORK, "clients", str(context.node_config["partition-id"]))
    config: ConfigRecord = message.content["config"]
    run = tempfile.mkdtemp(prefix="run-", dir=folder)
    try:
        # A public seed, so that a simulation comes out again; a client with somebody's own text leaves --seed out.
        words = ["train", "--base", "nano", "--corpus", os.path.join(folder, "train.jsonl"), "--identity",
                 os.path.join(folder, "identity.pem"), "--steps", config["steps"], "--seq-len", 64, "--batch-size", 2,
                 "--learning-rate", config["learning-rate"], "--seed", config["round"], "--threads", 1,
                 "--validation-fraction", 0, "--out", run + "/out"]
        start = tool.payload(message.content["arrays"])
        if start:
            # Checked by the program like any adapter: whose it is matters to whoever trains from it.
            with open(run + "/start.gguf", "wb") as file:
                file.write(start)
            tool.polymath("adapter", "verify", "--base", "nano", "--adapter", run + "/start.gguf", "--trusted",
                          os.path.join(folder, "operator.txt"))
            words += ["--start", run + "/start.gguf"]
        finished = [event for event in tool.polymath(*words) if event["event"] == "run_finished"][0]
        with open(finished["adapter"], "rb") as file:
            data = file.read()
        metrics = MetricRecord({"num-examples": 1, "bytes": len(data)})
        return Message(RecordDict({"arrays": tool.record(data), "metrics": metrics}), reply_to=message)
    finally:
        shutil.rmtree(run)
