"""Limits that the operating system sets on a process: control groups of either version, or a duty cycle of stops."""
import contextlib
import os
import random
import signal
import threading
import time

PERIOD = 100_000  # Microseconds over which the kernel meters the processor.


class Unavailable(Exception):
    """This machine lets nobody set the limit."""


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(text))


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Groups:
    """A control group for the processor and one for memory, made for one use; `close` removes them."""

    ROOT = "/sys/fs/cgroup"

    def __init__(self, name="polymath"):
        self.is_unified = os.path.exists(f"{self.ROOT}/cgroup.controllers")
        name = f"{name}-{os.getpid()}"
        self.cpu_folder = f"{self.ROOT}/{name}" if self.is_unified else f"{self.ROOT}/cpu/{name}"
        self.memory_folder = self.cpu_folder if self.is_unified else f"{self.ROOT}/memory/{name}"
        self.cores = os.cpu_count()
        self.made = []
        try:
            if self.is_unified:
                _write(f"{self.ROOT}/cgroup.subtree_control", "+cpu +memory")
            for folder in dict.fromkeys([self.cpu_folder, self.memory_folder]):
                os.mkdir(folder)
                self.made.append(folder)
            self.share(None)
            self.memory(None)
        except OSError as error:
            self.close()
            raise Unavailable(f"control groups cannot be made here: {error}") from error

    def enter(self):
        """For the child, between fork and exec: whatever it becomes is limited."""
        for folder in self.made:
            _write(f"{folder}/cgroup.procs", os.getpid())

    def share(self, share):
        """Processor time, as a share of all cores; None takes the limit away."""
        quota = -1 if share is None else max(1000, int(share * self.cores * PERIOD))
        if self.is_unified:
            _write(f"{self.cpu_folder}/cpu.max", f"{'max' if quota < 0 else quota} {PERIOD}")
        else:
            _write(f"{self.cpu_folder}/cpu.cfs_period_us", PERIOD)
            _write(f"{self.cpu_folder}/cpu.cfs_quota_us", quota)

    def memory(self, limit):
        """Bytes, page cache included; None takes the limit away. False where the kernel could not make it fit."""
        file = "memory.max" if self.is_unified else "memory.limit_in_bytes"
        none = "max" if self.is_unified else "-1"
        try:
            _write(f"{self.memory_folder}/{file}", none if limit is None else limit)
        except OSError:
            if limit is None:
                raise
            return False
        return True

    def throttled_seconds(self):
        """How long tasks of the group were kept from running, summed over cores."""
        values = dict(line.split() for line in _read(f"{self.cpu_folder}/cpu.stat").splitlines())
        return int(values["throttled_usec"]) / 1e6 if self.is_unified else int(values["throttled_time"]) / 1e9

    def peak_memory(self):
        file = "memory.peak" if self.is_unified else "memory.max_usage_in_bytes"
        return int(_read(f"{self.memory_folder}/{file}"))

    def close(self):
        for folder in self.made:
            with contextlib.suppress(OSError):
                for task in _read(f"{folder}/cgroup.procs").split():
                    os.kill(int(task), signal.SIGKILL)
            for _ in range(100):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.02)
        self.made = []


class DutyCycle:
    """Where control groups cannot be made: the process is stopped and continued, a tenth of a second a turn."""

    TURN = 0.1

    def __init__(self):
        self.now = None
        self.stopped = 0.0

    def enter(self):
        pass

    def share(self, share):
        self.now = share

    def throttled_seconds(self):
        return self.stopped

    def close(self):
        pass

    def drive(self, process):
        """Runs until the process is gone; called on a thread of its own."""
        while process.poll() is None:
            share = self.now
            if share is None:
                time.sleep(self.TURN)
                continue
            time.sleep(self.TURN * share)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)
                time.sleep(self.TURN * (1 - share))
                self.stopped += self.TURN * (1 - share)
                os.kill(process.pid, signal.SIGCONT)


class Changing:
    """Calls `change` again and again on a thread of its own, while the `with` lasts."""

    def __init__(self, change, seconds):
        """`seconds` between two calls: a number, or a pair between which each wait is drawn."""
        self.change = change
        self.seconds = seconds if isinstance(seconds, tuple) else (seconds, seconds)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        draw = random.Random(0)
        while not self.over.is_set():
            self.change()
            self.over.wait(draw.uniform(*self.seconds))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
