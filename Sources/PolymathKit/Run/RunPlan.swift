internal import Conventions
internal import Adapter
internal import Audit
internal import Bytes
internal import Corpus
internal import Device
internal import Digest
internal import Foundation
internal import GGUF
internal import Model
internal import Seal
internal import TensorCore
internal import Tokenizer
internal import Training

/// Everything that is decided before a run writes its first byte.
struct RunPlan {
    let request: TrainingRequest
    let home: Home
    let base: ResolvedBase
    let gguf: GGUFFile
    let shape: DecoderConfiguration
    let identity: Identity
    let identityPath: String
    let start: StartAdapter?
    let corpus: RunCorpus
    let options: TrainingOptions
    let sequenceLength: Int
    let threads: Int
    let isSynthetic: Bool
    /// How products are computed; never decided by timing.
    let arithmetic: Arithmetic
    let memory: RunMemory

    /// Resolves base, identity, corpus and options.
    ///
    /// - Parameters:
    ///   - secret: the seed of a run that is made again or gone on with, where its request names none; nil draws one.
    ///   - scratch: where tokens that memory need not hold are put aside, in a file without a name; nil means the folder for
    ///     temporary files.
    init(
        _ request: TrainingRequest, home: Home, secret: SecretSeed? = nil, scratch: String? = nil
    ) throws {
        if request.steps != nil, request.epochs != nil { throw RunError.bothStepsAndEpochs }
        self.request = request
        self.home = home
        arithmetic = request.arithmetic ?? .automatic
        base = try BaseReference.resolve(request.base, home: home)
        if request.sealStrict { try RunMemory.checkCopy(of: base.path, budget: request.memoryBudget) }
        do {
            gguf = try GGUFFile(path: base.path, copying: request.sealStrict)
            shape = try DecoderConfiguration(gguf)
        } catch {
            throw InputError.unusable(kind: "base", path: base.path, reason: "\(error)")
        }
        isSynthetic = base.isSynthetic || gguf[BaseReference.syntheticKey]?.asBool == true
        sequenceLength =
            request.sequenceLength
            ?? min(TrainingRequest.Defaults.sequenceLength, shape.contextLength)
        guard sequenceLength <= shape.contextLength else {
            throw RunError.sequenceTooLong(requested: sequenceLength, contextLength: shape.contextLength)
        }
        start = try request.start.map { try StartAdapter(path: $0, scope: request.scope) }
        guard let identityPath = request.identityPath ?? Identity.defaultPath else {
            throw IdentityError.noConfigurationFolder
        }
        self.identityPath = identityPath
        identity = try Identity.loadOrCreate(path: identityPath)
        threads = request.threads ?? TrainingRun.defaultThreads
        let seed = request.seed.map { RandomSeed.number($0) } ?? .secret(secret ?? .generate())
        // What does not fit with a single window is refused before the text is read.
        _ = try RunMemory(
            gguf: gguf, shape: shape, options: request.options(windowCount: 1, seed: seed), arithmetic: arithmetic,
            threads: threads, tokens: sequenceLength, windows: 1, budget: request.memoryBudget)
        let gguf = gguf
        corpus = try RunCorpus.load(
            request, library: CorpusLibrary(home: home), key: identity.derivedKey(purpose: "corpus-id"),
            sequenceLength: sequenceLength, vocabularySize: shape.vocabularySize,
            storage: scratch.map { TokenStorage(folder: $0) } ?? TokenStorage(),
            tokenizer: { try Tokenizer(vocabulary: TokenizerVocabulary(gguf)) })
        var options = try request.options(windowCount: corpus.training.count, seed: seed)
        if seed.secret != nil {
            options.leftOutShare = TrainingOptions.leftOutShare(targets: try corpus.training.countedTargets)
        }
        self.options = options
        memory = try RunMemory(
            gguf: gguf, shape: shape, options: options, arithmetic: arithmetic, threads: threads,
            tokens: sequenceLength, windows: corpus.training.count + (corpus.validation?.count ?? 0),
            budget: request.memoryBudget)
    }

    /// Bytes of the adapter that this run will export; nil for scope `boundary`.
    var adapterByteCount: Int? {
        get throws {
            guard let scope = options.scope.adapterScope else { return nil }
            return try NormAdapter.wireByteCount(
                scope: scope, layerCount: shape.layerCount, embeddingLength: shape.embeddingLength,
                encoding: request.encoding == .f32 ? .f32 : .q8_0, architecture: shape.architecture)
        }
    }

