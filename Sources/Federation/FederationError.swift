// Why a round of a federation comes to nothing, one case each, one sentence each.

internal import Bytes
public import Digest

/// Why adapters cannot be aggregated, or a record of an aggregation cannot be read or believed.
public enum FederationError: Error, Equatable, CustomStringConvertible, Sendable {
    // What the operator gave
    case roundName(String)
    case rosterUnreadable(path: String, reason: String)
    case rosterLine(path: String, line: Int)
    case rosterEmpty(path: String)
    case folder(path: String)
    /// A trimmed mean that leaves hostile values in, or leaves out nothing but them.
    case trim(trim: Int, faults: Int)
    case parameter(name: String, method: String)
    case unusedParameter(name: String, method: String)

    // The round
    case tooFew(accepted: Int, needed: Int, faults: Int, refused: Int)
    case roundRecorded(round: String)
    /// A file is not any more what was verified a moment ago.
    case changed(path: String)
    /// The aggregate itself breaks a rule of the wire format: a mistake of this program.
    case unusable(reason: String)

    // Records
    case envelope(DSSEError)
    case payloadType(String)
    case record(member: String, expected: String)
    /// Where the accepted adapters are wanted again, and one is not among the files at hand.
    case missing(contentID: SHA256Digest)

    public var description: String {
        switch self {
        case .roundName(let name):
            "“\(escaped(name))” is no name of a round: 1 to 64 of the letters a to z and A to Z, digits, and . _ - are."
        case .rosterUnreadable(let path, let reason):
            "The roster “\(escaped(path, limit: 200))” cannot be used: \(asSentence(reason))"
        case .rosterLine(let path, let line):
            "Line \(line) of the roster “\(escaped(path, limit: 200))” is no fingerprint: SHA256: and 64 lower-case "
                + "hexadecimal digits, with an optional remark after #."
        case .rosterEmpty(let path): "The roster “\(escaped(path, limit: 200))” names nobody."
        case .folder(let path): "The folder “\(escaped(path, limit: 200))” cannot be listed."
        case .trim(let trim, let faults):
            "A trimmed mean that leaves out \(trim) at each end is not safe against \(faults) hostile adapters: --trim must be at "
                + "least --faults."
        case .parameter(let name, let method): "The parameter \(name) of the method \(method) cannot be that."
        case .unusedParameter(let name, let method): "The method \(method) has no --\(name)."
        case .tooFew(let accepted, let needed, let faults, let refused):
            "\(accepted) adapters were accepted and \(refused) refused; with --faults \(faults) this round needs at "
                + "least \(needed), so nothing is aggregated."
        case .roundRecorded(let round):
            "The round \(escaped(round)) has a record already; a round is aggregated once."
        case .changed(let path):
            "The file “\(escaped(path, limit: 200))” changed after it was verified, so nothing is aggregated."
        case .unusable(let reason): "The aggregate would not be a valid adapter: \(asSentence(reason))"
        case .envelope(let error): error.description
        case .payloadType(let found):
            "The record's payload type is “\(escaped(found))”; it must be “\(AggregationRecord.payloadType)”."
        case .missing(let contentID):
            "The accepted adapter \(contentID.hex) is not among the files at hand, or does not pass verification."
        case .record(let member, let expected): "The record's member \(member) should be \(expected)."
        }
    }
}
