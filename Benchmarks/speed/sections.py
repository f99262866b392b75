"""One function for each group of rows of the table of targets: measures, alternately where two are compared."""
from .contestants import Failure, Worker, openssl_seconds
from .store import machine, median, ratios, rounds, spread

# The time of a PyTorch step that is known for this kind of machine (Documentation/DESIGN.md, section 9), seconds.
KNOWN_PYTORCH = {128: 2.75, 512: 9.4}
BASELINE_SLACK = 1.15
# What `--memory-budget` is given: 100 MB and 0.24 MB for each token.
BUDGET_BASE, BUDGET_PER_TOKEN = 100e6, 0.24e6


def budget_bytes(tokens):
    return int(BUDGET_BASE + BUDGET_PER_TOKEN * tokens)


def record(figures):
    """What is kept of a `bench step`."""
    kept = {name: figures[name] for name in (
        "compute", "seq_len", "threads", "achieved_gops", "machine_peak_gops", "share_of_peak", "peak_rss_bytes",
        "peak_anonymous_bytes", "operation_seconds", "operations", "loss")}
    kept["seconds"] = figures["step_seconds"]["median"]
    if "first_pass_step_seconds" in figures:
        kept["first_pass_seconds"] = figures["first_pass_step_seconds"]["median"]
    return kept


def summary(records):
    """Of one contestant's rounds: the spread of its seconds, the medians of its figures, the most of its memory."""
    whole = {"seconds": spread([entry["seconds"] for entry in records])}
    first = records[0]
    for name, value in first.items():
        if name == "seconds" or not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        values = [entry[name] for entry in records]
        whole[name] = max(values) if name.endswith("_bytes") else median(values)
    for name in ("compute", "torch", "transformers"):
        if name in first:
            whole[name] = first[name]
    if "operation_seconds" in first:
        whole["operation_seconds"] = {
            kind: median([entry["operation_seconds"][kind] for entry in records]) for kind in first["operation_seconds"]}
    return whole


