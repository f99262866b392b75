internal import Digest
internal import TensorCore
internal import Training

/// Everything that decides a run's result, and nothing else: its digest is in every adapter (design, section 6).
struct Recipe {
    let json: JSONValue

    /// SHA-256 of the canonical JSON.
    var digest: SHA256Digest { SHA256Digest.of(json.canonicalBytes) }

    /// What it holds of a secret seed; nil where the seed is public.
    var seedCommitment: SHA256Digest? { json["seed_commitment"]?.asString.flatMap(SHA256Digest.init) }

    /// A recipe as a run recorded it.
    init(json: JSONValue) { self.json = json }

    init(
        baseRoot: SHA256Digest, corpusID: SHA256Digest, start: SHA256Digest?, options: TrainingOptions,
        sequenceLength: Int,
        validationFraction: Double, encoding: TrainingRequest.ExportEncoding, compute: String, kernelPath: String
    ) {
        var members: [String: JSONValue] = [
            "base_root": .string(baseRoot.hex),
            "corpus_id": .string(corpusID.hex),
            "scope": .string(options.scope.rawValue),
            "compute": .string(compute),
            "kernel_path": .string(kernelPath),
            "steps": .exactly(options.steps),
            "seq_len": .exactly(sequenceLength),
            "batch_size": .exactly(options.batchSize),
            "optimizer": .string(options.optimizer.rawValue),
            "learning_rate": .string("\(options.learningRate)"),
            "schedule": .string(options.schedule.rawValue),
            "warmup": .exactly(options.warmup),
            "weight_decay": .string("\(options.weightDecay)"),
            "grad_clip": .string("\(options.gradientClip)"),
            "shuffle": .bool(options.shuffle),
            "validation_fraction": .string("\(validationFraction)"),
            "eval_every": .exactly(options.evaluateEvery),
            "patience": .exactly(options.patience),
            "adapter_encoding": .string(encoding.rawValue),
        ]
        // Named where it is not what it always was, so that recipes from before keep their digest.
        if options.moments != .f32 { members["moments"] = .string(options.moments.rawValue) }
        switch options.seed {
        case .number(let seed): members["seed"] = .string("\(seed)")
        case .secret(let seed):
            members["seed_commitment"] = .string(seed.commitment.hex)
            members["left_out_share"] = .string("\(options.leftOutShare)")
        }
        if let start { members["start"] = .string(start.hex) }
        json = .object(members)
    }
}
