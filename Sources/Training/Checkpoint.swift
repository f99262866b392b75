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
///                     step has been validated, the best step's masters; tensors in the scope's order. Moments in
///                     eight bits: the scales of their blocks in f32, then the codes, padded to whole words
/// ```
/// It holds no text and no time: the same run writes the same bytes.
public struct Checkpoint: Sendable {
    public static let version = 1
    static let recordFile = "checkpoint.json"
    static let stateFile = "state.f32"

    /// A trained tensor: its name in the base and its number of values; four-byte words of one of its moments, and how
    /// many of them, from the first on, are f32 numbers. Without moments, or with moments in f32, these are as many.
    struct Tensor: Equatable, Sendable {
        let name: String
        let count: Int
        let momentWords: Int
        let momentNumbers: Int

        init(name: String, count: Int, momentWords: Int? = nil, momentNumbers: Int? = nil) {
            self.name = name
            self.count = count
            self.momentWords = momentWords ?? count
            self.momentNumbers = momentNumbers ?? count
        }
    }

    /// A run of words in `state.f32`, the first `numbers` of which are f32 values.
    struct Run: Equatable, Sendable {
        let name: String
        let words: Int
        let numbers: Int
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

    /// What `state.f32` holds, in its order, with names for messages.
    var runs: [Run] {
        var runs = tensors.map { Run(name: $0.name, words: $0.count, numbers: $0.count) }
        for moment in 0..<momentsPerTensor {
            runs += tensors.map {
                Run(name: "moment \(moment + 1) of \($0.name)", words: $0.momentWords, numbers: $0.momentNumbers)
            }
        }
        if hasBest { runs += tensors.map { Run(name: "best \($0.name)", words: $0.count, numbers: $0.count) } }
        return runs
    }

    /// The bytes of `count` words that follow `offset` words.
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
