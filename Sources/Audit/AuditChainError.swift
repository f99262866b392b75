// What can be wrong with an audit chain. Line numbers count from 1.

internal import Bytes
public import Digest

/// Why an audit chain cannot be believed, or cannot be written.
public enum AuditChainError: Error, Equatable, CustomStringConvertible, Sendable {
    case unreadable(String)
    case tooLarge(byteCount: Int, limit: Int)
    case empty
    case notARow(line: Int, reason: String)
    case notCanonical(line: Int)
    case hash(line: Int, expected: SHA256Digest, found: SHA256Digest)
    case link(line: Int, expected: SHA256Digest, found: SHA256Digest)
    case sequence(line: Int, expected: Int, found: Int)
    case otherRun(line: Int, expected: String, found: String)
    case firstRow(found: String)
    case secondStart(line: Int)
    case afterClose(line: Int)
    case afterPause(line: Int, found: String)
    case signedState(line: Int, reason: String)
    /// A row of a kind that must be signed, and is not.
    case unsignedRow(line: Int, kind: String)
    case version(found: Int?)
    /// A row of another step than the one that must follow; `found` is nil where it names none.
    case stepOrder(line: Int, kind: String, expected: Int, found: Int?)
    /// A resume from a step that has no checkpoint in the chain, or that lies ahead of it.
    case resumePoint(line: Int, step: Int?, reached: Int)
    case signature(line: Int, signer: String)
    case otherSigner(line: Int, expected: String, found: String)
    case head(expected: SHA256Digest, found: SHA256Digest)
    case alreadyClosed
    case alreadyStarted(path: String)
    case kindIsReserved(String)
    case writing(String)

    public var description: String {
        switch self {
        case .unreadable(let reason): reason
        case .tooLarge(let byteCount, let limit):
            "The audit chain has \(byteCount) bytes; no chain of this format is longer than \(limit)."
        case .empty: "The audit chain holds no complete row."
        case .notARow(let line, let reason): "Line \(line) of the audit chain is no row: \(reason)"
        case .notCanonical(let line):
            "Line \(line) of the audit chain is not written in the one canonical form, so it was edited."
        case .hash(let line, let expected, let found):
            "Line \(line) of the audit chain was edited: its content has the hash \(expected.hex), and it says \(found.hex)."
        case .link(let line, let expected, let found):
            "Line \(line) of the audit chain does not follow the line before: that one is \(expected.hex), and it names \(found.hex)."
        case .sequence(let line, let expected, let found):
            "Line \(line) of the audit chain is numbered \(found) and should be \(expected): rows are missing or were moved."
        case .otherRun(let line, let expected, let found):
            "Line \(line) of the audit chain belongs to the run “\(escaped(found))”, not to “\(escaped(expected))”."
        case .firstRow(let found): "The audit chain begins with a row “\(escaped(found))”; it must begin with “start”."
        case .secondStart(let line): "Line \(line) of the audit chain starts the run a second time."
        case .afterClose(let line): "Line \(line) of the audit chain comes after the run was closed."
        case .afterPause(let line, let found):
            "Line \(line) of the audit chain is “\(escaped(found))”; after a pause only “recovery” or “resume” may follow."
        case .signedState(let line, let reason):
            "The signed state in line \(line) of the audit chain is malformed: \(reason)"
        case .unsignedRow(let line, let kind):
            "Line \(line) of the audit chain is “\(escaped(kind))”, which must carry the signer's signature, and it carries none."
        case .version(let found):
            "The audit chain is of version \(found.map(String.init) ?? "?"); this program reads 1 and \(AuditChain.version)."
        case .stepOrder(let line, let kind, let expected, let found):
            "Line \(line) of the audit chain is a “\(escaped(kind))” of \(found.map { "step \($0)" } ?? "no step"), where one of "
                + "step \(expected) must stand: rows of steps are missing, or were put there."
        case .resumePoint(let line, let step, let reached):
            "Line \(line) of the audit chain goes on from \(step.map { "step \($0)" } ?? "no step"), and the chain, which had come "
                + "to step \(reached), holds no checkpoint of it."
        case .signature(let line, let signer):
            "The signature in line \(line) of the audit chain does not belong to its state and the key \(signer)."
        case .otherSigner(let line, let expected, let found):
            "Line \(line) of the audit chain is signed by \(found), and the run was started by \(expected)."
        case .head(let expected, let found):
            "The audit chain ends at \(found.hex), and the outside copy of its head is \(expected.hex): it was cut back or replaced."
        case .alreadyClosed: "The run is closed: nothing may be added to its audit chain."
        case .alreadyStarted(let path): "“\(escaped(path))” already holds an audit chain; a new run needs a new folder."
        case .kindIsReserved(let kind): "Rows of the kind “\(escaped(kind))” are written by their own functions only."
        case .writing(let reason): reason
        }
    }
}
