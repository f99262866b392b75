"""What a device tells: recorded traces, folders that stand for a kernel's files, and the events of a run."""

import json
import os
import shutil

import fixtures
from mutation import EXTREMES, TEXTS, mutated_bytes, mutated_json

KIND = "traces"
MUTANTS = 1500
READING = {
    "battery_level": 0.81, "energy_joules": None, "external_power": True, "frequency_cap": 1, "frequency_mhz": 2400,
    "has_battery": True, "memory_pressure_full": 0, "memory_pressure_some": 0.5, "minute_of_day": 812,
    "missing": ["energy"], "seconds": 1.5, "temperatures": [{"celsius": 51, "kind": "processor", "limit": 95, "sensor": "pkg"}],
    "throttle_events": 0, "user_present": None,
}
# Files of a kernel that sensors are read from.
PLACES = [
    "sys/class/thermal/thermal_zone0/temp", "sys/class/thermal/thermal_zone0/type", "sys/class/power_supply/BAT0/capacity",
    "sys/class/power_supply/BAT0/status", "sys/class/power_supply/BAT0/type", "sys/class/power_supply/AC/online",
    "sys/class/power_supply/AC/type", "sys/class/hwmon/hwmon0/temp1_input", "sys/class/hwmon/hwmon0/name",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq",
    "proc/pressure/memory", "sys/class/powercap/intel-rapl:0/energy_uj", "sys/class/powercap/intel-rapl:0/name",
]


def dry(case, sensors, more=()):
    return ["train", "--base", fixtures.tiny(case.bench), "--tokens", fixtures.tokens(case.bench), "--seq-len", "8", "--steps", "1",
            "--sensors", sensors] + list(more)


def mutant(case):
    choice = case.rng.random()
    if choice < 0.5:
        lines = []
        for index in range(case.rng.randint(1, 12)):
            reading = dict(READING, seconds=index * 0.001)
            if case.rng.random() < 0.4:
                reading = mutated_json(case.rng, reading)
            if case.rng.random() < 0.3:
                reading = {"event": case.rng.choice(["step", "resumed", "x\x1b[31m"]), "device": reading}
            lines.append(json.dumps(reading).encode())
        data = b"\n".join(lines)
        if case.rng.random() < 0.3:
            data = mutated_bytes(case.rng, data)
        path = case.write("trace.jsonl", data)
        # `eager` works on unless a sensor says otherwise; what would rest is told a window that is over at once.
        case.run(dry(case, path, case.rng.choice([["--dry-run"], ["--dry-run", "--json"]])))
    elif choice < 0.75:
        for place in case.rng.sample(PLACES, case.rng.randint(1, len(PLACES))):
            content = case.rng.choice([str(case.rng.choice(EXTREMES)), "-1", "Battery", "Charging", "x86_pkg_temp", "", "1" * 400,
                                       "nan", "some avg10=1e999 avg60=x", "\x1b[31m", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"])
            case.write("device/" + place, content + "\n")
        case.run(dry(case, "device", ["--dry-run"]))
    else:
        run = case.copy(fixtures.run(case.bench), "run")
        lines = case.read("run", "events.jsonl").splitlines()
        for _ in range(case.rng.randint(1, 4)):
            place = case.rng.randrange(len(lines))
            try:
                lines[place] = json.dumps(mutated_json(case.rng, json.loads(lines[place]))).encode()
            except ValueError:
                lines[place] = mutated_bytes(case.rng, lines[place])
        fixtures.write(f"{run}/events.jsonl", b"\n".join(lines) + b"\n")
        case.run(["telemetry", "export", "run", "--format", case.rng.choice(["csv", "tensorboard"]), "--out", "t"], may=["t"])


# MARK: Named

def no_file_at_all(case):
    """A pipe, a folder that holds itself, a link, a device and files of a kernel that are pipes: nobody waits."""
    os.mkfifo(case.path("pipe"))
    os.symlink("loop", case.path("loop"))
    case.write("empty", b"")
    for name in ("pipe", "loop", "empty", "missing", "/dev/zero", "/dev/null"):
        case.run(dry(case, name, ["--dry-run"]), expect={1, 2}, seconds=15)
    os.makedirs(case.path("device/proc/pressure"))
    os.mkfifo(case.path("device/proc/pressure/memory"))
    os.makedirs(case.path("device/sys/class/thermal/thermal_zone0"))
    os.mkfifo(case.path("device/sys/class/thermal/thermal_zone0/temp"))
    os.symlink("/dev/zero", case.path("device/sys/class/thermal/thermal_zone0/type"))
    case.run(dry(case, "device", ["--dry-run"]), seconds=15)
    os.mkfifo(case.path("presence"))
    case.run(dry(case, "device", ["--dry-run", "--presence", case.path("presence")]), seconds=15)


def back_in_time(case):
    """Readings that go back in time, or that no device can have."""
    for change in ({"seconds": -1}, {"battery_level": 7}, {"temperatures": [{"celsius": 1e300, "kind": "processor", "limit": 1, "sensor": "x"}]},
                   {"minute_of_day": 5000}, {"frequency_cap": -3}):
        path = case.write("t.jsonl", json.dumps(READING) + "\n" + json.dumps(dict(READING, **change)) + "\n" + json.dumps(READING) + "\n")
        case.run(dry(case, path, ["--dry-run"]))


def foreign_sensors(case):
    """Names of sensors steer neither a terminal nor a page."""
    for text in TEXTS:
        reading = dict(READING, temperatures=[{"celsius": 40, "kind": "processor", "limit": 95, "sensor": text + "<b>\x1b[31m"}])
        path = case.write("t.jsonl", json.dumps(reading) + "\n")
        case.run(dry(case, path, ["--out", "run", "--pace", "eager"]), may=["run!"], seconds=30)
        page = case.path("run", "report.html")
        if os.path.exists(page):
            content = case.read("run", "report.html").decode()
            if "\x1b" in content or "<b>\\u" in content or "\u202e" in content:
                raise fixtures.Fault("a page holds a sensor's name as it is")
        shutil.rmtree(case.path("run"), ignore_errors=True)


NAMED = {"no-file-at-all": no_file_at_all, "back-in-time": back_in_time, "foreign-sensors": foreign_sensors}
SLOW = {"foreign-sensors"}
