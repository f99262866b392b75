#!/usr/bin/env python3
"""Merged adapters in llama.cpp's own servers: one for each person side by side, and over RPC workers, bare and in TLS.

Trains three people's adapters on nano, merges each, and compares what llama-server writes, greedily, with
`polymath generate --temperature 0`. Exits 2 with a message where llama.cpp's programs are missing.
Usage: serving.py [--polymath PATH] [--llama-server PATH] [--rpc-server PATH] [--out FILE.json]
"""
import argparse
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
import engine  # noqa: E402
from harness import ROOT, Bench  # noqa: E402

PEOPLE = {"skerry-diary": ["The lamp was", "Wind from the", "Bishop came"],
          "wendle-notes": ["The recipe for", "Today we", "Note to"],
          "amsel-letters": ["Dear Sister,", "The train to", "Please send"]}
TOKENS = 48
# Two tokens whose log-probabilities are closer than this in llama.cpp are a tie that rounding may decide: llama.cpp
# rounds activations to 8 bits before it multiplies them with 4-bit weights, and to halves before halves; we do not.
TIES = {"nano-q4_k_m.gguf": 0.1, "nano-f16.gguf": 0.005}


def people(bench, base):
    """Each person's adapter and merged file."""
    files = {}
    for person in PEOPLE:
        name = person + "-" + os.path.basename(base)
        run, merged = bench.path("run-" + name), bench.path(name)
        bench.polymath("train", "--base", base, "--corpus", person, "--steps", 60, "--learning-rate", 0.02, "--seed", 0,
                       "--out", run)
        bench.polymath("adapter", "merge", "--base", base, "--adapter", run + "/adapter.gguf", "--out", merged)
        files[person] = (run + "/adapter.gguf", merged)
    return files


def ours(bench, base, adapter, prompt):
    said = bench.polymath("generate", "--base", base, "--adapter", adapter, "--prompt", prompt, "--temperature", 0,
                          "--max-tokens", TOKENS, "--compute", "f32")
    return said["tokens"]


def compare(ours, theirs, steps):
    """Whether two texts are the same, or part first at a tie; and how far the two likeliest were apart there."""
    for place, (one, other) in enumerate(zip(ours, theirs)):
        if one != other:
            near = dict(steps[place])
            gap = abs(near[one] - near[other]) if one in near and other in near else float("inf")
            return place, gap
    return (None, 0.0) if len(ours) == len(theirs) else (min(len(ours), len(theirs)), float("inf"))


def side_by_side(bench, tools, base, files, result):
    """One server for each person, all at once."""
    texts, figures, tie = {}, {}, TIES[os.path.basename(base)]
    result[os.path.basename(base)] = figures
    with contextlib.ExitStack() as stack:
        begin = time.monotonic()
        servers = {person: stack.enter_context(engine.Server(tools["server"], merged, merged + ".log"))
                   for person, (_, merged) in files.items()}
        figures["three_servers_ready_seconds"] = round(time.monotonic() - begin, 2)
        figures["resident_mib_per_server"] = round(max(resident(server) for server in servers.values()) / 2**20)
        same, total = 0, 0
        for person, prompts in PEOPLE.items():
            for prompt in prompts:
                ids = bench.polymath_text(prompt, "tokenize", "--base", "nano")
                theirs, text, steps = servers[person].complete(ids, TOKENS)
                texts[person, prompt] = theirs
                place, gap = compare(ours(bench, base, files[person][0], prompt), theirs, steps)
                same, total = same + (place is None), total + 1
                bench.check(place is None or gap < tie,
                            f"{person}, “{prompt}”: " + ("all tokens the same" if place is None else
                                                         f"the same for {place} tokens, then a choice {gap:.4f} nat apart"))
        figures.update(texts=total, texts_same=same)
        print(f"  {os.path.basename(base)}: {same} of {total} texts of up to {TOKENS} tokens are the same, token for token")
        ids = bench.polymath_text(PEOPLE["skerry-diary"][0], "tokenize", "--base", "nano")
        figures["tokens_per_second"] = paced(servers["skerry-diary"], ids)[1]
        # The control: if everybody's server wrote the same, agreement would say nothing about adapters.
        # A second one: what one person's adapter writes must part from another's server at more than a tie.
        others = list(PEOPLE)[1:] + list(PEOPLE)[:1]
        far = 0
        for person, other in zip(PEOPLE, others):
            for prompt in PEOPLE[person]:
                ids = bench.polymath_text(prompt, "tokenize", "--base", "nano")
                far += compare(texts[person, prompt], *servers[other].complete(ids, TOKENS)[::2])[1] >= tie
        figures["texts_of_another_person_apart"] = far
        bench.check(far >= 6, f"on another person's server, {far} of {total} texts part at more than a tie")
        asked = [bench.polymath_text(start, "tokenize", "--base", "nano") for start in ("The", "I have", "There was")]
        each = {tuple(tuple(server.complete(ids, TOKENS)[0]) for ids in asked) for server in servers.values()}
        bench.check(len(each) == 3, "from the same three prompts, the three servers write three different sets of texts")
    return texts


def paced(server, ids):
    """Tokens of one completion, and tokens per second as the median of five after the first."""
    tokens, rates = server.complete(ids, TOKENS)[0], []
    for _ in range(5):
        begin = time.monotonic()
        rates.append(len(server.complete(ids, TOKENS)[0]) / (time.monotonic() - begin))
    return tokens, round(sorted(rates)[2])


