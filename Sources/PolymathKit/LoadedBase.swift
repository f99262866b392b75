internal import Conventions
public import Adapter
internal import Digest
public import GGUF
public import Model
public import Seal
public import TensorCore
public import Tokenizer

/// A base that has been found and mapped; its digests, tokenizer and decoder are made when first asked for.
///
/// Not safe for concurrent use, like the decoder it holds.
public final class LoadedBase {
    public let reference: ResolvedBase
    public let gguf: GGUFFile
    public let workers: Workers
    /// How products are computed.
    public let arithmetic: Arithmetic
    private var faultGuard: FaultGuard?
    private var knownManifest: SealManifest?
    private var knownTokenizer: Tokenizer?
    private var knownDecoder: Decoder?

    /// The base's name in the catalogue, or its file's.
    public var name: String { reference.name }

    /// Whether the weights are random: its name or its own metadata say so.
    public var isSynthetic: Bool {
        reference.isSynthetic || gguf[BaseReference.syntheticKey]?.asBool == true
    }

    /// The name as reports show it.
    public var title: String { isSynthetic ? "\(name) (synthetic weights)" : name }

    /// Maps the base and reads its header; nothing large is read.
    public init(_ reference: ResolvedBase, workers: Workers, arithmetic: Arithmetic = .f32) throws {
        self.reference = reference
        self.workers = workers
        self.arithmetic = arithmetic
        do {
            gguf = try GGUFFile(path: reference.path)
        } catch {
            throw InputError.unusable(kind: "base", path: reference.path, reason: "\(error)")
        }
    }

    /// Finds what `--base` means and maps it.
    public convenience init(
        _ nameOrPath: String, home: Home, workers: Workers, arithmetic: Arithmetic = .f32
    ) throws {
        try self.init(BaseReference.resolve(nameOrPath, home: home), workers: workers, arithmetic: arithmetic)
    }

    /// Ends the process with one sentence and exit status 1, should the file be cut while it is read from here on.
    ///
    /// - Parameter output: where the sentence goes.
    public func watchFaults(output: FaultOutput) throws {
        faultGuard = try FaultGuard(
            watching: gguf.region, path: reference.path, recordPath: nil, exitStatus: ExitStatus.failure.code,
            output: output, advice: "the command ended without a result")
    }

    /// Leaves faults in the map to somebody else's watch.
    func endFaultWatch() { faultGuard = nil }

    /// Every tensor's digest and the root; the first call reads the whole file.
    ///
    /// - Throws: `BaseError.rootDiffers` when the catalogue records another root for a base of this name.
    public func manifest(progress: (@Sendable (Int) -> Void)? = nil) throws -> SealManifest {
        if let knownManifest { return knownManifest }
        let manifest = try SealManifest.compute(gguf, workers: workers.count, progress: progress)
        try reference.checkRoot(manifest.root)
        knownManifest = manifest
        return manifest
    }

    /// The tokenizer that the base's own records describe.
    ///
    /// - Throws: `ModelError.noTokenizer` for a base without one; `TokenizerError`.
    public func tokenizer() throws -> Tokenizer {
        if let knownTokenizer { return knownTokenizer }
        let tokenizer = try Tokenizer(vocabulary: TokenizerVocabulary(gguf))
        knownTokenizer = tokenizer
        return tokenizer
    }

    public func decoder() throws -> Decoder {
        if let knownDecoder { return knownDecoder }
        let decoder = try Decoder(gguf, workers: workers, arithmetic: arithmetic)
        knownDecoder = decoder
        return decoder
    }

    /// Reads an adapter, verifies it against this base, and leaves the decoder as it was.
    public func verifiedAdapter(path: String, progress: (@Sendable (Int) -> Void)? = nil) throws -> NormAdapter {
        try InputPath.requireFile(path, kind: "adapter")
        let adapter = try NormAdapter.read(path: path)
        try adapter.verify(against: gguf, root: manifest(progress: progress).root)
        return adapter
    }

    /// Puts a verified adapter's effective gains into the decoder.
    ///
    /// - Precondition: the adapter came from ``verifiedAdapter(path:)`` of this base.
    public func attach(_ adapter: NormAdapter) throws {
        try put(adapter, into: decoder())
    }

    /// A decoder of its own over the same map, with a verified adapter's effective gains; the base's stays as it is.
    ///
    /// It costs what differs between adapters, which are the gains, and the memory of its own passes.
    /// - Precondition: the adapter came from ``verifiedAdapter(path:)`` of this base.
    public func specialist(_ adapter: NormAdapter) throws -> Decoder {
        let decoder = try Decoder(gguf, workers: workers, arithmetic: arithmetic)
        try put(adapter, into: decoder)
        return decoder
    }

    private func put(_ adapter: NormAdapter, into decoder: Decoder) throws {
        for gain in try adapter.effectiveGains(on: gguf) {
            guard decoder.setGain(gain.name, to: gain.values) else {
                throw AdapterError.missingInBase(tensor: gain.name)
            }
        }
    }
}