class Measurement:
    def __init__(self, polymath, options, note=print):
        self.polymath = polymath
        self.options = options
        self.note = note

    def ours(self, base, *words, repeat=1):
        return lambda: record(self.polymath.bench(base, "--repeat", repeat, *words))

    # MARK: Sections

    def machine(self):
        peaks = {}
        for mode in self.modes():
            figures = self.polymath.bench(self.small_base(), "--seq-len", 16, "--repeat", 1, "--compute", mode)
            peaks[mode] = figures["machine_peak_gops"]
        return {"machine": machine(self.polymath), "peak_gops": peaks, "auto": self.auto()}

    def step(self, tokens):
        """One training step, scope norms, against PyTorch in bfloat16."""
        torch, qualifying = self.faster_torch(tokens)
        contestants = {"pytorch bf16": torch.measure}
        base, other = self.polymath.base(layers=self.depth()), self.polymath.base("q4_0", self.depth())
        repeat = 2 if tokens <= 128 else 1
        for mode in self.modes_measured():
            contestants[f"polymath {mode}"] = self.ours(base, "--seq-len", tokens, "--compute", mode, repeat=repeat)
        contestants["polymath auto q4_0"] = self.ours(other, "--seq-len", tokens, repeat=repeat)
        with torch:
            records = rounds(self.options.rounds, contestants, self.note)
        figures = {name: summary(entries) for name, entries in records.items()}
        theirs, ours = figures["pytorch bf16"], [entry for entry in figures.values() if entry.get("compute") == "bf16"]
        if ours:
            # The same step, so the same operations; the same instruction, so the same peak.
            theirs["achieved_gops"] = ours[0]["operations"] / theirs["seconds"]["median"] / 1e9
            if "machine_peak_gops" in ours[0]:
                theirs["share_of_peak"] = theirs["achieved_gops"] / ours[0]["machine_peak_gops"]
        return {
            "tokens": tokens, "qualifying": qualifying, "versions": versions(torch.ready), "auto": self.auto(),
            "contestants": figures,
            "ratios": {name: ratios(entries, records["pytorch bf16"]) for name, entries in records.items()},
            "baseline_limit": KNOWN_PYTORCH[tokens] * BASELINE_SLACK,
            "is_baseline": median([e["seconds"] for e in records["pytorch bf16"]])
            <= KNOWN_PYTORCH[tokens] * BASELINE_SLACK,
        }

    def faster_torch(self, tokens):
        """Eager and compiled, two steps each after their warm-up; the slower one goes."""
        workers, seconds = {}, {}
        kinds = ["eager"] if self.options.eager_only else ["eager", "compiled"]
        for kind in kinds:
            try:
                worker = Worker("torch_step.py", "--tokens", tokens, "--threads", self.polymath.threads,
                                "--layers", self.options.layers, *(["--compile"] if kind == "compiled" else []))
            except Failure as failure:
                self.note(f"  PyTorch {kind}: {failure}")
                continue
            workers[kind] = worker
            seconds[kind] = min(worker.measure()["seconds"] for _ in range(2))
            self.note(f"  PyTorch {kind}: {seconds[kind]:.3f} s, after {sum(worker.ready['warm_up_seconds']):.1f} s")
        best = min(seconds, key=seconds.get)
        for kind, worker in workers.items():
            if kind != best:
                worker.__exit__()
        return workers[best], {"seconds": seconds, "taken": best}

    def forward(self):
        """The forward pass with the loss of every token, against llama.cpp's prompt pass without the head."""
        base = self.polymath.base("q4_0", self.depth())
        with Worker("llama_prompt.py", "--model", base, "--tokens", 128, "--threads", self.polymath.threads) as llama:
            contestants = {"llama.cpp q4_0": llama.measure}
            for mode in self.modes_measured():
                contestants[f"polymath {mode}"] = self.ours(base, "--forward-only", "--compute", mode, repeat=2)
            contestants["polymath auto q4_k_m"] = self.ours(
                self.polymath.base(layers=self.depth()), "--forward-only", repeat=2)
            records = rounds(self.options.rounds, contestants, self.note)
        return {
            "tokens": 128, "versions": versions(llama.ready), "auto": self.auto(),
            "contestants": {name: summary(entries) for name, entries in records.items()},
            "ratios": {name: ratios(entries, records["llama.cpp q4_0"]) for name, entries in records.items()},
        }

    def tail(self):
        """A step of scope tail before and after its first pass over the data, and one of scope norms."""
        base = self.polymath.base(layers=self.depth())
        records = rounds(self.options.rounds, {
            "norms": self.ours(base, repeat=2), "tail": self.ours(base, "--scope", "tail", repeat=2)}, self.note)
        uncached = [{"seconds": entry["first_pass_seconds"]} for entry in records["tail"]]
        return {
            "tokens": 128, "contestants": {name: summary(entries) for name, entries in records.items()},
            "to_uncached": ratios(records["tail"], uncached), "to_norms": ratios(records["tail"], records["norms"])}

    def memory(self):
        """Peak memory of a step of 256 tokens: as it comes, within a budget, and PyTorch's."""
        base, tokens = self.polymath.base(layers=self.depth()), 256
        contestants = {"polymath": self.ours(base, "--seq-len", tokens)}
        if self.has_budget():
            contestants["polymath, budget"] = self.ours(
                base, "--seq-len", tokens, "--memory-budget", budget_bytes(tokens))
        with Worker("torch_step.py", "--tokens", tokens, "--threads", self.polymath.threads,
                    "--layers", self.options.layers) as torch:
            contestants["pytorch bf16"] = torch.measure
            records = rounds(min(3, self.options.rounds), contestants, self.note)
        figures = {name: summary(entries) for name, entries in records.items()}
        result = {"tokens": tokens, "budget_bytes": budget_bytes(tokens), "contestants": figures}
        if self.has_budget():
            result["budget_time"] = ratios(records["polymath, budget"], records["polymath"])
        return result

    def boundary(self):
        """Peak memory of a step of scope boundary with AdamW, and PyTorch's with SGD."""
        base, tokens = self.polymath.base(layers=self.depth()), 128
        contestants = {
            f"polymath, {name}": self.ours(base, "--scope", "boundary", "--seq-len", tokens, *words)
            for name, words in self.moments().items()}
        records = rounds(min(2, self.options.rounds), contestants, self.note)
        with Worker("torch_step.py", "--tokens", tokens, "--threads", self.polymath.threads, "--scope", "boundary",
                    "--layers", self.options.layers) as torch:
            records["pytorch bf16, SGD"] = [torch.measure()]
        return {"tokens": tokens, "contestants": {name: summary(entries) for name, entries in records.items()}}

    def start(self):
        """From the start of `train` to its first step, against OpenSSL's time to hash the file."""
        base = self.polymath.base(layers=self.depth())
        records = rounds(self.options.rounds, {
            "openssl dgst -sha256": lambda: {"seconds": openssl_seconds(base)},
            "polymath train": lambda: {"seconds": self.polymath.start_up(base)}}, self.note)
        return {"contestants": {name: summary(entries) for name, entries in records.items()},
                "ratio": ratios(records["polymath train"], records["openssl dgst -sha256"])}

    def kernels(self):
        """Every kernel at the shapes that a step multiplies."""
        return {"rows": self.polymath.objects("bench", "kernels", "--threads", self.polymath.threads)}

    # MARK: What this build can do

    def depth(self):
        """Layers of the stand-in; nil for all 28."""
        return None if self.options.layers == 28 else self.options.layers

    def small_base(self):
        return self.polymath.base("q4_0", 1)

    def auto(self):
        """What `--compute auto` is here."""
        return self.polymath.bench(self.small_base(), "--seq-len", 4, "--repeat", 1)["compute"]

    def modes(self):
        return [mode for mode in ("f32", "bf16", "int8") if f"|{mode}" in self.help()]

    def modes_measured(self):
        """`auto`, and by name the fast modes that it is not."""
        return ["auto"] + [mode for mode in self.modes() if mode not in ("f32", self.auto())]

    def help(self):
        return self.polymath.text("help", "bench", "step")

    def has_budget(self):
        return "--memory-budget " in self.help()

    def moments(self):
        """Ways to keep AdamW's moments, by name: the options for each."""
        if "--moments " not in self.help():
            return {"f32 moments": []}
        return {"f32 moments": ["--moments", "f32"], "8-bit moments": ["--moments", "int8"]}


def versions(ready):
    return {name: ready[name] for name in ("torch", "transformers", "llama_cpp_python") if name in ready}
