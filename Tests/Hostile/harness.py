"""Runs one program in a folder of its own and holds what it did against the rules that hold for every input.

The rules: it ends within its time, never by a signal; its exit status is a documented one; a refusal is one sentence on
standard error, without a control character; and of what was in the folder nothing is changed, added or left but what the
command says it writes.
"""

import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import threading
import time

DOCUMENTED = {0, 1, 2, 3, 4, 5, 6}
PROGRESS = re.compile(r"^[A-Za-z][\w' .-]* \d+ %( .*)?$")
# What only the innards of a library say.
RAW = ("NSError", "Error Domain", "NSCocoa", "Fatal error", "Optional(", "Swift/", "UserInfo=", "libc++abi", "Exception")


class Fault(Exception):
    """Something that must not be."""


class Skipped(Exception):
    """What this machine does not allow to try."""


class Outcome:
    def __init__(self, program, words, status, out, err, seconds, peak):
        self.program, self.words, self.status = program, words, status
        self.out, self.err, self.seconds, self.peak = out, err, seconds, peak

    @property
    def said(self):
        return (self.err + self.out)[-600:]

    def objects(self, event=None):
        """The JSON objects of standard output."""
        found = []
        for line in self.out.split("\n"):
            if line.startswith("{"):
                value = json.loads(line)
                if event is None or value.get("event") == event:
                    found.append(value)
        return found


class Bench:
    """The programs under test, where they may work, and the fixtures that are made once.

    What is tried here may do harm where a program is at fault, so no input names a place outside of the case's own folder for
    writing, and a suite that is started by root runs the programs as nobody.
    """

    # Of the user that owns nothing.
    NOBODY = 65534

    def __init__(self, polymath, verifier, pipeline, home, work, seed, slack):
        self.programs = {"polymath": polymath, "polymath-verify": verifier, "polymath-pipeline": pipeline}
        self.home, self.work, self.seed, self.slack = home, work, seed, slack
        self.reference = os.path.join(home, "Tests", "Reference")
        self._made = {}
        self._lock = threading.RLock()
        self.is_dropped = os.geteuid() == 0
        if self.is_dropped:
            os.chmod(work, 0o711)
            try:
                subprocess.run([polymath, "--version"], preexec_fn=self.drop, check=True, capture_output=True)
            except (OSError, subprocess.SubprocessError):
                self.is_dropped = False

    def drop(self):
        """Gives root's rights up, in a process that is about to become a program."""
        if self.is_dropped:
            os.setgroups([])
            os.setgid(self.NOBODY)
            os.setuid(self.NOBODY)

    def hand_over(self, folder):
        """Makes everything below a folder the programs' own."""
        if not self.is_dropped:
            return
        for place, folders, files in os.walk(folder):
            for name in [""] + folders + files:
                os.lchown(os.path.join(place, name) if name else place, self.NOBODY, self.NOBODY)

    def fixture(self, name, make):
        """What `make(folder)` leaves in a folder; made once, never changed afterwards."""
        with self._lock:
            if name not in self._made:
                folder = os.path.join(self.work, "fixtures", name)
                os.makedirs(folder)
                make(folder)
                self.hand_over(folder)
                self._made[name] = folder
            return self._made[name]


