"""Calls the polymath program, and puts a wire file into Flower's records and out again."""
import json
import os
import subprocess

import numpy as np
from flwr.app import Array, ArrayRecord

# Where a node's own things are is for the node to say, never for a message. POLYMATH names the program, POLYMATH_WORK a folder:
# clients/K/{train.jsonl, identity.pem} of client K, and on the server roster.txt and operator.pem.
PROGRAM = os.environ.get("POLYMATH", "polymath")
WORK = os.environ.get("POLYMATH_WORK", ".")
KEY = "adapter"


class Failed(Exception):
    """The program ended with another status than 0; `status` and its sentence."""

    def __init__(self, words, done):
        super().__init__(f"polymath {' '.join(words[:2])}: status {done.returncode}: {done.stderr}{done.stdout[-500:]}")
        self.status = done.returncode


def polymath(*words):
    """All JSON objects that the program prints."""
    words = [str(word) for word in words]
    done = subprocess.run([PROGRAM, *words, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(words, done)
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(data):
    """The bytes of a wire file, or none, as a record."""
    return ArrayRecord({KEY: Array(np.frombuffer(data, dtype=np.uint8))})


def payload(arrays):
    """The bytes in a record. They are anybody's: only polymath reads them."""
    return arrays[KEY].numpy().astype(np.uint8, copy=False).tobytes()
