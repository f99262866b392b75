public import Device
package import Digest
public import TensorCore
public import Training

/// What a person asks of `train`: everything that is left nil gets the default that the run then records.
public struct TrainingRequest: Sendable {
    /// Name in the catalogue or path of a GGUF file.
    public var base: String
    /// Folder or file of text; nil with nil `tokens` means the default collection.
    public var corpus: String?
    /// JSON array of token ids instead of text.
    public var tokens: String?
    /// Adapter whose deltas the training begins with; nil means the base's own gains. Only of adapter scopes.
    public var start: String?
    public var scope: Scope = .norms
    /// Optimiser updates; nil means `epochs`.
    public var steps: Int?
    /// Passes over the training windows; nil with nil `steps` means `Defaults.epochs`.
    public var epochs: Int?
    /// Tokens per window; nil means the smaller of `Defaults.sequenceLength` and the base's context length.
    public var sequenceLength: Int?
    public var batchSize = Defaults.batchSize
    public var optimizer: TrainingOptions.OptimizerKind = .adamw
    /// How AdamW keeps its moments of matrices.
    public var moments: Moments.Form = .f32
    /// Peak learning rate; nil means `Defaults.learningRate`.
    public var learningRate: Double?
    public var schedule: TrainingOptions.ScheduleKind = .cosine
    /// Warm-up steps; nil means a tenth of the steps, at most 10.
    public var warmup: Int?
    public var weightDecay = 0.0
    public var gradientClip = Defaults.gradientClip
    /// Where the run's random numbers come from; nil draws a secret of the run's own. With a number anybody who holds what
    /// was exported and guesses the text can train on the guess and compare (Documentation/PRIVACY.md).
    public var seed: UInt64?
    public var shuffle = true
    /// Share of the windows that is set aside where the corpus has no `valid.jsonl`; 0 sets none aside.
    public var validationFraction = Defaults.validationFraction
    /// Steps between validations; nil means a tenth of the steps, at least 10. The last step is always validated.
    public var evaluateEvery: Int?
    public var patience = 0
    public var encoding: ExportEncoding = .q8_0
    /// Threads; nil means one per core. Changes no bit of the result.
    public var threads: Int?
    /// How products are computed; nil means `Arithmetic.automatic`.
    public var arithmetic: Arithmetic?
    /// Most anonymous memory that the run may hold, in bytes; nil computes nothing twice. Changes no bit of the result.
    public var memoryBudget: Int?
    /// Steps between checkpoints; nil means only at a pause or a failure. Changes no bit of the result.
    public var checkpointEvery: Int?
    /// Whether the base is read into memory that this process alone can write, and trained on from there: what happens to
    /// its file meanwhile cannot reach a step. It takes as much memory as the file has bytes; changes no bit of the result.
    public var sealStrict = false
    /// How much the device is spared (Documentation/DEVICE.md). Changes no bit of the result.
    public var pace = PacingLimits.Preset.eager
    /// The only part of the day in which steps are made; nil means all of it.
    public var paceWindow: TimeWindow?
    /// A file that is there while somebody uses the device; nil means that nobody tells.
    public var presenceFile: String?
    /// A folder that stands for `/` where sensors are read, or a recorded trace; nil means this machine.
    public var sensorsPath: String?
    /// How exactly losses are written into files that may be handed on; nil means rounded with a secret seed, whole
    /// with a public one. Changes no bit of the result.
    public var losses: LossRecord?
    /// Identity file; nil means the user's own.
    public var identityPath: String?
    /// Run folder; nil means a new one in the home's telemetry folder.
    public var out: String?

    public init(base: String) { self.base = base }

    /// How an adapter stores its deltas.
    public enum ExportEncoding: String, CaseIterable, Sendable { case q8_0, f32 }

    /// ``losses`` with its default settled.
    var lossRecord: LossRecord { losses ?? (seed == nil ? .rounded : .whole) }

    /// Values where the request says nothing; the README's table of defaults is checked against them.
    public enum Defaults {
        public static let sequenceLength = 128
        public static let batchSize = 1
        public static let epochs = 3
        public static let gradientClip = 1.0
        public static let validationFraction = 0.1
        public static let collection = "skerry-diary"

        /// Peak learning rate by scope and optimiser, from a sweep on validation text of the three collections: the
        /// smallest rate tried whose mean loss is within 0.02 nats of the best one's (`make sweep`).
        public static func learningRate(_ scope: Scope, _ optimizer: TrainingOptions.OptimizerKind) -> Double {
            switch (scope, optimizer) {
            case (.norms, .adamw): 4e-2
            case (.tail, .adamw): 4e-2
            case (.allNorms, .adamw): 4e-2
            case (.boundary, .adamw): 1e-3
            case (.norms, .sgd): 3
            case (.tail, .sgd): 10
            case (.allNorms, .sgd): 3
            case (.boundary, .sgd): 1
            }
        }
    }

    /// The numeric options for `windowCount` training windows.
    ///
    /// - Parameter seed: the request's number, or the secret of a run whose request has none.
    /// - Throws: `TrainingError.invalidOption` for an option out of its range.
    package func options(windowCount: Int, seed: RandomSeed) throws -> TrainingOptions {
        var options = TrainingOptions()
        options.scope = scope
        options.batchSize = batchSize
        guard batchSize >= 1 else {
            throw TrainingError.invalidOption(
                name: "batch-size", value: "\(batchSize)", reason: "a batch needs at least one window")
        }
        options.steps = try steps ?? Self.steps(epochs: epochs ?? Defaults.epochs, windowCount, batchSize)
        options.optimizer = optimizer
        options.moments = moments
        options.learningRate = learningRate ?? Defaults.learningRate(scope, optimizer)
        options.schedule = schedule
        options.warmup = warmup ?? min(10, options.steps / 10)
        options.weightDecay = weightDecay
        options.gradientClip = gradientClip
        options.seed = seed
        options.shuffle = shuffle
        options.evaluateEvery = evaluateEvery ?? max(10, options.steps / 10)
        options.patience = patience
        try options.check()
        return options
    }

    private static func steps(epochs: Int, _ windows: Int, _ batch: Int) throws -> Int {
        let (places, overflow) = windows.multipliedReportingOverflow(by: epochs)
        guard epochs >= 1, !overflow else {
            throw TrainingError.invalidOption(
                name: "epochs", value: "\(epochs)", reason: "it counts passes over the training windows, from 1")
        }
        return (places - 1) / batch + 1
    }
}