class Case:
    """One input: a folder to work in, a generator of its own, and the programs."""

    def __init__(self, bench, kind, name):
        self.bench, self.kind, self.name = bench, kind, name
        self.rng = random.Random(f"{bench.seed}:{kind}:{name}")
        base = os.path.join(bench.work, "cases", f"{kind}-{name}-{threading.get_ident()}")
        self.folder = os.path.join(base, "here")
        self.config = os.path.join(base, "config")
        self.base = base
        os.makedirs(self.folder)
        self.outcomes = []

    def close(self):
        for place, folders, _ in os.walk(self.base):
            os.chmod(place, 0o700)
        shutil.rmtree(self.base, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def copy(self, source, name):
        target = self.path(name)
        (shutil.copytree if os.path.isdir(source) else shutil.copyfile)(source, target)
        return target

    # MARK: Running

    def environment(self, changes):
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": self.config, "XDG_CONFIG_HOME": self.config,
            "POLYMATH_HOME": self.bench.home, "LC_ALL": "C.UTF-8", "TMPDIR": os.path.join(self.base, "tmp"),
        }
        environment.update(changes or {})
        os.makedirs(environment["TMPDIR"], exist_ok=True)
        return {key: value for key, value in environment.items() if value is not None}

    def start(self, words, program="polymath", environment=None, limits=None, stdin=subprocess.DEVNULL, **more):
        """Starts a program and returns its process; the caller waits for it."""

        def prepare():
            # A machine that stays usable whatever a program asks for.
            for what, value in {**{resource.RLIMIT_AS: 16 << 30, resource.RLIMIT_CORE: 0}, **(limits or {})}.items():
                resource.setrlimit(what, (value, value))
            # Python ignores some, a shell ignores others for what it runs behind its prompt; a person's shell does neither.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            self.bench.drop()

        line = [self.bench.programs[program]] + [os.fsencode(word) for word in words]
        environment = self.environment(environment)
        self.bench.hand_over(self.base)
        return subprocess.Popen(line, cwd=self.folder, env=environment, stdin=stdin, preexec_fn=prepare, **more)

    def run(
        self, words, program="polymath", expect=None, may=(), stdin=b"", seconds=20, environment=None, limits=None,
        signals=(), meanwhile=None,
    ):
        """Runs a program to its end and holds it against the rules.

        expect: the statuses that are right; None takes any documented one.
        may: names in the folder that the command may make or change, folders with all that is in them. Where it is
             refused they must be as before, unless the name ends in "!".
        signals: numbers of signals that this case itself sends; 128 + n is right then.
        meanwhile: called with the process while it runs.
        """
        before = listing(self.folder)
        names = [os.path.join(self.base, end) for end in ("stdin", "stdout", "stderr")]
        with open(names[0], "wb") as file:
            file.write(stdin)
        began = time.monotonic()
        # Under a limit on file sizes what is said must not go into files.
        piped = resource.RLIMIT_FSIZE in (limits or {})
        with open(names[0], "rb") as given, open(names[1], "wb") as out, open(names[2], "wb") as err:
            process = self.start(
                words, program, environment, limits, stdin=given, stdout=subprocess.PIPE if piped else out,
                stderr=subprocess.PIPE if piped else err)
            readers = [Reader(pipe) for pipe in (process.stdout, process.stderr)] if piped else []
            if meanwhile:
                meanwhile(process)
            status, peak = wait(process, began + seconds * self.bench.slack)
        took = time.monotonic() - began
        texts = [reader.end() for reader in readers]
        for name in names[1:] if not piped else []:
            with open(name, "rb") as file:
                texts.append(file.read())
        told = " ".join([program] + [word if isinstance(word, str) else repr(word) for word in words])
        if status is None:
            raise Fault(f"did not end within {seconds} s: {told}")
        if status < 0 and -status not in signals:
            raise Fault(f"ended by signal {-status}: {told}: {texts[1][:400]!r}")
        for text in texts:
            try:
                text.decode()
            except UnicodeDecodeError:
                raise Fault(f"wrote what is no UTF-8: {told}: {text[:200]!r}")
        outcome = Outcome(program, words, status, texts[0].decode(), texts[1].decode(), took, peak)
        self.outcomes.append(outcome)
        if status >= 0:
            judge(outcome, {128 + number for number in signals}, told)
        if expect is not None and status not in expect:
            raise Fault(f"ended with {status}, right is {' or '.join(map(str, sorted(expect)))}: {told}: {outcome.said}")
        compare(before, listing(self.folder), may, status, told)
        return outcome


