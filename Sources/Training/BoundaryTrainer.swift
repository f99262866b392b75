internal import Corpus
internal import Foundation
public import Model
internal import TensorCore

/// Trains the boundary of a decoder: batches of accumulated windows, one update a step, validation in between.
///
/// It knows no file, no seal and no signature: an observer sees every step and may stop it.
public final class BoundaryTrainer {
    public let decoder: Decoder
    public let options: TrainingOptions
    /// Trained tensors in the scope's order.
    public let parameters: [Parameter]
    private let data: TrainingData
    private let plan: BatchPlan
    private let draw: TargetDraw
    private let schedule: Schedule
    private let lowestLayer: Int
    /// Whether what lies below the lowest layer is computed once for each window and kept.
    private let keepsPrefix: Bool
    private let cache: PrefixCache
    let store: MasterStore
    let optimizer: any Optimizer
    /// nil for scope `boundary`, whose gains no adapter has to hold.
    let bounds: GainBounds?
    var progress = TrainingProgress()
    /// Updates made.
    public var step: Int { progress.step }
    /// Noise on hidden states in training passes; validations have none.
    public var noise: HiddenNoise?

    /// Makes masters of the scope's tensors in `decoder` and checks data and options against the base.
    ///
    /// - Parameters:
    ///   - exists: whether the base holds a tensor of a name (biases are optional).
    ///   - prefixStorage: where scope `tail` keeps the frozen layers' outputs.
    ///   - keptFolder: where scope `boundary` puts its best masters aside, in a file without a name; nil means memory.
    /// - Throws: `TrainingError` for an impossible option, no windows, or a token outside the vocabulary;
    ///   `ModelError` for a missing tensor.
    public convenience init(
        decoder: Decoder, data: TrainingData, options: TrainingOptions, exists: (String) -> Bool,
        prefixStorage: PrefixStorage = PrefixStorage(folder: nil), keptFolder: String? = nil
    ) throws {
        let shape = decoder.configuration
        try Self.check(data, options, shape)
        let scope = options.scope
        let tokens = data.training.longest * options.batchSize
        let parameters = try decoder.makeTrainable(
            scope.tensorNames(of: shape, exists: exists), tokensPerStep: tokens, windowsPerStep: options.batchSize)
        self.init(
            checked: data, decoder: decoder, options: options, parameters: parameters,
            lowestLayer: scope.layers(of: shape)[0], bounds: scope.exportsAdapter ? GainBounds(parameters) : nil,
            cache: scope == .tail ? PrefixCache(prefixStorage) : nil,
            store: MasterStore(folder: scope == .boundary ? keptFolder : nil))
    }

    /// Trains `parameters` of `decoder`, whatever they are; `options.scope` is not read. Gains among them are held
    /// inside what an adapter may hold, and so must still be the base's.
    ///
    /// - Parameters:
    ///   - lowestLayer: the lowest layer that holds one of them; the last for parameters above all layers.
    /// - Throws: `TrainingError` for an impossible option, no windows, or a token outside the vocabulary.
    public convenience init(
        decoder: Decoder, data: TrainingData, options: TrainingOptions, parameters: [Parameter], lowestLayer: Int
    ) throws {
        try Self.check(data, options, decoder.configuration)
        self.init(
            checked: data, decoder: decoder, options: options, parameters: parameters, lowestLayer: lowestLayer,
            bounds: GainBounds(parameters), cache: nil, store: MasterStore(folder: nil))
    }

    private init(
        checked data: TrainingData, decoder: Decoder, options: TrainingOptions, parameters: [Parameter],
        lowestLayer: Int, bounds: GainBounds?, cache: PrefixCache?, store: MasterStore
    ) {
        self.decoder = decoder
        self.data = data
        self.options = options
        self.parameters = parameters
        self.lowestLayer = lowestLayer
        self.bounds = bounds
        keepsPrefix = cache != nil
        self.cache = cache ?? PrefixCache(PrefixStorage(folder: nil))
        self.store = store
        optimizer =
            switch options.optimizer {
            case .sgd: SGD(weightDecay: options.weightDecay)
            case .adamw:
                AdamW(
                    parameters, weightDecay: options.weightDecay, moments: options.moments, seed: options.seed)
            }
        schedule = Schedule(options)
        plan = BatchPlan(
            windowCount: data.training.count, batchSize: options.batchSize,
            shuffleSeed: options.shuffle ? options.seed : nil)
        draw = TargetDraw(seed: options.seed, share: options.leftOutShare)
    }