def resident(running):
    with open(f"/proc/{running.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hello(port, wrap=lambda connection: connection):
    """What an RPC worker answers to a stranger's first message (command 14, no secret in it); nothing if it does not."""
    try:
        with wrap(socket.create_connection(("127.0.0.1", port), timeout=3)) as connection:
            connection.sendall(struct.pack("<BQ", 14, 24) + bytes(24))
            return connection.recv(64)
    except OSError:
        return b""


def over_workers(bench, tools, files, texts, result):
    """All layers on two workers: the same tokens as from one machine."""
    person, prompt = "skerry-diary", PEOPLE["skerry-diary"][0]
    ids = bench.polymath_text(prompt, "tokenize", "--base", "nano")
    with engine.worker(tools["rpc"], bench.path("w0.log")) as first, \
            engine.worker(tools["rpc"], bench.path("w1.log")) as second:
        ports = [first.port, second.port]
        with engine.Server(tools["server"], files[person][1], bench.path("rpc.log"), ports) as server:
            placed = [line for line in server.said().splitlines() if "RPC" in line and "model buffer size" in line]
            bench.check(len(placed) == 2, f"the layers lie on {len(placed)} workers")
            tokens, result["rpc_tokens_per_second"] = paced(server, ids)
            bench.check(tokens == texts[person, prompt], "through two RPC workers: the same tokens as without them")
        answer = hello(first.port)
        bench.check(len(answer) > 0, f"the warning holds: a bare worker answers any stranger ({len(answer)} bytes)")


def wrapped(bench, tools, files, texts, result):
    """The worker behind stunnel: TLS 1.3, each side pinned to the other's self-signed Ed25519 certificate."""
    if not tools["stunnel"]:
        print("  skipped: stunnel is not installed, so the wrapped worker is not tested")
        return
    for name in ("worker", "server", "stranger"):
        # An identity of Polymath's is such a key already: PKCS#8 PEM, mode 0600.
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", bench.path(name + ".pem")], check=True)
        subprocess.run(["openssl", "req", "-x509", "-key", bench.path(name + ".pem"), "-subj", "/CN=" + name, "-days",
                        "30", "-out", bench.path(name + ".crt")], check=True)
    person, prompt = "skerry-diary", PEOPLE["skerry-diary"][0]
    ids = bench.polymath_text(prompt, "tokenize", "--base", "nano")
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(engine.worker(tools["rpc"], bench.path("w2.log")))
        outside, inside = engine.free_port(), engine.free_port()
        stack.enter_context(tunnel(bench, tools, "worker", "server", outside, worker.port, is_client=False))
        stack.enter_context(tunnel(bench, tools, "server", "worker", inside, outside, is_client=True))
        with engine.Server(tools["server"], files[person][1], bench.path("tls.log"), [inside]) as server:
            tokens, result["rpc_tls_tokens_per_second"] = paced(server, ids)
            bench.check(tokens == texts[person, prompt], "through a worker in mutual TLS 1.3: the same tokens")
        bench.check(len(hello(inside)) > 0, "who holds the server's key reaches the worker")
        bench.check(hello(outside) == b"", "who speaks RPC to the wrapped port without TLS gets no answer")
        bench.check(knock(outside, bench, "stranger") == b"", "who brings another key is refused in the handshake")
        bench.check(knock(outside, bench, None) == b"", "who brings none is refused in the handshake")


def tunnel(bench, tools, own, other, accept, connect, is_client):
    settings = bench.path(f"stunnel-{own}.conf")
    with open(settings, "w") as file:
        file.write(f"foreground = yes\npid =\nsyslog = no\n[rpc]\nclient = {'yes' if is_client else 'no'}\n"
                   f"accept = 127.0.0.1:{accept}\nconnect = 127.0.0.1:{connect}\nsslVersionMin = TLSv1.3\n"
                   f"cert = {bench.path(own + '.crt')}\nkey = {bench.path(own + '.pem')}\n"
                   f"CAfile = {bench.path(other + '.crt')}\nverifyPeer = yes\nTIMEOUTclose = 0\n")
    running = engine.Process([tools["stunnel"], settings], bench.path(f"stunnel-{own}.log"))
    return running.wait(lambda: "Configuration successful" in running.said() and engine.listens(accept), "stunnel")


def knock(port, bench, name):
    """As hello, through TLS with the named certificate or none."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if name:
        context.load_cert_chain(bench.path(name + ".crt"), bench.path(name + ".pem"))
    return hello(port, lambda connection: context.wrap_socket(connection))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--polymath", "--llama-server", "--rpc-server", "--out"):
        parser.add_argument(option)
    options = parser.parse_args()
    try:
        tools = {"server": engine.find(options.llama_server, "llama-server"),
                 "rpc": engine.find(options.rpc_server, "ggml-rpc-server"), "stunnel": shutil.which("stunnel")}
    except engine.Missing as missing:
        print(f"serving.py: skipped, since {missing}.", file=sys.stderr)
        sys.exit(2)
    bench = Bench(__doc__)
    version = subprocess.run([tools["server"], "--version"], capture_output=True, text=True)
    result = {"llama_server": (version.stdout + version.stderr).strip().splitlines()[0], "cores": os.cpu_count()}
    # 4-bit weights are what people serve; in halves the rounding is finer, so that texts must part later and at closer ties.
    halves = f"{ROOT}/Checkpoints/nano-f16.gguf"
    side_by_side(bench, tools, halves, people(bench, halves), result)
    base = f"{ROOT}/Checkpoints/nano-q4_k_m.gguf"
    files = people(bench, base)
    texts = side_by_side(bench, tools, base, files, result)
    over_workers(bench, tools, files, texts, result)
    wrapped(bench, tools, files, texts, result)
    print(json.dumps(result, indent=1))
    if options.out:
        with open(options.out, "w") as file:
            file.write(json.dumps(result, indent=1) + "\n")
    bench.end()


if __name__ == "__main__":
    main()
