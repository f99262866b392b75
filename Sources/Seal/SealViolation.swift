import Bytes
public import Digest
public import Foundation

/// A sealed base is no longer what it was: what changed, where, and since when that may be.
public struct SealViolation: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: String, Equatable, Sendable {
        /// Bytes of a tensor differ.
        case tensor
        /// Bytes of a sealed metadata record differ.
        case metadata
        /// The path leads to another file (device or inode).
        case replaced
        /// The file has another length.
        case resized
        /// The path leads to no readable file.
        case missing
    }

    public let kind: Kind
    public let path: String
    /// The damaged tensor; nil unless ``kind`` is `tensor`.
    public let tensor: String?
    /// The damaged chunk's first byte in the file; for metadata, the first sealed record's.
    public let fileOffset: Int
    /// The damaged chunk's length. Which byte of it differs is not known.
    public let byteCount: Int
    /// The digest that was sealed; for the other kinds the identity or length that was recorded.
    public let expected: String
    public let actual: String
    /// When the newest complete check that passed began; nil when there was none.
    public let lastCompleteCheck: Date?

    public var description: String {
        let file = "'\(escaped(path))'"
        let place = "\(byteCount) bytes at offset \(fileOffset) of \(file)"
        switch kind {
        case .tensor:
            return
                "Tensor \(escaped(tensor ?? "")) changed: \(place) should have SHA-256 \(expected), but have \(actual)."
        case .metadata: return "Sealed metadata changed: \(place) should have SHA-256 \(expected), but have \(actual)."
        case .replaced: return "\(file) is now another file: it should be \(expected), but is \(actual)."
        case .resized: return "\(file) should have \(expected) bytes, but has \(actual)."
        case .missing: return "\(file) can no longer be opened: \(actual)."
        }
    }

    /// The violation as the body of a chain row.
    public var json: JSONValue {
        var value: JSONValue = [
            "kind": .string(kind.rawValue), "path": .string(path), "fileOffset": .exactly(fileOffset),
            "bytes": .exactly(byteCount), "expected": .string(expected), "actual": .string(actual),
        ]
        if let tensor { value["tensor"] = .string(tensor) }
        if let lastCompleteCheck {
            value["lastCompleteCheck"] = .string(lastCompleteCheck.formatted(.iso8601))
        }
        return value
    }
}
