internal import Adapter
internal import Blocks
internal import Bytes
internal import Digest
internal import GGUF
internal import Model
internal import TensorCore
internal import Training

/// What a run exported, read back from disk.
struct Exported {
    let file: String
    let contentID: SHA256Digest
    let byteCount: Int
}

/// Writes what a scope exports, reads it back, and puts what was read into the decoder, so that every figure that is
/// called "after" comes from the file.
struct RunExport {
    let gguf: GGUFFile
    let root: SHA256Digest
    let recipe: SHA256Digest
    let identity: Identity
    let folder: RunFolder
    let encoding: TrainingRequest.ExportEncoding
    /// The run's secret seed, which dithers what an adapter holds; nil with a public one.
    let secret: SecretSeed?

    /// - Throws: `AdapterError`, `BytesError`; `RunError.exportDiffers` when the file does not read back.
    func export(_ trainer: BoundaryTrainer) throws -> Exported {
        if let scope = trainer.options.scope.adapterScope {
            return try exportAdapter(scope, trainer)
        }
        return try exportBoundary(trainer)
    }

    private func exportAdapter(_ scope: AdapterScope, _ trainer: BoundaryTrainer) throws -> Exported {
        let shape = trainer.decoder.configuration
        let base = BaseValues(gguf: gguf)
        let dither = secret.map { DeltaDither($0) }
        let deltas = trainer.parameters.map { parameter in
            let old = base.values(of: parameter.name) ?? []
            let values = zip(parameter.value.values, old).map { $0 - $1 }
            let limit = GainBounds.limit(gains: old)
            return NormDelta(
                name: parameter.name,
                values: dither?.dithered(values, tensor: parameter.name, limit: limit) ?? values)
        }
        let bytes = try NormAdapter.encode(
            architecture: shape.architecture, scope: scope, encoding: encoding == .f32 ? .f32 : .q8_0,
            layerCount: shape.layerCount, baseRoot: root, recipe: recipe, deltas: deltas, identity: identity)
        try AtomicFile.write(bytes, to: folder.adapterFile, mode: 0o600)
        let adapter = try NormAdapter.read(path: folder.adapterFile)
        guard adapter.contentID == SHA256Digest.of(bytes) else {
            throw RunError.exportDiffers(path: folder.adapterFile, reason: "its content id changed on the way to disk")
        }
        try adapter.verify(against: gguf, root: root)
        for gain in try adapter.effectiveGains(on: gguf) {
            guard trainer.decoder.setGain(gain.name, to: gain.values) else {
                throw RunError.exportDiffers(path: folder.adapterFile, reason: "tensor \(gain.name) fits no norm gain")
            }
        }
        return Exported(file: "adapter.gguf", contentID: adapter.contentID, byteCount: adapter.byteCount)
    }
}

extension Scope {
    /// The wire format's name of this scope; nil for `boundary`, which exports no adapter.
    var adapterScope: AdapterScope? {
        switch self {
        case .norms: .norms
        case .tail: .tail
        case .allNorms: .allNorms
        case .boundary: nil
        }
    }
}

extension RunExport {
    /// Writes the trained tensors, reads the file back and puts its values into the masters.
    private func exportBoundary(_ trainer: BoundaryTrainer) throws -> Exported {
        let shape = trainer.decoder.configuration
        let sources = trainer.parameters.map { parameter in
            BoundaryFile.Source(name: parameter.name, dimensions: parameter.fileDimensions) { range in
                parameter.value.withSpan { span in range.map { span[$0] } }
            }
        }
        let contentID = try BoundaryFile.write(
            to: folder.boundaryFile, architecture: shape.architecture, layerCount: shape.layerCount, baseRoot: root,
            recipe: recipe, sources: sources, identity: identity)
        let file = try BoundaryFile.read(path: folder.boundaryFile)
        guard file.contentID == contentID else {
            throw RunError.exportDiffers(path: folder.boundaryFile, reason: "its content id changed on the way to disk")
        }
        try file.verify(against: gguf, root: root)
        try BoundaryValues.copy(from: folder.boundaryFile, into: trainer.parameters)
        return Exported(file: "boundary.gguf", contentID: contentID, byteCount: file.byteCount)
    }
}

extension Parameter {
    /// Dimensions as a GGUF file lists them, row length first.
    var fileDimensions: [Int] {
        kind == .matrix ? [value.columns, value.rows] : [value.columns]
    }
}
