"""`polymath-pipeline` between strangers: garbage, slow hands, floods, wrong keys; and a coordinator whose stages lie.

After whatever a stranger did, a coordinator that is known is served as before.
"""

import json
import os
import signal
import socket
import ssl
import struct
import threading
import time

import fixtures
from harness import Fault, wait
from mutation import EXTREMES

KIND = "tls"
MUTANTS = 400


class Stage:
    """A process that lends layers 1 to 4 of `nano` to the owner alone."""

    def __init__(self, case):
        self.case = case
        owner = fixtures.owner(case.bench)
        self.log = os.path.join(case.base, "serve.out")
        self.errors = os.path.join(case.base, "serve.err")
        with open(self.log, "wb") as out, open(self.errors, "wb") as err:
            self.process = case.start(
                ["serve", "--base", fixtures.nano(case.bench), "--layers", "1..4", "--listen", "127.0.0.1:0", "--peers",
                 owner + "/owner.txt", "--identity", owner + "/stranger.pem", "--json"], "polymath-pipeline", stdout=out, stderr=err)
        deadline = time.monotonic() + 30 * case.bench.slack
        while True:
            first = fixtures.read(self.log).split(b"\n")[0]
            if first.endswith(b"}"):
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Fault(f"a stage does not listen: {fixtures.read(self.errors)!r}")
            time.sleep(0.01)
        told = json.loads(first)
        self.port, self.fingerprint = told["port"], told["fingerprint"]

    def coordinator(self, key="owner", expect=None, fingerprint=None, more=()):
        case = self.case
        stages = case.write("stages", f"layers 1..4 127.0.0.1:{self.port} {fingerprint or self.fingerprint}\n")
        return case.run(
            ["run", "--base", fixtures.nano(case.bench), "--stages", stages, "--prompt", "The tide", "--max-tokens", "2", "--compute",
             "f32", "--compare", "--identity", f"{fixtures.owner(case.bench)}/{key}.pem", "--json"] + list(more), "polymath-pipeline",
            expect=expect, seconds=60)

    def serves(self):
        """Whether a known coordinator is lent the layers and gets the whole decoder's bits."""
        outcome = self.coordinator(expect={0})
        finished = outcome.objects("pipeline_finished")[0]
        lent = [stage for stage in finished["stages"] if stage.get("at") != "here"]
        if not finished.get("identical_to_whole_decoder") or not lent:
            raise Fault(f"a known coordinator was not served: {outcome.said}")

    def close(self):
        """Stops the stage and reads what it said: JSON without a control character, and nothing on standard error."""
        if self.process.returncode is None:
            if self.process.poll() is not None:
                raise Fault(f"a stage ended by itself with {self.process.returncode}: {fixtures.read(self.errors)!r}")
            self.process.send_signal(signal.SIGTERM)
            status, _ = wait(self.process, time.monotonic() + 20 * self.case.bench.slack)
            if status != 128 + signal.SIGTERM:
                raise Fault(f"a stage that was told to stop ended with {status}")
        said = fixtures.read(self.log).decode()
        if fixtures.read(self.errors).strip():
            raise Fault(f"a stage wrote to standard error beside --json: {fixtures.read(self.errors)!r}")
        for line in said.splitlines():
            json.loads(line)
        return said

    def stranger(self, data=b"", stay=0.0):
        """A connection that says something and hears what comes, for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.settimeout(max(stay, 0.05))
            try:
                connection.sendall(data)
                return connection.recv(4096)
            except OSError:
                return b""


def with_stage(test):
    def run(case):
        stage = Stage(case)
        try:
            test(case, stage)
            stage.serves()
        except BaseException:
            stage.process.kill()
            stage.process.wait()
            raise
        stage.close()

    run.__doc__ = test.__doc__
    return run


def hello():
    """The first bytes that a TLS client of Python's says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@with_stage
def mutant(case, stage):
    good = hello()
    for _ in range(12):
        choice = case.rng.randrange(4)
        if choice == 0:
            data = case.rng.randbytes(case.rng.randint(0, 3000))
        elif choice == 1:
            data = bytearray(good)
            for _ in range(case.rng.randint(1, 6)):
                data[case.rng.randrange(len(data))] = case.rng.randrange(256)
        elif choice == 2:
            data = good[:case.rng.randrange(len(good))]
        else:
            data = good + struct.pack(">BHH", case.rng.randrange(256), 0x0303, case.rng.choice(EXTREMES) & 0xFFFF) + case.rng.randbytes(200)
        stage.stranger(bytes(data), stay=0.05)


# MARK: Named

