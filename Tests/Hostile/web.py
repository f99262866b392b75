"""`base pull` from servers on the loopback interface that lie, stall, redirect, break off or never end.

Whatever a server does, no file of the base's name appears unless its digest is the catalogue's.
"""

import gzip
import hashlib
import json
import os
import random
import socket
import struct
import threading
import time

from harness import Fault

KIND = "http"
MUTANTS = 250
CONTENT = random.Random(7).randbytes(150_000)


class Server:
    """Answers every request on a port of its own with what `answer(connection, request)` writes."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.2)
        self.port = self.listener.getsockname()[1]
        self.answer, self.over, self.requests = answer, False, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.over:
            try:
                connection, _ = self.listener.accept()
            except (TimeoutError, OSError):
                continue
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(65536)
                if not part:
                    return
                request += part
            self.requests.append(request)
            self.answer(connection, request)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.over = True
        self.thread.join(2)
        self.listener.close()


def start_of(request):
    """The first byte that a request asks for."""
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"range: bytes="):
            return int(line[13:].split(b"-")[0] or 0)
    return 0


def reply(connection, head, body=b""):
    connection.sendall(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)


def whole(connection, request):
    start = start_of(request)
    head = b"HTTP/1.1 200 OK" if not start else (
        b"HTTP/1.1 206 Partial Content\nContent-Range: bytes %d-%d/%d" % (start, len(CONTENT) - 1, len(CONTENT)))
    reply(connection, head + b'\nETag: "x"\nContent-Length: %d' % (len(CONTENT) - start), CONTENT[start:])


def pull(case, answer, expect, seconds=30, digest=None, url=None, part=None, note=b'polymath base pull\n"x"\n'):
    """Pulls a base from a server, and looks at what lies in the folder afterwards.

    part: what an earlier transfer kept, with its note beside it; without a note it is somebody else's.
    """
    server = Server(answer) if answer else None
    try:
        port = server.port if server else closed_port()
        address = (url or "http://127.0.0.1:{port}/b").format(port=port)
        case.write("Checkpoints/catalog.json", json.dumps({"version": 1, "bases": [{
            "name": "b", "title": "a base", "architecture": "qwen2", "file": "b.gguf", "licence": "CC0-1.0",
            "source": {"url": address, "revision": "1"}, "bytes": len(CONTENT),
            "sha256": digest or hashlib.sha256(CONTENT).hexdigest(), "root": None}]}))
        if part is not None:
            case.write("Checkpoints/b.gguf.part", part)
            if note is not None:
                case.write("Checkpoints/b.gguf.part.etag", note)
        outcome = case.run(
            ["base", "pull", "b", "--home", "."], expect=expect, seconds=seconds, environment={"POLYMATH_HOME": case.folder},
            may=["Checkpoints/b.gguf", "Checkpoints/b.gguf.part!", "Checkpoints/b.gguf.part.etag!"])
    finally:
        if server:
            server.close()
    path = case.path("Checkpoints", "b.gguf")
    if os.path.exists(path):
        if outcome.status or case.read("Checkpoints", "b.gguf") != CONTENT:
            raise Fault(f"a file of the base's name is there after exit {outcome.status}")
        os.remove(path)
    elif outcome.status == 0:
        raise Fault("a base was pulled and is not there")
    for name in ("b.gguf.part", "b.gguf.part.etag"):
        if os.path.exists(case.path("Checkpoints", name)):
            os.remove(case.path("Checkpoints", name))
    return outcome


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def mutant(case):
    rng = case.rng
    status = rng.choice([b"200 OK", b"206 Partial Content", b"404 Not Found", b"301 Moved", b"416 Range", b"500 No", b"100 Continue",
                         b"204 No Content", b"304 Not Modified", b"999 ?", b"-1 x", b"2000000000000 x", b"", b"200"])
    fields = rng.sample([
        b"Content-Length: %d" % rng.choice([0, 1, len(CONTENT), len(CONTENT) + 1, len(CONTENT) - 1, 1 << 40, (1 << 63)]),
        b"Content-Length: -5", b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip",
        b"Content-Range: bytes %d-%d/%d" % (rng.randrange(10), rng.randrange(1 << 20), rng.choice([0, len(CONTENT), 1 << 62])),
        b"Content-Range: bytes x-y/z", b"ETag: \"" + b"e" * rng.choice([1, 2000]) + b"\"", b"ETag: W/\"\x1b[31m\"", b"Connection: close",
        b"Location: http://127.0.0.1:1/", b"Location: file:///etc/passwd", b"X: " + b"y" * rng.choice([1, 70_000]), b": :", b"\xff\xfe: \x00",
    ], rng.randint(0, 5))
    body = rng.choice([CONTENT, CONTENT[:1000], CONTENT + b"x", b"", gzip.compress(CONTENT), b"5\r\nabcde\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\nx",
                       rng.randbytes(5000)])
    part = rng.choice([None, None, CONTENT[:5000], b"", CONTENT + b"more"])

    def answer(connection, request):
        head = rng.choice([b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/9 ", b""]) + status
        reply(connection, b"\n".join([head] + fields), body)

    # Where nothing says how much comes, what came is what counts, and the digest decides.
    pull(case, answer, None, seconds=90, part=part)


# MARK: Named

def good_server(case):
    """A server that does as it should is believed, from the start and from where a transfer broke off."""
    pull(case, whole, {0})
    pull(case, whole, {0}, part=CONTENT[:70_000])
    pull(case, whole, {0}, part=CONTENT)
    pull(case, whole, {0, 4}, part=b"x" * 70_000)
    pull(case, whole, {2}, part=CONTENT[:70_000], note=None)


def wrong_content(case):
    """Other bytes, a byte too many or too few, and half of it in a form that nobody asked for."""
    pull(case, whole, {4}, digest="0" * 64)
    for body in (CONTENT[:-1], CONTENT + b"x", b""):
        pull(case, lambda c, r: reply(c, b"HTTP/1.1 200 OK\nContent-Length: %d" % len(body), body), {1, 4})
        pull(case, lambda c, r: reply(c, b"HTTP/1.1 200 OK\nConnection: close", body), {1, 4})
    bomb = gzip.compress(bytes(200 << 20))
    pull(case, lambda c, r: reply(c, b"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: %d" % len(bomb), bomb), {1, 4})


def lies_about_length(case):
    """Content-Length of an exabyte, negative, twice, or of less than comes."""
    for field in (b"Content-Length: 1152921504606846976", b"Content-Length: -1", b"Content-Length: 5\nContent-Length: 150000",
                  b"Content-Length: 10", b"Content-Length: 99999999999999999999999"):
        pull(case, lambda c, r: reply(c, b"HTTP/1.1 200 OK\n" + field, CONTENT), None, seconds=90)


def redirects(case):
    """To a file, to itself for ever, to nowhere, to another scheme."""
    for target in (b"file:///etc/passwd", b"/b", b"http://127.0.0.1:1/x", b"ftp://127.0.0.1/x", b"", b"//", b"gopher://x", b"data:,x"):
        pull(case, lambda c, r: reply(c, b"HTTP/1.1 302 Found\nContent-Length: 0\nLocation: " + target), {1}, seconds=90)


def breaks_off(case):
    """In the status line, in a field, in the body, with a reset, and at once: exit 1, and what came is kept for the next time."""
    for data in (b"", b"HTTP", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n" + CONTENT[:4000],
                 b"\x16\x03\x01\x02\x00" * 100, b"SSH-2.0-x\r\n", b"\x00" * 5000):
        pull(case, lambda c, r: c.sendall(data), {1})

    def reset(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n" + CONTENT[:4000])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    pull(case, reset, {1})
    pull(case, None, {1})
    for url in ("http://127.0.0.1:0/b", "http://127.0.0.1:99999/b", "http://0.0.0.0:1/b", "https://127.0.0.1:{port}/b", "http://[::1]:1/b",
                "http:///b", "http://127.0.0.1:{port}/%00\x1b[31m"):
        pull(case, whole, None, url=url)


def stalls(case):
    """A server that says nothing more is given up after a minute."""

    def stall(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n" + CONTENT[:4000])
        time.sleep(100)

    pull(case, stall, {1}, seconds=95)


def endless(case):
    """Fields without end, and a body without end where its length was not told."""

    def fields(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for index in range(200_000):
            connection.sendall(b"X-%d: " % index + b"y" * 200 + b"\r\n")

    def body(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(20_000):
            connection.sendall(bytes(65536))

    pull(case, fields, {1}, seconds=120)
    pull(case, body, {1, 4}, seconds=60)


NAMED = {
    "good-server": good_server, "wrong-content": wrong_content, "lies-about-length": lies_about_length, "redirects": redirects,
    "breaks-off": breaks_off, "stalls": stalls, "endless": endless,
}
SLOW = {"stalls", "endless", "lies-about-length"}