    private static func check(_ data: TrainingData, _ options: TrainingOptions, _ shape: DecoderConfiguration) throws {
        try options.check()
        guard !data.training.isEmpty else { throw TrainingError.noTrainingWindows }
        try check(data.training, part: "training", shape: shape)
        try check(data.validation, part: "validation", shape: shape)
    }

    /// Trains from the current state to the last step, to exhausted patience, or to a pause.
    ///
    /// On return the parameters hold the **best** masters, or at a pause those of the last step. On a thrown error they
    /// hold those of the last whole step.
    public func run(observer: any TrainingObserver) throws -> TrainingResult {
        if progress.step == 0, !data.validation.isEmpty, progress.validationBefore == nil {
            try validate(observer)
        }
        var end = TrainingResult.End.completed
        while progress.step < options.steps {
            // Asked before the step, so that a run resumed at this very place ends as it would have.
            if options.patience > 0, progress.validationsSinceBest >= options.patience {
                end = .patience
                break
            }
            try observer.willBeginStep()
            if observer.wantsPause {
                end = .paused
                break
            }
            try makeStep(observer)
            let isLast = progress.step == options.steps
            if isLast || progress.step % options.evaluateEvery == 0, !data.validation.isEmpty {
                try validate(observer)
            }
            try observer.didCompleteStep(self)
        }
        if end != .paused, case .kept(let best) = progress.best {
            try MasterStore.restore(parameters, from: best)
        }
        return TrainingResult(
            end: end, lastStep: progress.step, bestStep: progress.bestStep ?? progress.step,
            validationBefore: progress.validationBefore, validationBest: progress.bestLoss,
            validationLast: progress.validationLast, lastLoss: progress.lastLoss)
    }

    /// Mean loss of the first batch under the current parameters, nats: the reference traces' closing figure.
    ///
    /// - Throws: `KeptOutputChanged`.
    public func firstBatchLoss() throws -> Double {
        let chosen = plan.windows(step: 0)
        let counted = try chosen.reduce(0) { $0 + (try data.training[$1].countedCount) }
        var sum = 0.0
        for index in chosen {
            let prefix = try prefix(.training, index)
            let start = prefix == nil ? 0 : lowestLayer
            for loss in try decoder.losses(try data.training[index], prefix: prefix, from: start) {
                sum += Double(loss)
            }
        }
        return sum / Double(max(1, counted))
    }

    /// Loss of the validation windows under the current parameters; nil where there are none.
    ///
    /// - Parameter progress: called with the number of windows done.
    /// - Throws: `KeptOutputChanged`.
    public func evaluateValidation(progress: ((Int) -> Void)? = nil) throws -> MeanLoss? {
        guard !data.validation.isEmpty else { return nil }
        var mean = MeanLoss()
        try data.validation.forEach { index, window in
            let prefix = try prefix(.validation, index)
            mean.add(try decoder.losses(window, prefix: prefix, from: prefix == nil ? 0 : lowestLayer))
            progress?(index + 1)
        }
        return mean
    }

    /// Outputs of frozen layers that are kept in memory across steps, oldest first; only scope `tail` has any.
    public var keptOutputs: [KeptOutput] { cache.kept }

    /// Bytes of memory that outputs of frozen layers take now, kept or passing through.
    public var keptOutputByteCount: Int { cache.memoryByteCount }

