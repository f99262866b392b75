internal import Bytes
public import Digest

/// Why a checkpoint cannot be used.
public enum CheckpointError: Error, Equatable, CustomStringConvertible, Sendable {
    /// `reason` names no place.
    case unreadable(path: String, reason: String)
    /// `checkpoint.json` is no record of this format.
    case malformed(path: String, reason: String)
    /// `checkpoint.json` was changed after it was written.
    case recordDigest(path: String, expected: SHA256Digest, found: SHA256Digest)
    case stateSize(path: String, expected: Int, found: Int)
    case stateDigest(path: String, expected: SHA256Digest, found: SHA256Digest)
    case notFinite(path: String, tensor: String, index: Int)
    case recipe(path: String, expected: SHA256Digest, found: SHA256Digest)
    case otherTensors(path: String, expected: String, found: String)

    /// Whether the bytes are not what was written; false where they are whole and belong to another run.
    public var isDamage: Bool {
        switch self {
        case .unreadable, .malformed, .recordDigest, .stateSize, .stateDigest, .notFinite: true
        case .recipe, .otherTensors: false
        }
    }

    public var description: String { sentence { escaped($0, limit: 200) } }

    /// The sentence with the checkpoint's own name for its path: for what may be handed on.
    public var placeless: String {
        sentence { escaped($0.split(separator: "/").last.map(String.init) ?? "") }
    }

    private func sentence(_ shown: (String) -> String) -> String {
        switch self {
        case .unreadable(let path, let reason):
            "The checkpoint \(shown(path)) cannot be read: \(reason)"
        case .malformed(let path, let reason):
            "The checkpoint \(shown(path)) has no valid checkpoint.json: \(reason)"
        case .recordDigest(let path, let expected, let found):
            "The checkpoint \(shown(path)) was changed: its checkpoint.json has the SHA-256 \(found.hex), and it says "
                + "\(expected.hex)."
        case .stateSize(let path, let expected, let found):
            "The checkpoint \(shown(path)) is damaged: its state.f32 has \(found) bytes and should have \(expected)."
        case .stateDigest(let path, let expected, let found):
            "The checkpoint \(shown(path)) is damaged: its state.f32 has the SHA-256 \(found.hex) and should have "
                + "\(expected.hex)."
        case .notFinite(let path, let tensor, let index):
            "The checkpoint \(shown(path)) is not usable: value \(index) of \(escaped(tensor)) is not a finite number."
        case .recipe(let path, let expected, let found):
            "The checkpoint \(shown(path)) belongs to another run: its recipe is \(found.hex), this run's is "
                + "\(expected.hex)."
        case .otherTensors(let path, let expected, let found):
            "The checkpoint \(shown(path)) does not fit this run: it holds \(escaped(found)), and \(escaped(expected)) "
                + "is wanted."
        }
    }
}
