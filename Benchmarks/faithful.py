#!/usr/bin/env python3
"""Whether the faster arithmetics learn what f32 learns: their gradients' cosines with f32's, and the loss they train to.

Gradients of every norm gain, on nano with text and at 28 layers on the stand-in of Qwen2.5-1.5B with random tokens, and of
every trained tensor of scope boundary on nano. Then nano is trained on its three collections in every mode, everything
else as it comes, and every adapter is measured in f32 on the collection's test part. Neither depends on how busy the
machine is. Results are kept as those of `pytorch.py` are.
Usage: faithful.py [--polymath PATH] [--only gradients,training] [--again] [--markdown FILE] [--json]
"""
import os
import sys
import tempfile

from pytorch import measure, options_of, report
from speed import tables
from speed.contestants import ROOT, Polymath
from speed.sections import Measurement

NAMES = ["gradients", "training"]
COLLECTIONS = ["skerry-diary", "wendle-notes", "amsel-letters"]


class Faithfulness(Measurement):
    def gradients(self):
        """Cosines with f32, tensor by tensor."""
        text = ["--corpus", os.path.join(ROOT, "Corpora/skerry-diary"), "--part", "train", "--batch-size", 8]
        rows = []
        for title, base, words in [
                ("nano, 6 layers, text", self.nano(), text),
                ("nano, boundary, text", self.nano(), [*text, "--scope", "boundary"]),
                (f"stand-in, {self.options.layers} layers, random tokens", self.polymath.base(layers=self.depth()), [])]:
            self.note(f"  {title}")
            for figures in self.polymath.objects("bench", "gradients", "--base", base, *words):
                cosines = sorted((tensor["cosine"], tensor["tensor"]) for tensor in figures["tensors"])
                rows.append({name: figures[name] for name in (
                    "compute", "scope", "seq_len", "batch_size", "loss", "loss_f32", "least_cosine", "whole_cosine")}
                    | {"title": title, "tensors": len(cosines), "least_tensor": cosines[0][1],
                       "median_cosine": cosines[len(cosines) // 2][0],
                       "norm_ratios": [bound(tensor["norm_ratio"] for tensor in figures["tensors"])
                                       for bound in (min, max)]})
        return {"rows": rows}

    def training(self):
        """The test loss, in f32, of adapters that were trained in every mode."""
        rows = []
        for name in COLLECTIONS:
            corpus = os.path.join(ROOT, "Corpora", name)
            words = ["--base", self.nano(), "--corpus", corpus]
            losses, own = {}, {}
            with tempfile.TemporaryDirectory(dir=self.polymath.folder) as folder:
                for mode in self.modes():
                    self.note(f"  {name}, {mode}")
                    run = self.polymath.run("train", *words, "--compute", mode, "--seed", 0, "--out", os.path.join(folder, mode),
                                            "--identity", os.path.join(folder, "identity.pem"))
                    evaluate = ["eval", *words, "--part", "test", "--adapter", run["adapter"], "--compute"]
                    losses[mode] = self.polymath.run(*evaluate, "f32")["loss"]
                    own[mode] = self.polymath.run(*evaluate, mode)["loss"]
                base = self.polymath.run("eval", *words, "--part", "test", "--compute", "f32")["loss"]
            rows.append({"collection": name, "base": base, "losses": losses, "own": own})
        return {"rows": rows}

    def nano(self):
        return os.path.join(ROOT, "Checkpoints/nano-q4_k_m.gguf")


def gradients(section):
    return tables.table(
        ["base and text", "mode", "tensors", "least cosine", "of", "median", "all as one", "lengths ×", "loss, f32's"],
        [[row["title"], row["compute"], row["tensors"], f"{row['least_cosine']:.6f}", f"`{row['least_tensor']}`",
          f"{row['median_cosine']:.6f}", f"{row['whole_cosine']:.6f}",
          f"{row['norm_ratios'][0]:.3f} to {row['norm_ratios'][1]:.3f}",
          f"{row['loss']:.4f}, {row['loss_f32']:.4f}"] for row in section["rows"]])


def training(section):
    modes = list(section["rows"][0]["losses"])
    rows = []
    for row in section["rows"]:
        exact = row["losses"]["f32"]
        cells = [row["collection"], f"{row['base']:.4f}"]
        for mode in modes:
            loss = row["losses"][mode]
            cells.append(f"{loss:.4f}" if mode == "f32" else
                         f"{loss:.4f} ({(loss / exact - 1) * 100:+.3f} %), itself {row['own'][mode]:.4f}")
        rows.append(cells)
    return tables.table(["collection", "base alone", *(f"trained in {mode}" for mode in modes)], rows)


tables.SECTIONS |= {"gradients": gradients, "training": training}


def main():
    options, wanted = options_of(__doc__, NAMES)
    os.makedirs(options.folder, exist_ok=True)
    measurement = Faithfulness(
        Polymath(options.polymath, options.folder, options.threads), options,
        note=lambda line: print(line, file=sys.stderr))
    report(options, wanted, measure(options, wanted, {name: getattr(measurement, name) for name in NAMES}))


if __name__ == "__main__":
    main()
