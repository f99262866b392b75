"""What the interop scripts share: the program under test, a scratch folder, and checks that print what they saw.

A script exits 0 when every check held, 1 when one did not, and 2 when a tool that it needs is missing.
"""
import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def tools(*names):
    """Imports the named modules, or ends the script with status 2 and the name of the first that is missing."""
    modules = []
    for name in names:
        try:
            modules.append(importlib.import_module(name))
        except ImportError as error:
            sys.exit(_missing(name, error))
    return modules


def _missing(name, error):
    print(f"{os.path.basename(sys.argv[0])}: {name} cannot be imported ({error}); `make interop` installs it.",
          file=sys.stderr)
    sys.exit(2)


class Bench:
    """A scratch folder, the polymath under test, and a list of what held."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
        self.program = os.path.abspath(parser.parse_known_args()[0].polymath)
        self._folder = tempfile.TemporaryDirectory(prefix="interop-")
        self.failures = 0
        if not os.access(self.program, os.X_OK):
            print(f"There is no program at {self.program}: `make build` makes it.", file=sys.stderr)
            sys.exit(2)

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def polymath(self, *words):
        """The last JSON object that polymath prints; its identity and its files live in the scratch folder."""
        return json.loads(self._run(words, "").splitlines()[-1])

    def polymath_text(self, text, *words):
        """What a filter of polymath's makes of one text: one JSON string in, one JSON value out."""
        return json.loads(self._run(words, json.dumps(text) + "\n"))

    def status(self, *words):
        """The exit status alone."""
        return self._start(words, "").returncode

    def _run(self, words, given):
        done = self._start(words, given)
        if done.returncode != 0:
            print(f"polymath {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}",
                  file=sys.stderr)
            sys.exit(1)
        return done.stdout

    def _start(self, words, given):
        environment = {"PATH": os.environ["PATH"], "HOME": self._folder.name, "POLYMATH_HOME": ROOT,
                       "XDG_CONFIG_HOME": self.path("config")}
        return subprocess.run([self.program, *map(str, words), "--json"], input=given, capture_output=True, text=True,
                              env=environment, cwd=self._folder.name)

    def check(self, holds, sentence):
        print(("  ok      " if holds else "  FAILED  ") + sentence, flush=True)
        self.failures += not holds

    def end(self):
        self._folder.cleanup()
        sys.exit(1 if self.failures else 0)
