internal import Bytes
internal import Conventions
internal import Device
internal import Digest
internal import Foundation

/// A run's events in the forms that other tools read.
///
/// The events are those that the run's chain vouches for, as far as it does: a run whose files differ from its chain is
/// not exported. What a reading did not tell stays empty.
public struct TelemetryExport {
    public enum Format: String, CaseIterable, Sendable {
        /// One line per event (RFC 4180), an empty cell where there is nothing.
        case csv
        /// A folder with one TensorBoard event file; of a step that was made twice, across a kill, the last.
        case tensorboard
    }

    private let events: [JSONValue]

    /// Reads and checks the run, open and paused ones too.
    ///
    /// - Throws: what ``RunReportBuilder/init(runFolder:)`` throws.
    public init(runFolder: String) throws { events = try RunReportBuilder(runFolder: runFolder).events }

    /// Writes a new file, or for TensorBoard a new folder.
    ///
    /// - Returns: the file written, and how many events or scalars are in it.
    public func write(_ format: Format, to path: String) throws -> (path: String, count: Int) {
        switch format {
        case .csv:
            let (text, count) = csv
            try AtomicFile.write(Array(text.utf8), to: path, mode: 0o600)
            return (path, count)
        case .tensorboard:
            let (file, begin, count) = tensorBoard
            // TensorBoard knows its files by this name.
            let name = "events.out.tfevents.\(Int(begin)).polymath"
            try AtomicFolder.write(to: path, mode: 0o700) { place in
                try AtomicFile.write(file.bytes, to: place + "/" + name, mode: 0o600)
            }
            return (path + "/" + name, count)
        }
    }

    // MARK: CSV

    private static let eventColumns = [
        "time", "event", "step", "loss", "learning_rate", "grad_norm", "num_tokens", "tokens_per_second", "best",
        "rested_seconds", "seconds", "share", "reason", "why", "value", "limit", "high", "signal", "after",
    ]
    private static let deviceColumns = [
        "battery_level", "external_power", "frequency_mhz", "frequency_cap", "throttle_events", "memory_pressure_some",
        "memory_pressure_full", "user_present", "energy_joules", "resident_bytes", "anonymous_bytes", "minute_of_day",
    ]
    private static let temperatureColumns = DeviceReading.Temperature.Kind.allCases.map { "temperature_\($0.rawValue)" }

    private var csv: (String, Int) {
        let header = Self.eventColumns + Self.temperatureColumns + Self.deviceColumns + ["missing"]
        let rows = events.map { event -> [String] in
            let device = event["device"]
            let missing = (device?["missing"]?.asArray ?? []).compactMap(\.asString).joined(separator: " ")
            return Self.eventColumns.map { Self.cell(event[$0]) }
                + DeviceReading.Temperature.Kind.allCases.map { Self.cell(Self.celsius($0, device)) }
                + Self.deviceColumns.map { Self.cell(device?[$0]) } + [Self.cell(.string(missing))]
        }
        return (([header] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined(), rows.count)
    }

    private static func celsius(_ kind: DeviceReading.Temperature.Kind, _ device: JSONValue?) -> JSONValue? {
        device?["temperatures"]?.asArray?.first { $0["kind"]?.asString == kind.rawValue }?["celsius"]
    }

    /// A value as a cell; text that a spreadsheet would take for a formula gets an apostrophe before it.
    private static func cell(_ value: JSONValue?) -> String {
        guard let value, value != .null else { return "" }
        guard var text = value.asString else { return value.canonicalString }
        if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) { text = "'" + text }
        guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    // MARK: TensorBoard

    private static let stepTags = [
        ("loss", "train/loss"), ("learning_rate", "train/learning_rate"), ("grad_norm", "train/grad_norm"),
        ("tokens_per_second", "train/tokens_per_second"), ("rested_seconds", "train/rested_seconds"),
        ("peak_memory_bytes", "memory/peak_bytes"),
    ]
    private static let validationTags = [("loss", "validation/loss"), ("perplexity", "validation/perplexity")]
    private static let deviceTags = [
        "battery_level", "frequency_mhz", "frequency_cap", "memory_pressure_some", "memory_pressure_full",
        "energy_joules", "resident_bytes", "anonymous_bytes",
    ]

    private var tensorBoard: (TensorBoardFile, begin: Double, count: Int) {
        let begin = events.lazy.compactMap { $0["time"]?.asString.flatMap(EventTime.seconds) }.first ?? 0
        var file = TensorBoardFile(begin: begin)
        var count = 0
        var last: [String: Int] = [:]
        for (index, event) in events.enumerated() { Self.key(event).map { last[$0] = index } }
        for (index, event) in events.enumerated() {
            guard let key = Self.key(event), last[key] == index, let step = event["step"]?.asInt,
                let time = event["time"]?.asString.flatMap(EventTime.seconds)
            else { continue }
            let scalars = Self.scalars(event)
            file.add(time: time, step: step, scalars)
            count += scalars.count
        }
        return (file, begin, count)
    }

    /// What an event tells of, so that a later telling takes its place.
    private static func key(_ event: JSONValue) -> String? {
        guard let name = event["event"]?.asString, ["step", "validation"].contains(name),
            let step = event["step"]?.asInt
        else { return nil }
        return "\(name) \(step)"
    }

    private static func scalars(_ event: JSONValue) -> [(tag: String, value: Double)] {
        let tags = event["event"]?.asString == "step" ? stepTags : validationTags
        var scalars = tags.map { ($0.1, event[$0.0]?.asDouble) }
        if let device = event["device"] {
            scalars += DeviceReading.Temperature.Kind.allCases.map {
                ("device/temperature_\($0.rawValue)", celsius($0, device)?.asDouble)
            }
            scalars += deviceTags.map { ("device/\($0)", device[$0]?.asDouble) }
        }
        return scalars.compactMap { tag, value in value.map { (tag, $0) } }
    }
}
