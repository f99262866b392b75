#!/usr/bin/env python3
"""Hostile input of every kind against the programs as they are installed: what is refused, and whether cleanly.

A black box: nothing of the programs but their command lines is used. Each class has named cases, whose right end is known,
and seeded mutations, which must keep to the rules of harness.py. The seed is printed, and

    hostile.py --seed N --only CLASS --case K

runs one case again: K is a name, or the number of a mutation. Ends with 1 where anything failed.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import traceback

import adapters
import bases
import chains
import checkpoints
import corpora
import folders
import limits
import manifests
import options
import peers
import traces
import web
from harness import Bench, Case, Fault, Skipped

CLASSES = [bases, adapters, chains, checkpoints, corpora, options, folders, limits, traces, manifests, web, peers]
# What the numbers of mutations in the classes are meant for, on two cores.
MINUTES = 15


class Tally:
    """Counts of one class."""

    def __init__(self):
        self.cases = self.tried = self.refused = self.accepted = self.left_out = 0
        self.statuses = collections.Counter()
        self.failures, self.skipped = [], []

    def add(self, case):
        self.cases += 1
        for outcome in case.outcomes:
            self.tried += 1
            self.statuses[outcome.status] += 1
            if outcome.status == 0:
                self.accepted += 1
            else:
                self.refused += 1

    @property
    def members(self):
        return {
            "cases": self.cases, "inputs": self.tried, "refused_cleanly": self.refused, "accepted": self.accepted,
            "left_out": self.left_out, "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "skipped": self.skipped, "failures": self.failures,
        }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    build = os.path.join(root, ".build", "release")
    parser.add_argument("--polymath", default=build + "/polymath")
    parser.add_argument("--verifier", default=build + "/polymath-verify")
    parser.add_argument("--pipeline", default=build + "/polymath-pipeline")
    parser.add_argument("--home", default=root, help="a checkout: its Checkpoints, Corpora and Tests/Reference are read")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="scales the number of mutations, and ends them in time")
    parser.add_argument("--quick", action="store_true", help="the fast named cases and a few mutations: about a minute")
    parser.add_argument("--only", help="one class: " + ", ".join(module.KIND for module in CLASSES))
    parser.add_argument("--case", help="one case of it: a name, or the number of a mutation")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--slack", type=float, default=1, help="multiplies every time limit, for slow builds and busy machines")
    parser.add_argument("--json", metavar="FILE", help="write the counts there")
    return parser.parse_args()


def planned(given):
    """Every case that is to be run, as (class, name); mutations by number, the classes taking turns."""
    modules = [module for module in CLASSES if given.only in (None, module.KIND)]
    if not modules:
        sys.exit(f"hostile.py: there is no class {given.only!r}")
    if given.case is not None:
        if len(modules) != 1:
            sys.exit("hostile.py: --case needs --only CLASS")
        if not given.case.isdigit() and given.case not in modules[0].NAMED:
            sys.exit(f"hostile.py: {given.only} has no case {given.case!r}; it has {', '.join(modules[0].NAMED)}")
        return [(modules[0], given.case)]
    named = [
        (module, name) for module in modules for name in module.NAMED
        if not given.quick or name not in module.SLOW]
    scale = given.minutes / MINUTES * (0.004 if given.quick else 1)
    counts = {module: max(2, round(module.MUTANTS * scale)) for module in modules}
    numbered = sorted(
        ((index + 1) / counts[module], place, module, index)
        for place, module in enumerate(modules) for index in range(counts[module]))
    # The long ones first, so that none of them is the last.
    named.sort(key=lambda entry: entry[1] not in entry[0].SLOW)
    return named + [(module, str(index)) for _, _, module, index in numbered]


def main():
    given = arguments()
    seed = given.seed if given.seed is not None else secrets.randbelow(1 << 32)
    programs = [os.path.abspath(path) for path in (given.polymath, given.verifier, given.pipeline)]
    for path in programs:
        if not os.access(path, os.X_OK):
            sys.exit(f"hostile.py: there is no program at {path}; make hostile builds them")
    work = tempfile.mkdtemp(prefix="polymath-hostile-")
    bench = Bench(*programs, os.path.abspath(given.home), work, seed, given.slack)
    tallies = {module.KIND: Tally() for module in CLASSES if given.only in (None, module.KIND)}
    lock = threading.Lock()
    began = time.monotonic()
    deadline = began + given.minutes * 60
    print(f"seed {seed}" + (", as nobody" if bench.is_dropped else ""), flush=True)

    def one(entry):
        module, name = entry
        tally = tallies[module.KIND]
        if name.isdigit() and given.case is None and time.monotonic() > deadline:
            with lock:
                tally.left_out += 1
            return
        case = Case(bench, module.KIND, name)
        problem = None
        try:
            (module.mutant if name.isdigit() else module.NAMED[name])(case)
        except Skipped as reason:
            with lock:
                tally.skipped.append({"case": name, "reason": str(reason)})
                print(f"skipped {module.KIND} {name}: {reason}", flush=True)
        except Fault as fault:
            problem = str(fault)
        except Exception:
            problem = "the suite itself: " + traceback.format_exc()
        with lock:
            tally.add(case)
            if problem:
                again = f"--seed {seed} --only {module.KIND} --case {name}"
                tally.failures.append({"case": name, "what": problem, "again": again})
                print(f"FAILED {module.KIND} {name}: {problem}\n       again: hostile.py {again}", flush=True)
        if problem and given.case is not None:
            print(f"its folder stays: {case.base}")
        else:
            case.close()

    try:
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(one, planned(given)))
    finally:
        if given.case is None:
            shutil.rmtree(work, ignore_errors=True)
    seconds = time.monotonic() - began
    report(tallies, seconds)
    failures = sum(len(tally.failures) for tally in tallies.values())
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(
                {"seed": seed, "minutes": given.minutes, "quick": given.quick, "seconds": round(seconds, 1), "jobs": given.jobs,
                 "failures": failures, "classes": {kind: tally.members for kind, tally in tallies.items()}}, file, indent=1,
                ensure_ascii=False)
            file.write("\n")
    sys.exit(1 if failures else 0)


def report(tallies, seconds):
    print(f"{'class':12} {'cases':>6} {'inputs':>7} {'refused':>8} {'accepted':>9} {'failures':>9}")
    totals = [0] * 5
    for kind, tally in tallies.items():
        row = [tally.cases, tally.tried, tally.refused, tally.accepted, len(tally.failures)]
        totals = [total + one for total, one in zip(totals, row)]
        more = f"  {tally.left_out} mutations left out for want of time" if tally.left_out else ""
        print(f"{kind:12} {row[0]:6} {row[1]:7} {row[2]:8} {row[3]:9} {row[4]:9}{more}")
    print(f"{'all':12} {totals[0]:6} {totals[1]:7} {totals[2]:8} {totals[3]:9} {totals[4]:9}  in {seconds:.0f} s")


if __name__ == "__main__":
    main()
