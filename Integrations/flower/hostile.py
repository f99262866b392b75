"""The client app with one client hostile: a Flower mod changes what client 7 sends. Part of the test, not of the app."""
import os

import make_vectors
import numpy as np
import polymath_adapter as reader
from cryptography.hazmat.primitives import serialization
from flwr.clientapp import ClientApp
from polymath_flower import client_app, tool

HOSTILE = 7


def load_key(path):
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def values(tensors):
    """Deltas by name as the bytes say, without any check."""
    result = {}
    for name, (_, kind, data) in tensors.items():
        if kind == 0:
            result[name] = np.frombuffer(data, "<f4")
        else:
            blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("steps", "i1", 32)]))
            result[name] = (blocks["steps"] * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
    return result


def spoilt(data, server_round, key):
    """A client's good adapter turned into a hostile one, in F32 and validly signed by the same client.

    It is written with the writer of the test vectors, which refuses nothing.
    """
    records, tensors = reader.parse(data)
    deltas = {name: value.copy() for name, value in values(tensors).items()}
    for name in deltas:
        if server_round == 1:
            deltas[name][0] = np.nan
        else:
            deltas[name] *= 1000 if server_round == 2 else -1
    keys = [(name, value) for name, (_, value, _) in records.items() if name != "adapter.signature"]
    keys = [(name, "f32" if name == "adapter.norm.encoding" else value) for name, value in keys]
    rows = [[name, [len(value)], 0, value.astype("<f4").tobytes()] for name, value in deltas.items()]
    return make_vectors.write(keys + [("adapter.signature", bytes(64))], rows, private=key)


def hostile_mod(message, context, call_next):
    """A Flower mod: what client 7 sends is not what it trained."""
    reply = call_next(message, context)
    if context.node_config["partition-id"] == HOSTILE and not reply.has_error():
        key = load_key(os.path.join(tool.WORK, "clients", str(HOSTILE), "identity.pem"))
        data = spoilt(tool.payload(reply.content["arrays"]), message.content["config"]["round"], key)
        with open(os.path.join(tool.WORK, f"hostile-{message.content['config']['round']}.gguf"), "wb") as file:
            file.write(data)
        reply.content["arrays"] = tool.record(data)
    return reply


app = ClientApp(mods=[hostile_mod])
app.train()(client_app.train)
