// Reading an audit chain: every rule that a chain must keep, each with its own refusal.
// Cutting a chain back to an older signed state leaves a valid chain: only an outside copy of the head shows that.

internal import Bytes
public import Digest

/// A chain whose every row has been checked.
public struct AuditChain: Equatable, Sendable {
    /// No chain is longer: 256 MiB. Readers refuse more and the writer writes no more.
    public static let byteLimit = 256 << 20
    /// Of these, what is kept for the rows that end a run or say why it ends; all others keep out of it.
    static let endRoom = 4 << 20
    /// Most rows of steps that can be told: no such row is shorter than 300 bytes.
    public static let stepLimit = byteLimit / 300

    /// How long a chain may be with a row of this kind at its end.
    package static func byteLimit(after kind: String) -> Int {
        let ends: Set = [
            RowKind.checkpoint, RowKind.export, RowKind.failure, RowKind.pause, RowKind.close, RowKind.sealCheck,
            RowKind.sealViolation, RowKind.result,
        ]
        return ends.contains(kind) ? byteLimit : byteLimit - endRoom
    }

    /// How far the run got, as the chain tells it. Only ``closed`` is a success.
    public enum Status: Equatable, Sendable, CustomStringConvertible {
        case closed
        case paused(step: Int)
        case open

        public var description: String {
            switch self {
            case .closed: "closed"
            case .paused(let step): "paused at \(step)"
            case .open: "open"
            }
        }
    }

    /// The format that this program writes, `chain_version` of the start row. From 2 on the rows of ``RowKind/signed`` are
    /// signed, and what a resume goes on from is in the chain; version 1 names none.
    public static let version = 2

    public let rows: [AuditRow]
    public let status: Status
    /// The format's version, 1 or 2.
    public let version: Int
    /// Who started the run, and signed every pause and the close.
    public let signer: PublicKey
    /// Bytes after the last newline: what a crash left of a row. They are never read as a row.
    public let tornByteCount: Int

    private let passedOver: [Range<Int>]

    private static func passedOver(_ rows: [AuditRow]) -> [Range<Int>] {
        rows.filter { $0.kind == RowKind.resume }.compactMap { row in
            guard let first = row.body["vouched_rows"]?.asInt, first >= 0, first < row.seq else { return nil }
            return first..<row.seq
        }
    }

    /// The hash of the last complete row.
    public var head: SHA256Digest { rows.last?.hash ?? AuditRow.origin }
    public var run: String { rows.first?.run ?? "" }

    /// The body of the latest row of a kind.
    public func latest(_ kind: String) -> JSONValue? { rows.last { $0.kind == kind }?.body }

    /// The body of the first row: what the run set out to do.
    public var start: JSONValue { rows.first?.body ?? .null }

    /// Rows from the first to the last one that is signed; those after it anybody may have written who can write the file.
    public var vouchedRowCount: Int {
        let signed = version >= 2 ? RowKind.signed.union(RowKind.states) : RowKind.states
        return (rows.lastIndex { signed.contains($0.kind) } ?? -1) + 1
    }

    /// Rows that nobody had signed for when a resume came, by their numbers: what they say is not counted. A step among them
    /// was computed again.
    public func isPassedOver(_ row: AuditRow) -> Bool {
        passedOver.contains { $0.contains(row.seq) }
    }

