internal import Bytes
public import Digest
internal import Foundation
internal import Model
internal import TensorCore

/// The folder of a run's checkpoints: one folder per step in it, each written whole or not at all.
public struct CheckpointStore: Sendable {
    /// For instance `RUN/checkpoints`; made when the first checkpoint is written.
    public let folder: String

    public init(folder: String) { self.folder = folder }

    /// The steps of which there is a checkpoint, ascending; what a crash left half-written is none.
    public var steps: [Int] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { name in
            guard name.hasPrefix("step_"), let step = Int(name.dropFirst(5)), name == Self.name(of: step) else {
                return nil
            }
            return step
        }.sorted()
    }

    public func path(ofStep step: Int) -> String { folder + "/" + Self.name(of: step) }

    /// Removes what a crash left half-written.
    public func removeLeftovers() {
        AtomicFolder.removeLeftovers(in: folder) { $0.hasPrefix("step_") && Int($0.dropFirst(5)) != nil }
    }

    /// Removes all checkpoints but the newest `count` of the good ones; without `good`, every one counts as good.
    public func prune(keeping count: Int = 2, good: Set<Int>? = nil) throws {
        let there = steps
        let kept = Set(there.filter { good?.contains($0) ?? true }.suffix(count))
        for step in there where !kept.contains(step) { try AtomicFolder.remove(path(ofStep: step)) }
    }

    /// Reads and checks the checkpoint of a step.
    ///
    /// - Parameter recipe: the run's; a checkpoint of another is refused.
    /// - Throws: `CheckpointError` unless both files are what was written and every value is finite.
    /// - Complexity: one pass over the bytes to hash them and one to look for values that are no numbers.
    public func read(step: Int, recipe: SHA256Digest) throws(CheckpointError) -> Checkpoint {
        let path = path(ofStep: step)
        let bytes: [UInt8]
        let state: ByteRegion
        do {
            bytes = try WholeFile.read(path + "/" + Checkpoint.recordFile, limit: CheckpointJSON.limit)
            state = try ownCopy(of: path + "/" + Checkpoint.stateFile)
        } catch let error as BytesError {
            throw .unreadable(path: path, reason: error.placeless)
        } catch {
            throw .unreadable(path: path, reason: "its state cannot be copied.")
        }
        let members = try CheckpointJSON.decode(bytes, path: path)
        guard members.progress.step == step else {
            throw .malformed(path: path, reason: "it is of step \(members.progress.step).")
        }
        guard state.byteCount == members.stateByteCount else {
            throw .stateSize(path: path, expected: members.stateByteCount, found: state.byteCount)
        }
        let found = SHA256Digest.of(state)
        guard found == members.stateDigest else {
            throw .stateDigest(path: path, expected: members.stateDigest, found: found)
        }
        guard members.recipe == recipe else { throw .recipe(path: path, expected: recipe, found: members.recipe) }
        let checkpoint = Checkpoint(
            path: path, recipe: members.recipe, digest: SHA256Digest.of(bytes), optimizer: members.optimizer,
            updateCount: members.updateCount, momentsPerTensor: members.momentsPerTensor, tensors: members.tensors,
            hasBest: members.hasBest, progress: members.progress, state: state)
        try Self.checkValues(of: checkpoint)
        return checkpoint
    }

    /// The state's bytes where nobody else can write to them any more: what is hashed must be what is taken up.
    private func ownCopy(of path: String) throws -> ByteRegion {
        let file = try MappedFile(path: path)
        let copy =
            file.byteCount <= Self.copyLimit
            ? ByteRegion(file.region.array) : try NamelessFile.write(in: folder) { try $0.write(file.region) }
        try file.checkWhole()
        return copy
    }

    /// Bytes of a state that is copied into memory; a larger one goes into a file without a name.
    private static let copyLimit = 16 << 20

    private static func checkValues(of checkpoint: Checkpoint) throws(CheckpointError) {
        let runs = checkpoint.runs
        let wanted = runs.reduce(0) { $0 + $1.words } * 4
        guard wanted == checkpoint.state.byteCount else {
            throw .stateSize(path: checkpoint.path, expected: wanted, found: checkpoint.state.byteCount)
        }
        var offset = 0
        for run in runs {
            if let index = try checkpoint.values(at: offset, count: run.numbers).firstNonFiniteFloat {
                throw .notFinite(path: checkpoint.path, tensor: run.name, index: index)
            }
            offset += run.words
        }
    }

    /// Writes the state of `trainer` and returns once it is on the medium under its own name.
    ///
    /// - Parameter vouch: called once both files are on the medium and before anything appears under the checkpoint's
    ///   name: what is to be believed must be told of elsewhere first. Where it throws, no checkpoint appears.
    /// - Throws: `BytesError` for the disk; `CheckpointError.notFinite` where the state holds a value that is no
    ///   number; what `vouch` throws. Older checkpoints stay as they are.
    @discardableResult
    public func write(
        _ trainer: BoundaryTrainer, recipe: SHA256Digest, vouch: (CheckpointRecord) throws -> Void = { _ in }
    ) throws -> CheckpointRecord {
        do {
            return try writeWhole(trainer, recipe, vouch)
        } catch BytesError.noSpace {
            let masters = trainer.parameters.reduce(0) { $0 + $1.value.count }
            let moments = trainer.optimizer.moments.reduce(0) { $0 + $1.words.count }
            let words = masters + moments + (trainer.progress.best == nil ? 0 : masters)
            throw BytesError.noSpace(path: path(ofStep: trainer.progress.step)).withRoom(needed: words * 4, in: folder)
        }
    }

    private func writeWhole(
        _ trainer: BoundaryTrainer, _ recipe: SHA256Digest, _ vouch: (CheckpointRecord) throws -> Void
    ) throws -> CheckpointRecord {
        // A link in its place would lead out of the run's folder.
        guard PathKind.at(folder, followingLinks: false) != .link else {
            throw BytesError.io(path: folder, operation: "write into", reason: "it is a symbolic link")
        }
        // Where the run's folder has gone, it must not be made anew.
        try AtomicFolder.make(folder)
        let progress = trainer.progress
        let path = path(ofStep: progress.step)
        let moments = trainer.optimizer.moments
        let names = trainer.parameters.map(\.name)
        let arrays =
            zip(names, trainer.parameters).map { ($0, $1.value, numbers: $1.value.count) }
            + moments.enumerated().map { (names[$0 % names.count], $1.words, numbers: $1.numberCount) }
        // In the place of one that a resume could not believe.
        return try AtomicFolder.write(to: path, placement: .replacing) { temporary in
            var hasher = SHA256Hasher()
            var byteCount = 0
            try AtomicFile.write(to: temporary + "/" + Checkpoint.stateFile, mode: 0o600) { sink in
                for (name, array, numbers) in arrays {
                    try Self.write(array, numbers: numbers, name, of: path, to: sink, &hasher)
                }
                switch progress.best {
                case nil: break
                case .kept(let best):
                    try sink.write(best)
                    best.withBytes { hasher.update($0) }
                case .current:
                    for parameter in trainer.parameters {
                        try Self.write(
                            parameter.value, numbers: parameter.value.count, parameter.name, of: path, to: sink, &hasher
                        )
                    }
                }
                byteCount = sink.byteCount
            }
            let record = CheckpointJSON.encode(
                .init(
                    recipe: recipe, progress: progress, optimizer: trainer.options.optimizer.rawValue,
                    updateCount: trainer.optimizer.updateCount,
                    momentsPerTensor: moments.count / max(1, trainer.parameters.count),
                    hasBest: progress.best != nil,
                    tensors: trainer.checkpointTensors,
                    stateByteCount: byteCount, stateDigest: hasher.finalize()))
            try AtomicFile.write(
                record, to: temporary + "/" + Checkpoint.recordFile, mode: 0o600, within: CheckpointJSON.limit)
            let written = CheckpointRecord(
                path: path, step: progress.step, digest: SHA256Digest.of(record), byteCount: byteCount + record.count)
            try vouch(written)
            return written
        }
    }

    private static func write(
        _ array: Matrix, numbers: Int, _ name: String, of path: String, to sink: FileSink, _ hasher: inout SHA256Hasher
    ) throws {
        try array.withSpan { span in
            if let index = (0..<numbers).first(where: { !span[$0].isFinite }) {
                throw CheckpointError.notFinite(path: path, tensor: name, index: index)
            }
            try sink.write(span)
            unsafe hasher.update(span.bytes)
        }
    }

    private static func name(of step: Int) -> String {
        let digits = String(step)
        return "step_" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
