internal import Bytes
internal import Model
internal import TensorCore

extension BoundaryTrainer {
    /// Takes up the state of a checkpoint: every later step is the one that the undisturbed run would have made.
    ///
    /// - Throws: `CheckpointError.otherTensors` where it is of another optimiser or of other tensors; nothing has
    ///   changed then. `BytesError` where the best masters cannot be put aside.
    public func restore(_ checkpoint: Checkpoint) throws {
        let wanted = checkpointTensors
        let moments = optimizer.moments
        guard checkpoint.tensors == wanted else {
            throw CheckpointError.otherTensors(
                path: checkpoint.path, expected: Self.text(wanted), found: Self.text(checkpoint.tensors))
        }
        guard checkpoint.optimizer == options.optimizer.rawValue,
            checkpoint.momentsPerTensor * wanted.count == moments.count
        else {
            throw CheckpointError.otherTensors(
                path: checkpoint.path, expected: "the state of \(options.optimizer.rawValue)",
                found: "the state of \(checkpoint.optimizer)")
        }
        var offset = 0
        for array in parameters.map(\.value) + moments.map(\.words) {
            let bytes = try checkpoint.values(at: offset, count: array.count)
            array.withMutableSpan { span in _ = bytes.readFloats(into: &span) }
            offset += array.count
        }
        optimizer.updateCount = checkpoint.updateCount
        var progress = checkpoint.progress
        if checkpoint.hasBest {
            let best = try checkpoint.values(at: offset, count: wanted.reduce(0) { $0 + $1.count })
            progress.best = progress.bestStep == progress.step ? .current : .kept(try store.keep(best))
        }
        guard !checkpoint.state.isCut else {
            throw CheckpointError.unreadable(path: checkpoint.path, reason: "it was cut short while it was read")
        }
        self.progress = progress
    }

    /// The trained tensors as a checkpoint lists them.
    var checkpointTensors: [Checkpoint.Tensor] {
        parameters.enumerated().map { index, parameter in
            // All of a tensor's moments have one form.
            guard let moments = optimizer.moments.dropFirst(index).first else {
                return Checkpoint.Tensor(name: parameter.name, count: parameter.value.count)
            }
            return Checkpoint.Tensor(
                name: parameter.name, count: parameter.value.count, momentWords: moments.words.count,
                momentNumbers: moments.numberCount)
        }
    }

    private static func text(_ tensors: [Checkpoint.Tensor]) -> String {
        let first = tensors.first.map { "\($0.name) of \($0.count) values" } ?? "nothing"
        return tensors.count > 1 ? "\(tensors.count) tensors from \(first) on" : first
    }
}
