public import Conventions
internal import Bytes
public import Digest

/// Why an interrupted run cannot go on.
public enum ResumeError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case badRecord(path: String, reason: String)
    case recordChanged(path: String, expected: String, found: SHA256Digest)
    /// There are checkpoints, and no chain that vouches for them.
    case noChain(folder: String)
    case closed(folder: String)
    /// The run came to its end, and what it exported is not there as its chain records it.
    case exportLost(path: String, expected: String, found: SHA256Digest?)
    case inUse(folder: String)
    case otherSigner(expected: String, found: String)
    case otherBase(path: String, expected: SHA256Digest, found: SHA256Digest, tensor: String?)
    /// What could be read when the run was started is cut or no longer a model file.
    case unreadableBase(path: String, reason: String, lostTensor: String?)
    /// The path led to another file after its bytes had been checked.
    case baseReplaced(path: String)
    case otherCorpus(name: String, expected: SHA256Digest, found: SHA256Digest)
    case otherKernels(expected: String, found: String)
    case otherRecipe(expected: SHA256Digest, found: SHA256Digest)
    /// A checkpoint that is whole, and is not the one that the chain records.
    case otherCheckpoint(path: String, expected: String, found: SHA256Digest)

    public var exitStatus: ExitStatus {
        switch self {
        case .inUse, .closed: .usage
        default: .mismatch
        }
    }

    public var description: String {
        switch self {
        case .badRecord(let path, let reason):
            "The run's record \(shown(path)) cannot be used: \(reason)"
        case .recordChanged(let path, let expected, let found):
            "\(shown(path)) was changed: its SHA-256 is \(found.hex), and the chain records \(escaped(expected))."
        case .noChain(let folder):
            "The run in \(shown(folder)) has checkpoints but no audit chain that vouches for them; start a new run."
        case .closed(let folder):
            "The run in \(shown(folder)) came to its end; there is nothing to go on with."
        case .exportLost(let path, let expected, let found):
            "The run came to its end, and \(shown(path)), whose SHA-256 its chain records as \(escaped(expected)), "
                + (found.map { "has the SHA-256 \($0.hex)." } ?? "cannot be read.")
        case .inUse(let folder):
            "The run in \(shown(folder)) is under way in another process; stop that one first."
        case .otherSigner(let expected, let found):
            "The run was started by the signer \(escaped(expected)), and the identity at hand is \(found)."
        case .otherBase(let path, let expected, let found, let tensor):
            "The base \(shown(path)) is not the one that the run was started on: its root is \(found.hex), the run's is "
                + "\(expected.hex)\(tensor.map { "; the first tensor that differs is \(escaped($0))" } ?? "")."
        case .unreadableBase(let path, let reason, let lost):
            "The base \(shown(path)) is not the one that the run was started on: "
                + (reason.hasSuffix(".") ? String(reason.dropLast()) : reason)
                + "\(lost.map { "; the first tensor that is missing bytes is \(escaped($0))" } ?? "")."
        case .baseReplaced(let path):
            "The base \(shown(path)) was replaced by another file while it was checked; resume again."
        case .otherCorpus(let name, let expected, let found):
            "The corpus \(escaped(name)) is not the one that the run was started on: its id is \(found.hex), the run's "
                + "is \(expected.hex)."
        case .otherKernels(let expected, let found):
            "The run was started on the kernel path \"\(escaped(expected))\" and this is \"\(escaped(found))\", where "
                + "losses may differ in their last bits; --allow-other-kernels goes on all the same and records it."
        case .otherRecipe(let expected, let found):
            "The run's options add up to the recipe \(found.hex), and its record says \(expected.hex)."
        case .otherCheckpoint(let path, let expected, let found):
            "The checkpoint \(shown(path)) is not the one that the chain records: its SHA-256 is \(found.hex), recorded "
                + "is \(escaped(expected))."
        }
    }

    private func shown(_ path: String) -> String { escaped(path, limit: 200) }
}
