public import Digest
public import TensorCore

/// A window that something is kept for.
public struct WindowPlace: Hashable, Sendable, CustomStringConvertible {
    public enum Part: String, Sendable {
        case training, validation
    }

    public let part: Part
    /// Index among the windows of its part.
    public let index: Int

    public init(part: Part, index: Int) {
        self.part = part
        self.index = index
    }

    /// What is kept for it, for people and for the chain.
    public var description: String { "the frozen layers for \(part.rawValue) window \(index)" }
}

/// An output of the frozen layers that is kept in memory, with the digest that it had when it was made.
public struct KeptOutput: Sendable {
    public let place: WindowPlace
    /// The live matrix.
    public let values: Matrix
    public let digest: SHA256Digest

    init(place: WindowPlace, values: Matrix) {
        self.place = place
        self.values = values
        digest = Self.digest(of: values)
    }

    static func digest(of values: Matrix) -> SHA256Digest {
        values.withSpan { span in unsafe SHA256Digest.of(span.bytes) }
    }
}

/// An output of the frozen layers came back from its file other than it was written; it was not used.
public struct KeptOutputChanged: Error, Equatable, Sendable, CustomStringConvertible {
    public let place: WindowPlace
    public let byteCount: Int
    public let expected: SHA256Digest
    public let actual: SHA256Digest

    public var description: String {
        "The output of \(place) came back from its file changed: its \(byteCount) bytes should have SHA-256 "
            + "\(expected.hex), but have \(actual.hex)."
    }
}
