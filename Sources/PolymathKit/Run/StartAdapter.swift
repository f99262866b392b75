internal import Adapter
internal import Bytes
internal import Conventions
internal import Digest
internal import GGUF
internal import Seal
internal import Training

/// The adapter that a run begins with: what a federation agreed on, say.
///
/// The run's folder keeps a copy, `start.gguf`, so that resume, replay and export need nothing from elsewhere. Its content
/// id is part of the recipe. What the run exports holds deltas to the base, as always, and not to this.
struct StartAdapter {
    /// As they were read once, and judged.
    let bytes: [UInt8]
    private let adapter: NormAdapter

    var contentID: SHA256Digest { adapter.contentID }

    /// Reads the file and checks everything that can be known without the base's digest.
    ///
    /// - Throws: `InputError`, `AdapterError`; `RunError.startOfBoundary`, `.startScope`.
    init(path: String, scope: Scope) throws {
        guard let wanted = scope.adapterScope else { throw RunError.startOfBoundary }
        try InputPath.requireFile(path, kind: "start adapter")
        bytes = try WholeFile.read(path, limit: NormAdapter.byteLimit)
        adapter = try NormAdapter.decode(bytes)
        let trained = Set(wanted.tensorNames(layerCount: adapter.layerCount))
        guard adapter.deltas.allSatisfy({ trained.contains($0.name) }) else {
            throw RunError.startScope(start: adapter.scope.rawValue, scope: scope.rawValue)
        }
    }

    /// - Throws: `AdapterError` where it is not for this base, or breaks its limits.
    func verify(against base: GGUFFile, _ manifest: SealManifest) throws {
        try adapter.verify(against: base, root: manifest.root)
    }

    /// Makes its effective gains the masters that the first step finds.
    ///
    /// - Precondition: ``verify(against:_:)`` has passed.
    func put(into trainer: BoundaryTrainer, base: GGUFFile) throws {
        trainer.start(from: try adapter.effectiveGains(on: base).map { ($0.name, $0.values) })
    }

    /// What `run.json` says of it.
    var members: JSONValue {
        [
            "file": "start.gguf", "content_id": .string(contentID.hex), "scope": .string(adapter.scope.rawValue),
            "signer": .string(adapter.signer.fingerprint),
        ]
    }
}
