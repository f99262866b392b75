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
        /// Bytes before the tensors' data differ that the root does not stand for: other records, the table of tensors.
        case header
        /// The path leads to another file (device or inode).
        case replaced
        /// The file has another length.
        case resized
        /// The file's times differ: it was written to, or its name, rights or links were changed.
        case touched
        /// The path leads to no readable file.
        case missing
        /// A page of the map did not come: the file was cut, or its medium is gone.
        case unreadable = "bus_error"
        /// Something inside the process tried to write into the map, which refused it.
        case written = "write_fault"
        /// Something that was made from sealed bytes and kept for later steps differs.
        case derived
    }

    public let kind: Kind
    /// Where the base lies: for the person at this machine alone. No other member holds it or a part of it.
    public let path: String
    /// The damaged tensor, or the one that a touched byte lies in or a buffer was made from; nil when there is none.
    public let tensor: String?
    /// The damaged chunk's first byte in the file; for metadata, the first sealed record's; for a buffer in memory, that of
    /// the tensor it was made from, or 0.
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
        case .header:
            return "The file's header changed: \(place) should have SHA-256 \(expected), but have \(actual)."
        case .touched:
            return
                "\(file) was written to, renamed or given other rights or links: it should be \(expected), but is \(actual)."
        case .replaced: return "\(file) is now another file: it should be \(expected), but is \(actual)."
        case .resized: return "\(file) should have \(expected) bytes, but has \(actual)."
        case .missing: return "\(file) can no longer be opened: \(actual)."
        case .unreadable:
            return "Byte \(fileOffset) of \(file)\(inTensor) could no longer be read: the file was cut or its medium "
                + "was gone."
        case .written:
            return "Something in the program tried to write byte \(fileOffset) of \(file)\(inTensor)."
        case .derived:
            return
                "What was made from \(escaped(tensor ?? "")) and kept for later steps changed: its \(byteCount) bytes "
                + "should have SHA-256 \(expected), but have \(actual)."
        }
    }

    private var inTensor: String { tensor.map { " (tensor \(escaped($0)))" } ?? "" }

    /// The violation as the body of a chain row, which may be handed on: the base by its file's name, not by where it
    /// lies.
    public var json: JSONValue {
        var value: JSONValue = [
            "kind": .string(kind.rawValue), "file": .string(path.split(separator: "/").last.map(String.init) ?? ""),
            "fileOffset": .exactly(fileOffset), "bytes": .exactly(byteCount), "expected": .string(expected),
            "actual": .string(actual),
        ]
        if let tensor { value["tensor"] = .string(tensor) }
        if let lastCompleteCheck {
            value["lastCompleteCheck"] = .string(lastCompleteCheck.formatted(.iso8601))
        }
        return value
    }
}
