public import Bytes

/// Why a seal cannot be computed, read or guarded. A changed file is a ``SealViolation`` instead.
public enum SealError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file was cut while it was hashed.
    case cut(BytesError)
    /// The file names no `general.architecture`, so its sealed metadata is not defined.
    case noArchitecture
    /// A record or tensor could not be read where the container said it lies.
    case unreadable(item: String, reason: String)
    /// A member of a seal's JSON is missing or not what it should be.
    case malformed(member: String, expected: String)
    /// The entries of a seal do not give the root that it states.
    case rootMismatch(stated: String, computed: String)
    /// The seal describes another file than the one at hand.
    case otherFile(item: String, expected: String, got: String)

    public var description: String {
        switch self {
        case .cut(let error): error.description + "."
        case .noArchitecture: "The file names no general.architecture, so it cannot be sealed."
        case .unreadable(let item, let reason): "\(escaped(item)) cannot be read: \(reason)."
        case .malformed(let member, let expected): "The seal's member \(escaped(member)) should be \(expected)."
        case .rootMismatch(let stated, let computed):
            "The seal states the root \(stated), but its entries give \(computed)."
        case .otherFile(let item, let expected, let got):
            "The seal belongs to another file: \(escaped(item)) should be \(escaped(expected)), but is \(escaped(got))."
        }
    }
}
