#!/usr/bin/env python3
"""Training at the Qwen2.5-1.5B shape against PyTorch, llama.cpp and OpenSSL: every row of the table of targets.

Compared contestants take turns, so that a machine that is busy or warm is so for both. Random weights in a stand-in base
(`polymath base synth`), which is made once below .build/bench. Each section's result is kept there, so that a run that was
stopped goes on; --again takes it anew. A section of another build of the program is never shown with this one's.
Usage: pytorch.py [--polymath PATH] [--only SECTION,…] [--again] [--rounds N] [--markdown FILE] [--json]
Sections: machine, step128, step512, forward, tail, memory, boundary, start, kernels. Needs torch, transformers and
llama-cpp-python (`make bench` has them).
"""
import argparse
import json
import os
import sys

from speed import sections, tables, targets
from speed.contestants import ROOT, Polymath
from speed.store import Store, load

NAMES = ["machine", "step128", "step512", "forward", "tail", "memory", "boundary", "start", "kernels"]


def options_of(description, names, svg=None):
    """The options that this script and `growth.py` share.

    - svg: where a figure goes, for a script that draws one.
    """
    arguments = argparse.ArgumentParser(description=description.splitlines()[0])
    arguments.add_argument("--polymath", default=os.path.join(ROOT, ".build/release/polymath"))
    arguments.add_argument("--folder", default=os.path.join(ROOT, ".build/bench"), help="bases and results")
    arguments.add_argument("--only", default=",".join(names), help="sections, separated by commas")
    arguments.add_argument("--again", action="store_true", help="also what has been measured")
    arguments.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--layers", type=int, default=28, help="of the stand-in; others only to try the script")
    arguments.add_argument("--eager-only", action="store_true", help="do not compile PyTorch's model")
    arguments.add_argument("--markdown", help="fill the tables of this document with all results of this build")
    arguments.add_argument("--json", action="store_true", help="print the results as JSON at the end")
    if svg:
        arguments.add_argument("--svg", default=svg, help="where the figure goes")
    options = arguments.parse_args()
    wanted = options.only.split(",") if options.only else []
    if unknown := [name for name in wanted if name not in names]:
        arguments.error(f"there is no section {unknown[0]}; there are {', '.join(names)}")
    return options, wanted


def measure(options, wanted, functions):
    """Measures what is wanted and not there yet; every result there is of this build."""
    store = Store(os.path.join(options.folder, "results.json"), options.polymath)
    for name in wanted:
        if store.has(name) and not options.again:
            print(f"{name}: kept from {store.sections[name]['taken']}", file=sys.stderr)
            continue
        before = load()
        print(f"{name}: measuring" + (f" (the machine is busy: load {before:.1f})" if before > 0.5 else ""),
              file=sys.stderr)
        store.save(name, functions[name](), before)
    return store.of_this_build()


def report(options, wanted, results):
    for name in wanted:
        print(f"\n## {name}\n\n{tables.rendered(name, results[name])}")
    rows = targets.judge(results)
    if rows:
        print(f"\n## Targets\n\n{targets.rendered(rows)}")
    if options.markdown:
        tables.fill(options.markdown, results, {"targets": targets.rendered(rows)} if rows else {})
    if options.json:
        print(json.dumps({name: results[name] for name in wanted} | {"targets": rows}))


def main():
    options, wanted = options_of(__doc__, NAMES)
    os.makedirs(options.folder, exist_ok=True)
    measurement = sections.Measurement(
        Polymath(options.polymath, options.folder, options.threads), options,
        note=lambda line: print(line, file=sys.stderr))
    functions = {name: getattr(measurement, name) for name in NAMES if not name.startswith("step")}
    functions |= {f"step{tokens}": lambda tokens=tokens: measurement.step(tokens) for tokens in (128, 512)}
    report(options, wanted, measure(options, wanted, functions))


if __name__ == "__main__":
    main()