class Reader:
    """Takes what a process writes into a pipe, so that it never waits for anybody to read."""

    def __init__(self, pipe):
        self.pipe, self.bytes = pipe, b""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        self.bytes = self.pipe.read()

    def end(self):
        self.thread.join(10)
        self.pipe.close()
        return self.bytes


def wait(process, deadline):
    """The process's status and its peak of resident memory in bytes; None where it did not end in time."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            process.returncode = code
            return code, usage.ru_maxrss * 1024
        if time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            return None, 0
        time.sleep(0.002)


def steering(text):
    """The scalars that a terminal would obey instead of showing."""
    return [
        character for character in text
        if (ord(character) < 32 and character not in "\n\t") or 0x7F <= ord(character) < 0xA0
        or character in "\u061c\u200e\u200f\u2028\u2029\ufeff" or 0x202A <= ord(character) <= 0x202E
        or 0x2066 <= ord(character) <= 0x2069
    ]


def judge(outcome, signals, told):
    if outcome.status not in DOCUMENTED | signals:
        raise Fault(f"ended with the undocumented status {outcome.status}: {told}: {outcome.said}")
    for text in (outcome.err, outcome.out):
        bad = steering(text)
        if bad:
            raise Fault(f"wrote the control character {bad[0]!r}: {told}: {text[:300]!r}")
    if outcome.status == 0:
        return
    if "--json" in outcome.words:
        errors = outcome.objects("error")
        if len(errors) != 1 or errors[0].get("exit_code") != outcome.status:
            raise Fault(f"ended with {outcome.status} and without one error object: {told}: {outcome.said}")
        sentence = errors[0]["message"]
        if outcome.err.strip():
            raise Fault(f"wrote to standard error beside --json: {told}: {outcome.err[:300]!r}")
    else:
        lines = [line for line in outcome.err.split("\n") if line and not PROGRESS.match(line)]
        mine = [line for line in lines if line.startswith(outcome.program + ": ")]
        # A training also remarks on things in such lines; its reason comes last.
        if not mine or lines[-1] != mine[-1] or (outcome.words[:1] != ["train"] and len(lines) != 1):
            raise Fault(f"ended with {outcome.status} and without one sentence: {told}: {outcome.err[-400:]!r}")
        sentence = mine[-1]
    if not sentence.rstrip().endswith((".", "?", "!")) or len(sentence) > 3000 or any(word in sentence for word in RAW):
        raise Fault(f"its reason is no clear sentence: {told}: {sentence[:400]!r}")


# MARK: Listings

def listing(folder):
    """Everything below a folder: kind, mode and content of each name, the folder itself included."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [""] + [entry for entry in folders + files]:
            path = os.path.join(place, name) if name else place
            key = os.path.relpath(path, folder)
            about = os.lstat(path)
            kind = stat.S_IFMT(about.st_mode)
            content = None
            if kind == stat.S_IFLNK:
                content = os.readlink(path)
            elif kind == stat.S_IFREG:
                content = fingerprint(path, about)
            found[key] = (kind, stat.S_IMODE(about.st_mode), content)
    return found


def fingerprint(path, about):
    """Of large files, holes and all, the length and the times of change stand for the bytes."""
    if about.st_size > 8 << 20 or not os.access(path, os.R_OK):
        return (about.st_size, about.st_mtime_ns)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def compare(before, after, may, status, told):
    def is_allowed(name):
        for entry in may:
            free = entry.endswith("!")
            if (status == 0 or free) and (name == entry.rstrip("!") or name.startswith(entry.rstrip("!") + "/")):
                return True
        return False

    for name in sorted(set(before) | set(after)):
        if before.get(name) == after.get(name) or is_allowed(name):
            continue
        what = "removed" if name not in after else "left behind" if name not in before else "changed"
        raise Fault(f"{what} {name!r} (exit {status}): {told}")
