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
    private let listener: any RunListener
    /// Of the file as this process knows it: what somebody else does to it is not vouched for.
    private var hasher = SHA256Hasher()
    private let losses: LossRecord

    /// Opens the file, or makes it; a last line that a crash tore is cut off.
    init(path: String, listener: any RunListener, losses: LossRecord) throws {
        file = try AppendFile(path: path)
        if file.byteCount > 0 {
            let bytes = try WholeFile.read(path, limit: RunHistory.limit)
            let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            try file.truncate(to: whole)
            hasher.update(Array(bytes.prefix(whole)))
        }
        self.listener = listener
        self.losses = losses
    }

    /// Bytes of the file so far.
    var byteCount: Int { file.byteCount }
    /// Bytes of the most that is read, kept for the events that end a run.
    private static let endRoom = 4 << 20

    /// Adds the time, UTC to the millisecond, and writes one line; nothing is lost if the process dies after it.
    func emit(_ name: String, _ members: [String: JSONValue]) throws {
        try write(name, members)
        listener.event(name, members)
    }

    /// Writes one line without telling the listener yet.
    ///
    /// The file may be handed on, so it does not say where the run's folder stands, nor losses finer than the run tells
    /// them: the listener alone learns both.
    func write(_ name: String, _ members: [String: JSONValue]) throws {
        var object = losses.recorded(members)
        object["out"] = nil
        for place in ["adapter", "report"] {
            if let path = object[place]?.asString { object[place] = .string(path.lastComponent) }
        }
        object["event"] = .string(name)
        object["time"] = .string(EventTime.text(Date()))
        let line = JSONValue.object(object).canonicalBytes + [0x0A]
        let ends = ["checkpoint", "paused", "seal_violation", "run_finished"]
        let room = ends.contains(name) ? 0 : Self.endRoom
        try file.append(line, within: RunHistory.limit - room)
        hasher.update(line)
    }

    /// Tells the listener alone, of an event that the file holds already.
    func tell(_ name: String, _ members: [String: JSONValue]) { listener.event(name, members) }

    /// Length and SHA-256 of the file so far, for a signed row of the chain: from there on no line before it can be
    /// edited. Returns once they are on the medium.
    func mark() throws -> [String: JSONValue] {
        try file.sync()
        return [
            "events_bytes": .exactly(file.byteCount), "events_sha256": .string(hasher.digestSoFar.hex),
        ]
    }

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
