internal import Device
internal import Digest
internal import TensorCore
internal import Training

extension TrainingRequest {
    /// Every option, so that ``init(json:)`` makes this very request again. Where the result goes is not among them.
    ///
    /// Numbers that are no integers are strings of the digits that read back to the same bits.
    var json: JSONValue {
        [
            "base": .string(base), "corpus": Self.text(corpus), "tokens": Self.text(tokens),
            "scope": .string(scope.rawValue), "steps": .count(steps), "epochs": .count(epochs),
            "seq_len": .count(sequenceLength), "batch_size": .exactly(batchSize),
            "optimizer": .string(optimizer.rawValue), "moments": .string(moments.rawValue),
            "learning_rate": Self.text(learningRate.map { "\($0)" }),
            "schedule": .string(schedule.rawValue), "warmup": .count(warmup), "weight_decay": .string("\(weightDecay)"),
            "grad_clip": .string("\(gradientClip)"), "seed": Self.text(seed.map { "\($0)" }),
            "losses": Self.text(losses?.rawValue), "shuffle": .bool(shuffle),
            "validation_fraction": .string("\(validationFraction)"), "eval_every": .count(evaluateEvery),
            "patience": .exactly(patience), "adapter_encoding": .string(encoding.rawValue), "threads": .count(threads),
            "checkpoint_every": .count(checkpointEvery), "compute": Self.text(arithmetic?.rawValue),
            "memory_budget": .count(memoryBudget),
            "seal_strict": .bool(sealStrict),
            "pace": .string(pace.rawValue), "pace_window": Self.text(paceWindow?.text),
            "identity": Self.text(identityPath),
        ]
    }

    /// - Returns: nil where a member is missing or not what it should be.
    init?(json: JSONValue) {
        guard let base = json["base"]?.asString, let scope = json["scope"]?.asString.flatMap(Scope.init),
            let batchSize = json["batch_size"]?.asInt,
            let optimizer = json["optimizer"]?.asString.flatMap(TrainingOptions.OptimizerKind.init),
            let schedule = json["schedule"]?.asString.flatMap(TrainingOptions.ScheduleKind.init),
            let weightDecay = Self.number(json["weight_decay"]), let gradientClip = Self.number(json["grad_clip"]),
            let seed = json["seed"], let shuffle = json["shuffle"]?.asBool,
            let validationFraction = Self.number(json["validation_fraction"]), let patience = json["patience"]?.asInt,
            let encoding = json["adapter_encoding"]?.asString.flatMap(ExportEncoding.init)
        else { return nil }
        self.init(base: base)
        corpus = json["corpus"]?.asString
        tokens = json["tokens"]?.asString
        self.scope = scope
        steps = json["steps"]?.asInt
        epochs = json["epochs"]?.asInt
        sequenceLength = json["seq_len"]?.asInt
        self.batchSize = batchSize
        self.optimizer = optimizer
        learningRate = Self.number(json["learning_rate"])
        self.schedule = schedule
        warmup = json["warmup"]?.asInt
        self.weightDecay = weightDecay
        self.gradientClip = gradientClip
        if let text = seed.asString {
            guard let number = UInt64(text) else { return nil }
            self.seed = number
        } else if seed != .null {
            return nil
        }
        self.shuffle = shuffle
        self.validationFraction = validationFraction
        evaluateEvery = json["eval_every"]?.asInt
        self.patience = patience
        self.encoding = encoding
        threads = json["threads"]?.asInt
        checkpointEvery = json["checkpoint_every"]?.asInt
        memoryBudget = json["memory_budget"]?.asInt
        identityPath = json["identity"]?.asString
        if let name = json["moments"]?.asString {
            guard let moments = Moments.Form(rawValue: name) else { return nil }
            self.moments = moments
        }
        // Runs of earlier versions have none of these.
        sealStrict = json["seal_strict"]?.asBool ?? false
        if let name = json["losses"]?.asString {
            guard let losses = LossRecord(rawValue: name) else { return nil }
            self.losses = losses
        }
        if let name = json["pace"]?.asString {
            guard let pace = PacingLimits.Preset(rawValue: name) else { return nil }
            self.pace = pace
        }
        if let text = json["pace_window"]?.asString {
            guard let window = TimeWindow(text) else { return nil }
            paceWindow = window
        }
        if let name = json["compute"]?.asString {
            guard let arithmetic = Arithmetic(rawValue: name) else { return nil }
            self.arithmetic = arithmetic
        }
    }

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    private static func number(_ value: JSONValue?) -> Double? { value?.asString.flatMap(Double.init) }
}
