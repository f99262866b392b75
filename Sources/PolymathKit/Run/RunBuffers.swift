internal import Digest
internal import GGUF
internal import Model
internal import Seal
internal import TensorCore
internal import Training

// What a run keeps in memory of frozen tensors across steps, put under the guard.

extension SealGuard {
    /// Covers the gains and biases that `trainer` does not train, and the rotary table.
    ///
    /// - Parameter positions: of the longest window.
    /// - Throws: `SealViolation` where a tensor is no longer what was sealed before it was decoded.
    func cover(_ trainer: BoundaryTrainer, positions: Int) throws {
        let decoder = trainer.decoder
        for (name, values) in decoder.keptVectors(except: trainer.parameters) {
            try cover(DerivedBuffer(name: name, values: values))
        }
        let byteCount = positions * decoder.configuration.headLength * MemoryLayout<Float>.stride
        try cover(
            DerivedBuffer(name: "the rotary table", byteCount: byteCount) {
                decoder.withRotaryTable(positions: positions) { cosines, sines in
                    var hasher = SHA256Hasher()
                    unsafe hasher.update(cosines.bytes)
                    unsafe hasher.update(sines.bytes)
                    return hasher.finalize()
                }
            })
    }

    /// Covers outputs of frozen layers under the digests that they had when they were made.
    func cover(_ outputs: some Sequence<KeptOutput>) throws {
        for output in outputs {
            try cover(
                DerivedBuffer(name: output.place.description, values: output.values), expected: output.digest)
        }
    }

    /// Runs `body`; an output of frozen layers that comes back changed from its file is a violation like any other.
    func judging<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let changed as KeptOutputChanged {
            throw derivedViolation(
                of: changed.place.description, byteCount: changed.byteCount, expected: changed.expected,
                actual: changed.actual)
        }
    }
}

extension DerivedBuffer {
    fileprivate init(name: String, values: Matrix) {
        self.init(name: name, byteCount: values.count * MemoryLayout<Float>.stride) {
            values.withSpan { span in unsafe SHA256Digest.of(span.bytes) }
        }
    }
}

extension RunPlan {
    /// Steps within which an outside change to the base is seen, promised before the first of them.
    var coverageBound: Int {
        SealGuard.bound(
            sealedBytes: gguf.tensors.reduce(0) { $0 + $1.byteCount }, operationsPerStep: operationsPerStep)
    }

    /// Multiplications and additions of one step's products, counted low: forward and the gradient of its input, for
    /// the layers that every step computes, and the head.
    private var operationsPerStep: Double {
        let lowest = options.scope == .tail ? shape.layerCount - 1 : 0
        var elements = Double(shape.vocabularySize * shape.embeddingLength)
        for layer in lowest..<shape.layerCount {
            let prefix = "blk.\(layer)."
            for tensor in gguf.tensors where tensor.dimensions.count > 1 && tensor.name.hasPrefix(prefix) {
                elements += Double(tensor.elementCount)
            }
        }
        return 4 * elements * Double(sequenceLength * options.batchSize)
    }
}