    /// - Throws: `RunError.adapterTooLarge` or `.tooManySteps` before anything is trained.
    func checkSize() throws {
        guard options.steps <= AuditChain.stepLimit else {
            throw RunError.tooManySteps(steps: options.steps, limit: AuditChain.stepLimit)
        }
        if let bytes = try adapterByteCount, bytes > NormAdapter.byteLimit {
            throw RunError.adapterTooLarge(byteCount: bytes, limit: NormAdapter.byteLimit)
        }
    }

    /// What computes here, down to the program's version; results are bit-identical along one path only.
    var kernelPath: String {
        ([KernelPath.current] + [arithmetic.instructions].compactMap(\.self) + ["polymath-" + Version.string])
            .joined(separator: " ")
    }

    /// - Parameter kernelPath: nil means this machine's.
    func recipe(root: SHA256Digest, kernelPath: String? = nil) -> Recipe {
        Recipe(
            baseRoot: root, corpusID: corpus.id, start: start?.contentID, options: options,
            sequenceLength: sequenceLength,
            validationFraction: request.validationFraction, encoding: request.encoding, compute: arithmetic.rawValue,
            kernelPath: kernelPath ?? self.kernelPath)
    }

    /// Sealed tensors that this scope does not train (design, section 1).
    var frozenTensorCount: Int {
        let trained = options.scope.tensorNames(of: shape) { gguf.tensor(named: $0) != nil }
        return gguf.tensors.count - trained.count { gguf.tensor(named: $0) != nil }
    }

    func baseMembers(_ root: SHA256Digest) -> JSONValue {
        [
            "name": .string(base.name), "file": .string(base.path.lastComponent), "root": .string(root.hex),
            "architecture": .string(shape.architecture), "synthetic_weights": .bool(isSynthetic),
            "tensors": .exactly(gguf.tensors.count), "title": .string(gguf["general.name"]?.asString ?? ""),
            "shape": [
                "layers": .exactly(shape.layerCount), "embedding_length": .exactly(shape.embeddingLength),
                "heads": .exactly(shape.headCount), "kv_heads": .exactly(shape.keyValueHeadCount),
                "feed_forward_length": .exactly(shape.feedForwardLength), "vocabulary": .exactly(shape.vocabularySize),
            ],
        ]
    }

    var corpusMembers: JSONValue {
        [
            "name": .string(corpus.name), "id": .string(corpus.id.hex), "default": .bool(corpus.isDefault),
            "training_windows": .exactly(corpus.training.count),
            "validation_windows": .exactly(corpus.validation?.count ?? 0),
            "left_over_tokens": .exactly(corpus.training.leftOverTokens),
            "dropped_windows": .exactly(corpus.training.droppedWindows),
        ]
    }

    private var seedText: String {
        switch options.seed {
        case .number(let seed): "\(seed)"
        case .secret: "secret"
        }
    }

    /// What the seed's kind means to whoever hands the result on.
    private var seedNote: String {
        switch options.seed {
        case .number:
            "public: whoever holds what is exported and guesses the text can train on the guess and confirm it"
        case .secret:
            "drawn for this run and kept in its folder: without it a guess of the text cannot be trained and compared"
        }
    }

    var planMembers: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "base": .string(base.name), "synthetic_weights": .bool(isSynthetic),
            "scope": .string(options.scope.rawValue),
            "steps": .exactly(options.steps), "batch_size": .exactly(options.batchSize),
            "seq_len": .exactly(sequenceLength), "optimizer": .string(options.optimizer.rawValue),
            "moments": .string(options.moments.rawValue),
            "learning_rate": .measured(options.learningRate), "schedule": .string(options.schedule.rawValue),
            "warmup": .exactly(options.warmup), "eval_every": .exactly(options.evaluateEvery),
            "grad_clip": .measured(options.gradientClip), "weight_decay": .measured(options.weightDecay),
            "compute": .string(arithmetic.rawValue), "threads": .exactly(threads), "corpus": corpusMembers,
            "adapter_bytes_expected": .count((try? adapterByteCount) ?? nil),
            "frozen_tensors": .exactly(frozenTensorCount), "memory": memory.members,
            "memory_budget": .count(request.memoryBudget), "seal_strict": .bool(request.sealStrict),
            "pace": .string(request.pace.rawValue),
            "seed": .string(seedText), "seed_note": .string(seedNote), "losses": .string(request.lossRecord.rawValue),
        ]
        if let start { members["start"] = .string(start.contentID.hex) }
        return members
    }

    func startMembers(folder: RunFolder, root: SHA256Digest, recipe: SHA256Digest) -> [String: JSONValue] {
        var members = planMembers
        members["run"] = .string(folder.name)
        members["out"] = .string(folder.path)
        members["base_root"] = .string(root.hex)
        members["recipe"] = .string(recipe.hex)
        members["seal_coverage_bound_steps"] = .exactly(coverageBound)
        return members
    }
}
