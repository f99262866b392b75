"""Results by section, in one file: a run that was stopped goes on with the sections that it has not got."""
import datetime
import hashlib
import json
import os
import platform
import statistics
import subprocess


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """`{section: {build, taken, load, …figures}}`; a section of another build counts as missing."""

    def __init__(self, path, program):
        self.path = path
        self.build = digest(program)
        self.sections = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.sections = json.load(file)

    def has(self, name):
        return self.sections.get(name, {}).get("build") == self.build

    def save(self, name, figures, load):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.sections[name] = {"build": self.build, "taken": now, "load_before": load, **figures}
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".part", "w", encoding="utf-8") as file:
            json.dump(self.sections, file, indent=1)
        os.replace(self.path + ".part", self.path)

    def of_this_build(self):
        return {name: section for name, section in self.sections.items() if section.get("build") == self.build}


def load():
    return os.getloadavg()[0]


def machine(polymath):
    """What the figures were taken on."""
    doctor = polymath.run("doctor")
    text = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {
        "processor": doctor["processor"], "cores": doctor["cores"], "features": doctor["features"],
        "memory_bytes": doctor["memory_bytes"], "kernel_path": doctor["kernel_path"],
        "threads_per_core": lines.get("Thread(s) per core", "?").strip(), "l2": lines.get("L2 cache", "?").strip(),
        "l3": lines.get("L3 cache", "?").strip(), "system": doctor["operating_system"],
        "linux": ".".join(platform.release().split(".")[:2]), "polymath": doctor["version"], "toolchain": doctor["toolchain"],
    }


def median(values):
    return statistics.median(values)


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def rounds(count, contestants, note=print):
    """Lets every contestant have its turn, and that `count` times; `{name: [records]}`.

    - contestants: `{name: function}`; a record has `seconds`.
    """
    records = {name: [] for name in contestants}
    for turn in range(count):
        for name, measure in contestants.items():
            record = measure()
            records[name].append(record)
            note(f"  round {turn + 1} of {count}: {name} {record['seconds']:.3f} s")
    return records


def ratios(ours, theirs):
    """Ratio of the medians, and the least and the largest ratio within one round."""
    pairs = [a["seconds"] / b["seconds"] for a, b in zip(ours, theirs)]
    whole = median([a["seconds"] for a in ours]) / median([b["seconds"] for b in theirs])
    return {"ratio": whole, "least": min(pairs), "largest": max(pairs)}
