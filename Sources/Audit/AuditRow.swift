// One line of the audit chain, and the only bytes it may have.

internal import Bytes
public import Digest

/// A row of `audit.jsonl`: canonical JSON (RFC 8785) on one line.
///
///     {"body":{…},"hash":hex,"kind":text,"prev":hex,"run":text,"seq":integer,"time":text}
///
/// `hash` is the SHA-256 of the canonical JSON of every other member; `prev` is the hash of the row before, 64 zeros in
/// the first. Numbers with a fraction, and integers from 2⁵³ on, are strings: no reader can round them.
public struct AuditRow: Equatable, Sendable {
    public let seq: Int
    /// UTC, `2026-01-31T12:00:00Z`.
    public let time: String
    public let run: String
    public let kind: String
    public let body: JSONValue
    public let prev: SHA256Digest
    public let hash: SHA256Digest

    /// The `prev` of the first row: 64 zeros.
    public static let origin = SHA256Digest(bytes: repeatElement(0, count: 32)) ?? SHA256Digest.of([])

    package init(seq: Int, time: String, run: String, kind: String, body: JSONValue, prev: SHA256Digest) {
        self.seq = seq
        self.time = time
        self.run = run
        self.kind = kind
        self.body = Self.exact(body)
        self.prev = prev
        hash = Self.hash(
            Self.members(seq: seq, time: time, run: run, kind: kind, body: self.body, prev: prev))
    }

    /// Reads line `line` (from 1) without its newline; whether it follows its predecessor is the chain's business.
    init(line bytes: ArraySlice<UInt8>, number line: Int) throws(AuditChainError) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(Array(bytes))
        } catch {
            throw .notARow(line: line, reason: "\(error)")
        }
        guard let members = value.asObject,
            Set(members.keys) == ["body", "hash", "kind", "prev", "run", "seq", "time"],
            let seq = members["seq"]?.asInt, let time = members["time"]?.asString,
            let run = members["run"]?.asString, let kind = members["kind"]?.asString,
            let body = members["body"], body.asObject != nil,
            let prev = members["prev"]?.asString.flatMap(SHA256Digest.init(hex:)),
            let hash = members["hash"]?.asString.flatMap(SHA256Digest.init(hex:))
        else { throw .notARow(line: line, reason: "it does not hold exactly the members of a row") }
        self.init(seq: seq, time: time, run: run, kind: kind, body: body, prev: prev)
        guard self.hash == hash else { throw .hash(line: line, expected: self.hash, found: hash) }
        guard encoded.dropLast().elementsEqual(bytes) else { throw .notCanonical(line: line) }
    }

    /// The row's line, its newline included.
    public var encoded: [UInt8] {
        var members = Self.members(seq: seq, time: time, run: run, kind: kind, body: body, prev: prev)
        members["hash"] = .string(hash.hex)
        return JSONValue.object(members).canonicalBytes + [0x0A]
    }

    private static func members(
        seq: Int, time: String, run: String, kind: String, body: JSONValue, prev: SHA256Digest
    ) -> [String: JSONValue] {
        [
            "seq": .exactly(seq), "time": .string(time), "run": .string(run), "kind": .string(kind), "body": body,
            "prev": .string(prev.hex),
        ]
    }

    private static func hash(_ members: [String: JSONValue]) -> SHA256Digest {
        SHA256Digest.of(JSONValue.object(members).canonicalBytes)
    }

    /// The value with every number that a reader could round written as a string.
    static func exact(_ value: JSONValue) -> JSONValue {
        switch value {
        case .integer(let integer): .exactly(integer)
        case .number(let number): .string("\(number)")
        case .array(let items): .array(items.map(exact))
        case .object(let members): .object(members.mapValues(exact))
        case .null, .bool, .string: value
        }
    }
}
