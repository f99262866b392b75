internal import Bytes
public import Digest

/// A run's whole state after a step, as read and checked: masters, optimiser state, best-so-far and progress.
///
/// A checkpoint is a folder of two files, written whole or not at all:
/// ```
/// checkpoints/step_00000040/
///   checkpoint.json   canonical JSON: progress, the arrays' names and sizes, the digest of state.f32, and, under
///                     "sha256", the SHA-256 of the record without that member
///   state.f32         little-endian f32, no padding: every master, then every moment of the optimiser, then, when a
///                     step has been validated, the best step's masters; tensors in the scope's order
/// ```
/// It holds no text and no time: the same run writes the same bytes.
public struct Checkpoint: Sendable {
    public static let version = 1
    static let recordFile = "checkpoint.json"
    static let stateFile = "state.f32"

    /// A trained tensor: its name in the base and its number of values.
    struct Tensor: Equatable, Sendable {
        let name: String
        let count: Int
    }

    /// Folder of the checkpoint.
    public let path: String
    /// Digest of the run's recipe.
    public let recipe: SHA256Digest
    /// SHA-256 of `checkpoint.json`, which holds that of `state.f32`: names this very state.
    public let digest: SHA256Digest
    let optimizer: String
    let updateCount: Int
    /// Arrays of optimiser state per trained tensor: 2 for AdamW, 0 for SGD.
    let momentsPerTensor: Int
    let tensors: [Tensor]
    let hasBest: Bool
    let progress: TrainingProgress
    let state: ByteRegion

    /// Updates made.
    public var step: Int { progress.step }

    /// Arrays of `state.f32` in their order, with a name for messages.
    var arrays: [Tensor] {
        var arrays = tensors
        for moment in 0..<momentsPerTensor {
            arrays += tensors.map { Tensor(name: "moment \(moment + 1) of \($0.name)", count: $0.count) }
        }
        if hasBest { arrays += tensors.map { Tensor(name: "best \($0.name)", count: $0.count) } }
        return arrays
    }

    /// The bytes of `count` values that follow `offset` values.
    func values(at offset: Int, count: Int) throws(CheckpointError) -> ByteRegion {
        do {
            return try state.subregion(offset: offset * 4, byteCount: count * 4)
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
    }
}

/// What was written.
public struct CheckpointRecord: Equatable, Sendable {
    public let path: String
    public let step: Int
    /// SHA-256 of `checkpoint.json`.
    public let digest: SHA256Digest
    /// Bytes of both files.
    public let byteCount: Int
}
