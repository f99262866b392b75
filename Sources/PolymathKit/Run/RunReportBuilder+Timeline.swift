internal import Audit
internal import Device
internal import Digest
internal import Foundation

extension RunReportBuilder {
    /// What the events tell of the device; nil for a run whose events tell nothing of it.
    var timeline: RunReport.Timeline? {
        guard events.contains(where: { $0["device"] != nil }) else { return nil }
        var reader = TimelineReader()
        for event in events { reader.add(event) }
        return reader.finish()
    }
}

/// Turns events, one after the other, into a timeline.
private struct TimelineReader {
    private typealias Moment = RunReport.Timeline.Moment

    private var timeline = RunReport.Timeline()
    private var lastTime: Double?
    /// Seconds since the beginning of the run, without the time in which no process was at it.
    private var now = 0.0
    private var restSince: Double?
    private var lastEnergy: (seconds: Double, joules: Double)?
    private var values: [String: [Moment]] = [:]
    /// What every reading so far was without.
    private var missing: Set<String>?

    mutating func add(_ event: JSONValue) {
        guard let name = event["event"]?.asString, name != "run_finished" else { return }
        let time = event["time"]?.asString.flatMap(EventTime.seconds)
        if name == "resumed" {
            endRest()
            timeline.breaks.append(now)
            for key in values.keys { values[key]?.append(Moment(seconds: now, value: nil)) }
            lastEnergy = nil
        } else if let time, let lastTime {
            // A clock that was set back stands still here.
            now += max(0, time - lastTime)
        }
        let away = time.flatMap { time in lastTime.map { max(0, time - $0) } } ?? 0
        lastTime = time ?? lastTime
        if let device = event["device"] { add(device: device) }
        switch name {
        case "step":
            put("loss", event["loss"]?.asDouble)
        case "validation": put("validation", event["loss"]?.asDouble)
        case "rest":
            endRest()
            restSince = now
            tell(event, "rests", event["why"]?.asString ?? "")
        case "rest_over":
            endRest()
            tell(event, "goes on", "")
        case "pace":
            let share = event["share"]?.asDouble ?? 1
            tell(event, "works \(Int((share * 100).rounded())) % of the time", event["why"]?.asString ?? "")
        case "pressure":
            tell(event, event["high"]?.asBool == true ? "memory pressure" : "memory pressure is over", "")
        case "paused":
            endRest()
            tell(event, "pauses", event["why"]?.asString ?? event["signal"]?.asInt.map { "signal \($0)" } ?? "")
        case "resumed":
            let after = event["after"]?.asString.map { "after a \($0), " } ?? ""
            tell(event, "is resumed", after + "\(Int(away.rounded())) s later")
        default: break
        }
    }

    mutating func finish() -> RunReport.Timeline {
        endRest()
        timeline.seconds = now
        let gibibyte = 1_073_741_824.0
        let largest = values["resident_bytes"]?.compactMap(\.value).max() ?? 0
        let (unit, bytes) = largest >= gibibyte ? ("GiB", gibibyte) : ("MiB", 1_048_576)
        func series(_ name: String, _ key: String, _ scale: Double = 1) -> RunReport.Timeline.Series? {
            values[key].map { moments in
                .init(name, moments.map { Moment(seconds: $0.seconds, value: $0.value.map { $0 * scale }) })
            }
        }
        timeline.panels = [
            .init(
                "loss, nats per token",
                [series("training", "loss"), series("validation", "validation")].compactMap(\.self), isDotted: true),
            .init(
                "temperature, °C",
                DeviceReading.Temperature.Kind.allCases.compactMap { series($0.rawValue, $0.rawValue) }),
            .init("battery, %", [series("level", "battery_level", 100)].compactMap(\.self)),
            .init("frequency, MHz", [series("mean", "frequency_mhz")].compactMap(\.self), startsAtZero: true),
            .init(
                "memory pressure, % of time",
                [series("some", "memory_pressure_some"), series("full", "memory_pressure_full")].compactMap(\.self),
                startsAtZero: true),
            .init(
                "memory, \(unit)",
                [series("resident", "resident_bytes", 1 / bytes), series("anonymous", "anonymous_bytes", 1 / bytes)]
                    .compactMap(\.self), startsAtZero: true),
            .init("power, W", [series("processor", "power")].compactMap(\.self), startsAtZero: true),
        ]
        timeline.missing = DeviceReading.Sensor.allCases.map(\.rawValue).filter { missing?.contains($0) == true }
            .map { $0.replacing("_", with: " ") }
        return timeline
    }

    private mutating func add(device: JSONValue) {
        if let named = device["missing"]?.asArray?.compactMap(\.asString) {
            missing = missing?.intersection(named) ?? Set(named)
        }
        let temperatures = device["temperatures"]?.asArray ?? []
        for kind in DeviceReading.Temperature.Kind.allCases {
            let found = temperatures.first { $0["kind"]?.asString == kind.rawValue }
            put(kind.rawValue, found?["celsius"]?.asDouble)
        }
        for key in [
            "battery_level", "frequency_mhz", "memory_pressure_some", "memory_pressure_full", "resident_bytes",
            "anonymous_bytes",
        ] { put(key, device[key]?.asDouble) }
        guard let seconds = device["seconds"]?.asDouble, let joules = device["energy_joules"]?.asDouble else {
            lastEnergy = nil
            return put("power", nil)
        }
        if let lastEnergy {
            guard seconds - lastEnergy.seconds > 1e-3 else { return }
            put("power", max(0, joules - lastEnergy.joules) / (seconds - lastEnergy.seconds))
        }
        lastEnergy = (seconds, joules)
    }

    /// Adds a value, or a gap to a line that has begun.
    private mutating func put(_ key: String, _ value: Double?) {
        guard value != nil || values[key] != nil else { return }
        values[key, default: []].append(Moment(seconds: now, value: value))
    }

    private mutating func endRest() {
        if let restSince { timeline.rests.append(.init(from: restSince, to: now)) }
        restSince = nil
    }

    private mutating func tell(_ event: JSONValue, _ what: String, _ why: String) {
        timeline.transitions.append(
            .init(
                seconds: now, time: event["time"]?.asString ?? "", step: event["step"]?.asInt, what: what, why: why))
    }

}

/// The `time` of an event.
enum EventTime {
    /// Seconds since 1970; nil for what is no UTC time, with a fraction or without.
    static func seconds(_ text: String) -> Double? {
        let styles = [true, false].map { Date.ISO8601FormatStyle(includingFractionalSeconds: $0) }
        return styles.lazy.compactMap { try? Date(text, strategy: $0) }.first?.timeIntervalSince1970
    }

    static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
