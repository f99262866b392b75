"""Who is measured: this program, a process for each figure, and others, which stay and wait between two of theirs."""
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASELINES = os.path.join(ROOT, "Benchmarks/speed/baselines")


class Failure(Exception):
    """A contestant did not do what it was asked."""


class Polymath:
    """The program that was built, and the stand-in bases that it makes for its own measurements."""

    def __init__(self, path, folder, threads):
        self.path = os.path.abspath(path)
        self.folder = folder
        self.threads = threads

    def run(self, *words):
        """The last JSON object that the command prints."""
        return self.objects(*words)[-1]

    def objects(self, *words):
        done = subprocess.run([self.path, *map(str, words), "--json"], capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise Failure(f"polymath {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def text(self, *words):
        """What the command prints for people."""
        return subprocess.run([self.path, *words], capture_output=True, text=True, check=True).stdout

    def base(self, layout="q4_k_m", layers=None):
        """A base with random weights; made once and kept."""
        path = os.path.join(self.folder, f"{layout}{f'-{layers}' if layers else ''}.gguf")
        if not os.path.exists(path):
            depth = ["--layers", layers] if layers else []
            print(f"making {path}", file=sys.stderr)
            self.run("base", "synth", "qwen-1.5b-q4", "--layout", layout, *depth, "--out", path)
        return path

    def bench(self, base, *options, threads=None):
        return self.run("bench", "step", "--base", base, "--threads", threads or self.threads, *options)

    def start_up(self, base):
        """Seconds from the start of `train` to its first step: the base mapped and wholly hashed, the run planned."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            tokens = os.path.join(folder, "tokens.json")
            with open(tokens, "w", encoding="ascii") as file:
                json.dump([index * 7919 % 50000 for index in range(129)], file)
            words = [self.path, "train", "--base", base, "--tokens", tokens, "--seq-len", "128", "--steps", "1",
                     "--validation-fraction", "0", "--identity", f"{folder}/identity.pem", "--out", f"{folder}/run",
                     "--threads", str(self.threads), "--json"]
            began = time.perf_counter()
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
                for line in process.stdout:
                    event = json.loads(line)
                    if event["event"] == "ready":
                        took = time.perf_counter() - began
                        process.stdout.read()
                        return took
        raise Failure("polymath train did not come to its first step")


class Worker:
    """A script of `baselines`: ready once it has warmed up, then one figure for each line that it is sent."""

    def __init__(self, script, *options):
        self.name = script
        words = [sys.executable, os.path.join(BASELINES, script), *map(str, options)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self._answer()

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def openssl_seconds(path):
    began = time.perf_counter()
    subprocess.run(["openssl", "dgst", "-sha256", path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