    private func makeStep(_ observer: any TrainingObserver) throws {
        let started = DispatchTime.now().uptimeNanoseconds
        let index = progress.step
        let chosen = plan.windows(step: index)
        for parameter in parameters { parameter.gradient.clear() }
        let drawn = try chosen.enumerated().map { draw.draw(try data.training[$1], step: index, place: $0) }
        let counted = drawn.reduce(0) { $0 + $1.countedCount }
        var sum = 0.0
        for (place, window) in zip(chosen, drawn) {
            for loss in try losses(window, at: place, scale: 1 / Float(counted)) { sum += Double(loss) }
        }
        let loss = sum / Double(counted)
        guard loss.isFinite else {
            throw TrainingError.nonFinite(quantity: "the loss", step: index + 1, lastGoodStep: index)
        }
        var squares = 0.0
        for parameter in parameters { squares += parameter.gradient.sumOfSquares(workers: decoder.workers) }
        let norm = squares.squareRoot()
        guard norm.isFinite else {
            throw TrainingError.nonFinite(quantity: "the gradient norm", step: index + 1, lastGoodStep: index)
        }
        if let note = cache.takeNote() { try observer.didNote(note) }
        try observer.willUpdate(step: index + 1, secondsSoFar: Self.seconds(since: started))
        if case .current = progress.best { progress.best = .kept(try store.keep(parameters)) }
        let rate = schedule.rate(at: index)
        optimizer.update(parameters, rate: rate, gradientScale: clipScale(norm), workers: decoder.workers)
        bounds?.hold()
        let tokens = try chosen.reduce(0) { $0 + (try data.training[$1].inputs.count) }
        progress.step += 1
        progress.totalTokens += tokens
        progress.lastLoss = loss
        try observer.didStep(
            StepRecord(
                step: progress.step, loss: loss, learningRate: rate, gradientNorm: norm,
                totalTokens: progress.totalTokens, tokens: tokens, seconds: Self.seconds(since: started)))
    }

    /// - Parameters:
    ///   - window: training window `index`, with the targets that count in this step.
    private func losses(_ window: TokenWindow, at index: Int, scale: Float) throws -> [Float] {
        let prefix = try prefix(.training, index)
        return try decoder.lossesAddingGradients(
            window, scale: scale, lowest: lowestLayer, prefix: prefix,
            from: prefix == nil ? 0 : lowestLayer, disturb: noise?.disturbance(step: progress.step, window: index))
    }

    /// Output of the frozen layers for a window in scope `tail`; nil in the others, where no layer below is frozen.
    private func prefix(_ part: WindowPlace.Part, _ index: Int) throws -> Matrix? {
        guard keepsPrefix else { return nil }
        let window = try part == .training ? data.training[index] : data.validation[index]
        return try cache.output(
            of: WindowPlace(part: part, index: index), rows: window.inputs.count,
            columns: decoder.configuration.embeddingLength
        ) { try decoder.prefix(window, layersBelow: lowestLayer, into: $0) }
    }

    /// Factor that brings the gradient's norm down to the limit: `min(1, C / (norm + 1e-6))`.
    private func clipScale(_ norm: Double) -> Float {
        guard options.gradientClip > 0 else { return 1 }
        return Float(min(1, options.gradientClip / (norm + 1e-6)))
    }

    private func validate(_ observer: any TrainingObserver) throws {
        guard let evaluation = try evaluateValidation() else { return }
        if let note = cache.takeNote() { try observer.didNote(note) }
        progress.validationLast = evaluation.value
        var isBest = false
        if progress.step == 0 {
            progress.validationBefore = evaluation.value
        } else if evaluation.value.isFinite, evaluation.value < progress.bestLoss ?? .infinity {
            isBest = true
            progress.bestLoss = evaluation.value
            progress.bestStep = progress.step
            progress.best = .current
            progress.validationsSinceBest = 0
        } else {
            progress.validationsSinceBest += 1
        }
        try observer.didValidate(
            ValidationRecord(
                step: progress.step, loss: evaluation.value, countedTokens: evaluation.count, isBest: isBest))
    }

    private static func seconds(since start: UInt64) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    private static func check(_ windows: TokenWindows, part: String, shape: DecoderConfiguration) throws {
        try windows.forEach { index, window in
            guard window.inputs.count <= shape.contextLength else {
                throw TrainingError.invalidOption(
                    name: "seq-len", value: "\(window.inputs.count)",
                    reason: "the base's context length is \(shape.contextLength) tokens")
            }
            for (position, token) in (window.inputs + window.targets.suffix(1)).enumerated()
            where token < 0 || Int(token) >= shape.vocabularySize {
                throw TrainingError.tokenOutOfRange(
                    token: Int(token), part: part, window: index, position: position,
                    vocabularySize: shape.vocabularySize)
            }
        }
    }
}

/// Where a run stands: what a checkpoint holds besides masters and optimiser state.
struct TrainingProgress {
    var step = 0
    var totalTokens = 0
    var lastLoss = Double.nan
    var validationBefore: Double?
    var validationLast: Double?
    var bestLoss: Double?
    var bestStep: Int?
    var best: BestMasters?
    var validationsSinceBest = 0
}
