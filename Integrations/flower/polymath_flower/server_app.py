"""What the server does: rounds of the verified strategy, and after each the test parts of the collections."""
import os

from flwr.app import ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from . import tool
from .strategy import VerifiedMedian

app = ServerApp()
PEOPLE = ("skerry-diary", "wendle-notes", "amsel-letters", "tarrow-log")


def test_losses(arrays):
    """Mean loss in nats on the test part of each person, with the federated adapter or with none."""
    data, adapter = tool.payload(arrays), os.path.join(tool.WORK, "evaluated.gguf")
    words = []
    if data:
        with open(adapter, "wb") as file:
            file.write(data)
        words = ["--adapter", adapter]
    return {person: tool.polymath("eval", "--base", "nano", "--corpus", person, "--part", "test", "--seq-len", 64,
                                  *words)[-1]["loss"] for person in PEOPLE}


@app.main()
def main(grid: Grid, context: Context) -> None:
    settings = {**{"num-server-rounds": 3, "clients": 8, "steps": 40, "learning-rate": 0.01}, **context.run_config}
    config = ConfigRecord({key: settings[key] for key in ("steps", "learning-rate")})
    VerifiedMedian(nodes=settings["clients"]).start(
        grid=grid, initial_arrays=tool.record(b""), num_rounds=settings["num-server-rounds"], train_config=config,
        evaluate_fn=lambda server_round, arrays: save(server_round, test_losses(arrays)))


def save(server_round, losses):
    with open(os.path.join(tool.WORK, "losses.txt"), "a") as file:
        file.write(f"{server_round} " + " ".join(f"{person}={loss:.6f}" for person, loss in losses.items()) + "\n")
    return MetricRecord(losses)
