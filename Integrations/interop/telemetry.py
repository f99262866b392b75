#!/usr/bin/env python3
"""A run's telemetry, read by TensorBoard and by Python's csv.

Trains a few steps on a recorded trace of a device that has to rest first, exports the events in both forms,
and holds what the two readers find against events.jsonl.
Usage: telemetry.py [--polymath PATH]
"""
import csv
import json
import os
import struct

from harness import ROOT, Bench, tools

accumulator, = tools("tensorboard.backend.event_processing.event_accumulator")


def single(value):
    """The value as TensorBoard keeps it: in single precision."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def reading(seconds, celsius):
    return json.dumps({
        "seconds": seconds, "minute_of_day": 720, "has_battery": True, "battery_level": 0.8, "external_power": True,
        "temperatures": [{"kind": "battery", "sensor": "battery", "celsius": celsius}], "memory_pressure_some": 0.25})


def main():
    bench = Bench(__doc__)
    with open(bench.path("trace.jsonl"), "w", encoding="utf-8") as file:
        file.write(reading(0, 60) + "\n" + reading(0.5, 25) + "\n")
    reference = os.path.join(ROOT, "Tests/Reference")
    bench.polymath("train", "--base", f"{reference}/qwen2-tied-f32.gguf", "--tokens", f"{reference}/tokens.json",
                   "--seq-len", "16", "--steps", "12", "--eval-every", "4", "--sensors", bench.path("trace.jsonl"),
                   "--out", bench.path("run"))
    with open(bench.path("run/events.jsonl"), encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    steps = [event for event in events if event["event"] == "step"]

    ours = bench.polymath("telemetry", "export", bench.path("run"), "--format", "tensorboard", "--out",
                          bench.path("logs"))
    board = accumulator.EventAccumulator(bench.path("logs"), size_guidance={accumulator.SCALARS: 0})
    board.Reload()
    tags = board.Tags()["scalars"]
    count = sum(len(board.Scalars(tag)) for tag in tags)
    bench.check(count == ours["count"], f"TensorBoard reads all {count} scalars under {len(tags)} tags")
    for tag, of in [("train/loss", lambda e: e["loss"]), ("train/rested_seconds", lambda e: e["rested_seconds"]),
                    ("device/battery_level", lambda e: e["device"]["battery_level"]),
                    ("device/temperature_battery", lambda e: e["device"]["temperatures"][0]["celsius"])]:
        read = [(point.step, point.value) for point in board.Scalars(tag)]
        bench.check(read == [(e["step"], single(of(e))) for e in steps], f"{tag} of {len(read)} steps, bit for bit")
    validations = [(e["step"], single(e["loss"])) for e in events if e["event"] == "validation"]
    read = [(point.step, point.value) for point in board.Scalars("validation/loss")]
    bench.check(read == validations, f"validation/loss of {len(read)} validations, bit for bit")
    bench.check("device/frequency_mhz" not in tags, "what the device did not tell has no points")

    bench.polymath("telemetry", "export", bench.path("run"), "--format", "csv", "--out", bench.path("run.csv"))
    with open(bench.path("run.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    bench.check([row["event"] for row in rows] == [event["event"] for event in events],
                f"Python's csv reads all {len(rows)} events in their order")
    read = [float(row["loss"]) for row in rows if row["event"] == "step"]
    bench.check(read == [e["loss"] for e in steps], f"the losses of {len(read)} steps, bit for bit")
    bench.check(all(row["frequency_mhz"] == "" for row in rows), "what the device did not tell is an empty cell")
    rests = [row for row in rows if row["event"] == "rest"]
    bench.check(len(rests) == 1 and rests[0]["reason"] == "temperature", "the rest and its reason")
    bench.end()


main()