@with_stage
def garbage(case, stage):
    """Noise, another protocol, a TLS that is too old, and a client without a key."""
    for data in (b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(70_000), b"\x80" * 5000, bytes(100_000)):
        stage.stranger(data, stay=0.2)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", stage.port), timeout=5) as plain:
                with context.wrap_socket(plain) as connection:
                    connection.sendall(struct.pack("<I", 0xFFFFFFFF) * 10)
                    heard = connection.recv(100)
                    if heard:
                        raise Fault("a client without a key was answered")
        except (ssl.SSLError, OSError):
            pass


@with_stage
def wrong_keys(case, stage):
    """A coordinator that is not on the list, and one that expects another key of the stage."""
    outcome = stage.coordinator(key="stranger")
    if not outcome.objects("passed_over"):
        raise Fault("a coordinator that is not on the list was lent layers")
    forged = stage.fingerprint[:-1] + ("1" if stage.fingerprint[-1] == "0" else "0")
    stage.coordinator(fingerprint=forged, expect={4})


@with_stage
def slow_hands(case, stage):
    """Handshakes that come a byte at a time hold no known coordinator up, and are let go."""
    good = hello()
    over = threading.Event()

    def dribble():
        try:
            with socket.create_connection(("127.0.0.1", stage.port), timeout=5) as connection:
                for byte in good:
                    connection.sendall(bytes([byte]))
                    if over.wait(0.1):
                        return
        except OSError:
            pass

    threads = [threading.Thread(target=dribble, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    stage.serves()
    over.set()
    for thread in threads:
        thread.join()


@with_stage
def floods(case, stage):
    """Sixty connections at once, silent or loud, are refused beyond the eighth, and then the door is open again."""
    connections = []
    for index in range(60):
        try:
            connection = socket.create_connection(("127.0.0.1", stage.port), timeout=5)
            connections.append(connection)
            if index % 2:
                connection.sendall(b"x" * 1000)
        except OSError:
            pass
    time.sleep(0.5)
    for connection in connections:
        connection.close()
    time.sleep(0.5)


def lying_stages(case):
    """A coordinator whose stage is garbage, silent, or hangs up: it passes over it and computes by itself, in time."""
    for behave in ("hang-up", "garbage", "silence"):
        listener = socket.create_server(("127.0.0.1", 0))
        over = threading.Event()

        def serve():
            listener.settimeout(0.2)
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                with connection:
                    try:
                        if behave == "garbage":
                            connection.sendall(bytes(range(256)) * 50)
                        if behave == "silence":
                            over.wait(30)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        stages = case.write("stages", f"layers 1..4 127.0.0.1:{listener.getsockname()[1]} {fixtures.OWNER.fingerprint}\n")
        case.run(
            ["run", "--base", fixtures.nano(case.bench), "--stages", stages, "--prompt", "The tide", "--max-tokens", "2", "--patience",
             "3", "--identity", fixtures.owner(case.bench) + "/owner.pem"], "polymath-pipeline", expect={0, 1, 4}, seconds=60)
        over.set()
        thread.join()
        listener.close()


def lists(case):
    """Lists of stages and peers that are none."""
    os.mkfifo(case.path("pipe"))
    owner = fixtures.owner(case.bench)
    for text in ("", "layers", "layers 1..4", "layers 4..1 127.0.0.1:1 x", "layers 0..99 127.0.0.1:1 " + fixtures.OWNER.fingerprint,
                 "layers 1..2 nowhere " + fixtures.OWNER.fingerprint, "layers 1..2 127.0.0.1:70000 " + fixtures.OWNER.fingerprint,
                 "layers 99999999999999999999..1 127.0.0.1:1 x", "\x1b[31m", "x" * 100_000, "\x00"):
        case.write("list", text + "\n")
        for words in (
            ["run", "--base", fixtures.nano(case.bench), "--stages", "list", "--prompt", "x", "--max-tokens", "1"],
            ["serve", "--base", fixtures.nano(case.bench), "--layers", text.strip() or "x", "--listen", "127.0.0.1:0", "--peers", "list"],
        ):
            if "\0" not in "".join(words):
                case.run(words + ["--identity", owner + "/owner.pem"], "polymath-pipeline", seconds=30,
                         expect={0, 1, 2} if words[0] == "run" else {1, 2})
    for words in (["run", "--base", fixtures.nano(case.bench), "--stages", "pipe", "--prompt", "x"],
                  ["serve", "--base", fixtures.nano(case.bench), "--layers", "1..2", "--listen", "127.0.0.1:0", "--peers", "pipe"]):
        case.run(words + ["--identity", owner + "/owner.pem"], "polymath-pipeline", expect={1, 2}, seconds=15)


NAMED = {
    "garbage": garbage, "wrong-keys": wrong_keys, "slow-hands": slow_hands, "floods": floods, "lying-stages": lying_stages,
    "lists": lists,
}
SLOW = {"lying-stages"}
