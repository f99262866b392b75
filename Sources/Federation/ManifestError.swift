public import Adapter
public import Bytes
public import Digest

/// Why a manifest cannot be made, read or believed.
public enum ManifestError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(BytesError)
    case tooLarge(byteCount: Int, limit: Int)
    case notJSON(JSONError)
    /// Another text than RFC 8785 gives for what it says; `offset` is of the first byte that differs.
    case notCanonical(offset: Int)
    case missing(member: String)
    case unknown(member: String)
    case repeated(member: String)
    case malformed(member: String, expected: String)
    case signature(signer: String)
    /// A base that a manifest cannot describe.
    case base(reason: String)
    /// No adapter of that kind can be made for the base.
    case impossibleKind(scope: String, encoding: String, reason: AdapterError)
    /// What is stated, and what the base at hand has.
    case differs(what: String, stated: String, found: String)

    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .tooLarge(let byteCount, let limit):
            "The manifest has \(byteCount) bytes; one has at most \(limit)."
        case .notJSON(let error): "The manifest is not JSON: \(error)"
        case .notCanonical(let offset):
            "The manifest is not in canonical form (RFC 8785): byte \(offset) is not the one that form has there."
        case .missing(let member): "The manifest lacks the member \(member)."
        case .unknown(let member):
            "The manifest has a member \(escaped(member)), which this version of the format does not know."
        case .repeated(let member): "The manifest says the same twice, at \(member)."
        case .malformed(let member, let expected): "The manifest's member \(member) should be \(expected)."
        case .signature(let signer):
            "The manifest was changed or forged: its signature is not \(signer)'s over these bytes."
        case .base(let reason): "A manifest cannot describe this base: \(reason)"
        case .impossibleKind(let scope, let encoding, let reason):
            "No adapter of scope \(scope) in \(encoding) fits this base: \(reason)"
        case .differs(let what, let stated, let found):
            "The manifest is of another base: it states the \(what) \(stated), and the base at hand has \(found)."
        }
    }
}
