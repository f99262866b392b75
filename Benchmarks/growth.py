#!/usr/bin/env python3
"""How a step's time and memory grow with tokens, layers and threads, at the width of Qwen2.5-1.5B; scope norms.

With and without a memory budget of 100 MB and 0.24 MB for each token, where the program takes one. Prints tables, and
draws them into a figure. Results are kept as those of `pytorch.py` are.
Usage: growth.py [--polymath PATH] [--only tokens,layers] [--again] [--markdown FILE] [--svg FILE] [--json]
"""
import os
import sys

from pytorch import measure, options_of, report
from speed import plot
from speed.contestants import ROOT, Polymath
from speed.sections import Measurement, budget_bytes, record

NAMES = ["tokens", "layers"]
TOKENS = [64, 128, 256, 512, 1024, 2048, 4096]
# One thread takes twice as long: enough to see the slope.
TOKENS_OF_ONE_THREAD = TOKENS[:5]
LAYERS = [4, 7, 14, 28]


class Growth(Measurement):
    def tokens(self):
        """A step of 64 to 4,096 tokens: as it comes, within a budget, and on one thread."""
        base, rows = self.polymath.base(layers=self.depth()), []
        most = len(TOKENS) if self.options.layers == 28 else 2
        for count in TOKENS[:most]:
            # The longest take minutes: one timed step says enough.
            words = ["--seq-len", count, "--repeat", 3 if count <= 512 else 1]
            rows.append(self.taken(base, words, self.polymath.threads))
            if self.has_budget():
                budget = budget_bytes(count)
                rows.append(self.taken(base, [*words, "--memory-budget", budget], self.polymath.threads)
                            | {"budget_bytes": budget})
            if count in TOKENS_OF_ONE_THREAD:
                rows.append(self.taken(base, words, 1))
        return {"rows": rows}

    def layers(self):
        """A step of 256 tokens at several depths."""
        rows = []
        for count in LAYERS:
            base = self.polymath.base(layers=None if count == 28 else count)
            rows.append(self.taken(base, ["--seq-len", 256, "--repeat", 3], self.polymath.threads) | {"layers": count})
        return {"tokens": 256, "rows": rows}

    def taken(self, base, words, threads):
        figures = record(self.polymath.bench(base, *words, threads=threads))
        self.note(f"  {figures['seq_len']} tokens, {threads} threads: {figures['seconds']:.3f} s")
        return figures


def drawing(results):
    charts = []
    if section := results.get("tokens"):
        for name, unit, key, scale in (("Time", "seconds a step", "seconds", 1),
                                       ("Anonymous memory", "MB", "peak_anonymous_bytes", 1e-6)):
            series = {}
            for row in section["rows"]:
                label = f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}"
                label += ", budget" if row.get("budget_bytes") else ""
                if key != "seconds" and row["threads"] == 1:
                    continue
                series.setdefault(label, []).append((row["seq_len"], row[key] * scale))
            charts.append(plot.chart(f"{name} by tokens", "tokens", unit, series))
    if section := results.get("layers"):
        for name, unit, key, scale in (("Time", "seconds a step", "seconds", 1),
                                       ("Anonymous memory", "MB", "peak_anonymous_bytes", 1e-6)):
            line = [(row["layers"], row[key] * scale) for row in section["rows"]]
            charts.append(plot.chart(f"{name} by layers", "layers", unit, {"256 tokens": line}, is_log=False))
    return plot.figure(charts)


def main():
    options, wanted = options_of(__doc__, NAMES, svg=os.path.join(ROOT, "Documentation/growth.svg"))
    os.makedirs(options.folder, exist_ok=True)
    growth = Growth(Polymath(options.polymath, options.folder, options.threads), options,
                    note=lambda line: print(line, file=sys.stderr))
    results = measure(options, wanted, {name: getattr(growth, name) for name in NAMES})
    report(options, wanted, results)
    if any(name in results for name in NAMES):
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(drawing(results))


if __name__ == "__main__":
    main()