    /// Reads and checks a chain.
    ///
    /// - Parameter head: an outside copy of the head; the chain must end there.
    public static func read(path: String, head: SHA256Digest? = nil) throws(AuditChainError) -> AuditChain {
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(path, limit: byteLimit)
        } catch {
            throw .unreadable("\(error)")
        }
        return try decode(bytes, head: head)
    }

    /// Checks a chain in memory.
    ///
    /// - Complexity: O(*n*).
    public static func decode(_ bytes: [UInt8], head: SHA256Digest? = nil) throws(AuditChainError) -> AuditChain {
        guard bytes.count <= byteLimit else { throw .tooLarge(byteCount: bytes.count, limit: byteLimit) }
        var rows: [AuditRow] = []
        var status = Status.open
        var signer: PublicKey?
        var version = 1
        var order: StepOrder?
        var lineStart = 0
        for end in bytes.indices where bytes[end] == 0x0A {
            let line = rows.count + 1
            let row = try AuditRow(line: bytes[lineStart..<end], number: line)
            lineStart = end + 1
            if let first = rows.first, let last = rows.last {
                guard row.kind != RowKind.start else { throw .secondStart(line: line) }
                guard row.seq == last.seq + 1 else {
                    throw .sequence(line: line, expected: last.seq + 1, found: row.seq)
                }
                guard row.prev == last.hash else { throw .link(line: line, expected: last.hash, found: row.prev) }
                guard row.run == first.run else { throw .otherRun(line: line, expected: first.run, found: row.run) }
            } else {
                guard row.seq == 0 else { throw .sequence(line: line, expected: 0, found: row.seq) }
                guard row.prev == AuditRow.origin else {
                    throw .link(line: line, expected: AuditRow.origin, found: row.prev)
                }
                guard row.kind == RowKind.start else { throw .firstRow(found: row.kind) }
                signer = row.body["signer"]?.asString.flatMap(Hex.decode).flatMap { PublicKey(bytes: $0) }
                guard signer != nil else { throw .notARow(line: line, reason: "it names no signer") }
                version = try Self.version(of: row)
                order = InferenceChain.isTold(byStart: row.body) ? nil : StepOrder(version: version)
            }
            if let signer, version >= 2, RowKind.signed.contains(row.kind) {
                try SignedRow.verify(row, line: line, signer: signer)
            }
            try advance(&status, by: row, line: line, signer: signer)
            try order?.take(row, line: line)
            rows.append(row)
        }
        guard let signer, let last = rows.last else { throw .empty }
        if let head, head != last.hash { throw .head(expected: head, found: last.hash) }
        return AuditChain(
            rows: rows, status: status, version: version, signer: signer, tornByteCount: bytes.count - lineStart,
            passedOver: passedOver(rows))
    }

    private static func version(of start: AuditRow) throws(AuditChainError) -> Int {
        guard let stated = start.body["chain_version"] else { return 1 }
        guard let number = stated.asInt, number == version else { throw .version(found: stated.asInt) }
        return number
    }

    private static func advance(
        _ status: inout Status, by row: AuditRow, line: Int, signer: PublicKey?
    ) throws(AuditChainError) {
        switch status {
        case .closed: throw .afterClose(line: line)
        case .paused:
            if row.kind == RowKind.recovery { return }
            guard row.kind == RowKind.resume else { throw .afterPause(line: line, found: row.kind) }
        case .open: break
        }
        switch row.kind {
        case RowKind.close:
            _ = try SignedState.verify(row, line: line, signer: signer)
            status = .closed
        case RowKind.pause:
            status = .paused(step: try SignedState.verify(row, line: line, signer: signer))
        default:
            status = .open
        }
    }
}

/// The kinds that rules attach to; other rows may have any kind.
public enum RowKind {
    public static let start = "start"
    public static let step = "step"
    public static let validation = "validation"
    public static let resume = "resume"
    public static let recovery = "recovery"
    public static let checkpoint = "checkpoint"
    public static let sealCheck = "seal_check"
    public static let sealViolation = "seal_violation"
    public static let export = "export"
    /// The run's figures, right before its close.
    public static let result = "result"
    /// Why there is no further step; a resume may go on after it.
    public static let failure = "failure"
    public static let pause = "pause"
    public static let close = "close"

    /// Kinds whose rows carry a signature of their own; there are few of them, however many steps a run has.
    static let signed: Set = [start, resume, checkpoint, sealViolation, failure]
    /// Kinds whose body is a signed state.
    static let states: Set = [pause, close]
}
