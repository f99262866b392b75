internal import Bytes
public import Digest
internal import Foundation
public import Seal

/// Receives a run's events as they happen. Members are those of the design's section 7.
public protocol RunListener: AnyObject {
    func event(_ name: String, _ members: [String: JSONValue])
    /// Work between events that takes long enough to be shown.
    func progress(_ title: String, done: Int, of total: Int)
    /// Where a fault in the base's map is told, by a signal handler that can no longer call anybody; nil is silent.
    var faultOutput: FaultOutput? { get }
}

extension RunListener {
    public var faultOutput: FaultOutput? { nil }
}

/// Writes every event to `events.jsonl` and hands it to the listener.
final class RunEvents {
    private let file: AppendFile
    private let path: String
    private let listener: any RunListener

    /// Opens the file, or makes it; a last line that a crash tore is cut off.
    init(path: String, listener: any RunListener) throws {
        file = try AppendFile(path: path)
        if file.byteCount > 0 {
            let bytes = try WholeFile.read(path, limit: RunHistory.limit)
            try file.truncate(to: bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
        }
        self.path = path
        self.listener = listener
    }

    /// Bytes of the most that is read, kept for the events that end a run.
    private static let endRoom = 4 << 20

    /// Adds the time, UTC to the millisecond, and writes one line; nothing is lost if the process dies after it.
    ///
    /// The file may be handed on, so it does not say where the run's folder stands: the listener alone is told.
    func emit(_ name: String, _ members: [String: JSONValue]) throws {
        var object = members
        object["out"] = nil
        for place in ["adapter", "report"] {
            if let path = object[place]?.asString { object[place] = .string(path.lastComponent) }
        }
        object["event"] = .string(name)
        object["time"] = .string(EventTime.text(Date()))
        let ends = ["checkpoint", "paused", "seal_violation", "run_finished"]
        let room = ends.contains(name) ? 0 : Self.endRoom
        try file.append(JSONValue.object(object).canonicalBytes + [0x0A], within: RunHistory.limit - room)
        listener.event(name, members)
    }

    /// Length and SHA-256 of the file so far, for a row of the chain: from there on no line before it can be edited.
    func mark() throws -> [String: JSONValue] {
        try file.sync()
        let bytes = try WholeFile.read(path, limit: RunHistory.limit)
        return [
            "events_bytes": .exactly(bytes.count), "events_sha256": .string(SHA256Digest.of(bytes).hex),
        ]
    }

    /// Returns once every line so far is on the medium.
    func sync() throws { try file.sync() }

    /// Tells the listener alone, of an event that the file holds already.
    func tellAgain(_ name: String, _ members: [String: JSONValue]) { listener.event(name, members) }

    func progress(_ title: String, done: Int, of total: Int) { listener.progress(title, done: done, of: total) }

    static func now() -> String { Date().formatted(.iso8601) }
}

extension JSONValue {
    /// A measured number, or null where it is not finite (JSON has no word for that).
    package static func measured(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        return .number(value)
    }

    package static func count(_ value: Int?) -> JSONValue { value.map { .exactly($0) } ?? .null }
}
