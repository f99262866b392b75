public import Conventions
internal import Bytes
public import Digest

/// Why an interrupted run cannot go on.
public enum ResumeError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case badRecord(path: String, reason: String)
    case recordChanged(path: String, expected: String, found: SHA256Digest)
    /// There are checkpoints, and no chain that vouches for them.
    case noChain(folder: String)
    /// Nothing in the chain is signed yet, as in a run of an earlier version that was killed.
    case unsignedChain(folder: String)
    /// A checkpoint of which the chain holds no row; the step of the newest one of which it does.
    case unvouchedCheckpoint(path: String, older: Int?)
    /// A closed run whose files differ from its chain; the verdict's sentence.
    case evidence(folder: String, reason: String)
    /// A row that nobody signed for tells of a step that the run does not make there.
    case strayRow(line: Int, kind: String, step: Int)
    /// A step, computed again, is not what the chain says of it.
    case otherStep(step: Int, member: String, recorded: String, computed: String)
    /// The events that a signed row vouches for are not there.
    case eventsChanged(path: String, byteCount: Int)
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
            "The run in \(shown(folder)) has no audit chain, so nothing vouches for what is in it; start a new run."
        case .unsignedChain(let folder):
            "The audit chain of the run in \(shown(folder)) is of an earlier version and vouches for no state to go on from; "
                + "start a new run."
        case .unvouchedCheckpoint(let path, let older):
            "The audit chain holds no row of the checkpoint \(shown(path)): its row was cut off, or the checkpoint was put "
                + "there, so it is not believed. Remove that folder to compute again from "
                + (older.map { "the checkpoint of step \($0)." } ?? "the start.")
        case .evidence(let folder, let reason):
            "The run in \(shown(folder)) came to its end, and nothing more is signed in it, since its evidence does not hold: "
                + escaped(reason, limit: 600)
        case .strayRow(let line, let kind, let step):
            "Line \(line) of the audit chain, for which nobody signed, is a “\(escaped(kind))” of step \(step), which the run does not "
                + "make there: it was put there."
        case .otherStep(let step, let member, let recorded, let computed):
            "Step \(step), computed again, has the \(member) \(escaped(computed)), and the audit chain says \(escaped(recorded)): its "
                + "rows after the last signature were edited, or this machine computes differently."
        case .eventsChanged(let path, let byteCount):
            "\(shown(path)) was changed: its first \(byteCount) bytes are not those that a signed row of the audit chain records."
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
