internal import Bytes
internal import Model
internal import TensorCore

extension BoundaryTrainer {
    /// Takes up the state of a checkpoint: every later step is the one that the undisturbed run would have made.
    ///
    /// - Throws: `CheckpointError.otherTensors` where it is of another optimiser or of other tensors; nothing has
    ///   changed then. `BytesError` where the best masters cannot be put aside.
    public func restore(_ checkpoint: Checkpoint) throws {
        let wanted = parameters.map { Checkpoint.Tensor(name: $0.name, count: $0.value.count) }
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
        for array in parameters.map(\.value) + moments {
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
        self.progress = progress
    }

    private static func text(_ tensors: [Checkpoint.Tensor]) -> String {
        let first = tensors.first.map { "\($0.name) of \($0.count) values" } ?? "nothing"
        return tensors.count > 1 ? "\(tensors.count) tensors from \(first) on" : first
    }
}
