internal import Conventions
internal import Corpus
internal import Device
internal import Digest
internal import Foundation
internal import GGUF
internal import Model
public import TensorCore
public import Training

/// Times training steps, or forward passes, of a base on seeded random tokens: no corpus, no seal, no run folder.
///
/// The first step warms up and is not timed. Scope `tail` is timed twice: over a first pass, in which the output of the
/// frozen layers is computed for every window, and over a second, which takes it from the cache.
public struct StepBenchmark: Sendable {
    public struct Result: Sendable {
        /// Seconds of a step; for scope `tail` after the first pass over the data.
        public let seconds: Spread
        public let operations: StepOperations
        /// Seconds of a step in the first pass, and its operations; scope `tail` only.
        public let firstPassSeconds: Spread?
        public let firstPassOperations: StepOperations?
        /// Mean wall seconds of a timed step by operation; empty where the workers have no clock.
        public let operationSeconds: [OperationKind: Double]
        /// Mean loss of the last step's windows, nats per token: the same for any number of threads.
        public let loss: Double
        /// Most resident memory of the process so far (`VmHWM`), in bytes; nil where the system does not tell.
        public let peakResidentBytes: Int?
        /// Most anonymous memory seen: every 2 ms while the decoder is made and during the first step, and after
        /// every step.
        public let peakAnonymousBytes: Int?
        /// What `train` plans for such a step, without what it sets aside for checkpoints and reports; nil for a forward
        /// pass.
        public let plannedAnonymousBytes: Int?
        /// Operations per second, in thousand millions, that the instruction of this arithmetic reaches on as many
        /// threads without memory; nil where it is not measured.
        public let peakGops: Double?

        public var achievedGops: Double { operations.total / seconds.median / 1e9 }
        public var shareOfPeak: Double? { peakGops.map { achievedGops / $0 } }
    }

    public var scope: Scope = .norms
    /// How AdamW keeps its moments of matrices; eight bits are for scope `boundary`.
    public var moments: Moments.Form = .f32
    /// Whether only the forward pass with the loss of every target is timed.
    public var isForwardOnly = false
    /// Tokens per window.
    public var sequenceLength = TrainingRequest.Defaults.sequenceLength
    public var batchSize = 1
    /// Timed steps, at least 1.
    public var repeats = 5
    /// Most anonymous memory, as `train` plans it; nil keeps everything. For training steps only.
    public var memoryBudget: Int?
    public var seed: UInt64 = 0

    public init() {}

    /// - Parameter progress: steps done, and steps in all.
    /// - Throws: `RunError.sequenceTooLong`, `RunError.budgetTooSmall` or `.limitTooSmall` before anything large is allocated, `ModelError`,
    ///   `TrainingError`.
    public func run(_ base: LoadedBase, progress: ((Int, Int) -> Void)? = nil) throws -> Result {
        let watch = AnonymousMemoryWatch()
        let peakBefore = MachinePeak.gops(of: base.arithmetic, workers: base.workers)
        let decoder = try base.decoder()
        let shape = decoder.configuration
        guard sequenceLength <= shape.contextLength else {
            throw RunError.sequenceTooLong(requested: sequenceLength, contextLength: shape.contextLength)
        }
        let measured =
            try isForwardOnly
            ? passes(decoder, watch, progress) : steps(decoder, base: base, watch, progress)
        watch.stop()
        watch.look()
        let peakAfter = MachinePeak.gops(of: base.arithmetic, workers: base.workers)
        let repeatsPassTwo = scope == .tail && !isForwardOnly
        let operations = { (prefixIsKept: Bool) in
            StepOperations(
                shape, scope: isForwardOnly ? nil : scope, tokens: sequenceLength, batchSize: batchSize,
                prefixIsKept: prefixIsKept)
        }
        let memory = MemoryProbe.sample()
        return Result(
            seconds: Spread(measured.seconds.suffix(repeats)), operations: operations(repeatsPassTwo),
            firstPassSeconds: repeatsPassTwo ? Spread(Array(measured.seconds.prefix(repeats))) : nil,
            firstPassOperations: repeatsPassTwo ? operations(false) : nil,
            operationSeconds: (measured.operationSeconds).mapValues { $0 / Double(repeats) }, loss: measured.loss,
            peakResidentBytes: memory?.peakResidentBytes, peakAnonymousBytes: memory.map { _ in watch.peakBytes },
            plannedAnonymousBytes: measured.plannedBytes,
            peakGops: [peakBefore, peakAfter].compactMap(\.self).max())
    }

    /// Windows of uniformly drawn tokens: enough that no timed step sees a window twice in one pass.
    private func windows(vocabularySize: Int) throws -> Windows {
        var random = CounterRandom(seed: seed, purpose: "bench tokens")
        let count = (repeats + 1) * batchSize * sequenceLength + 1
        let tokens = (0..<count).map { _ in Int32(random.nextInt(below: vocabularySize)) }
        return try Windows(TokenStream(tokens: tokens), sequenceLength: sequenceLength)
    }

    private func steps(
        _ decoder: Decoder, base: LoadedBase, _ watch: AnonymousMemoryWatch, _ progress: ((Int, Int) -> Void)?
    ) throws -> StepClock.Measured {
        let windows = try windows(vocabularySize: decoder.configuration.vocabularySize)
        var options = TrainingOptions()
        options.scope = scope
        options.moments = moments
        options.batchSize = batchSize
        // One to warm up and `repeats` to time; scope `tail` goes over the same windows once more.
        let pass = repeats + 1
        options.steps = scope == .tail ? 2 * pass : pass
        options.gradientClip = TrainingRequest.Defaults.gradientClip
        let memory = try RunMemory(
            gguf: base.gguf, shape: decoder.configuration, options: options, arithmetic: base.arithmetic,
            threads: base.workers.count, tokens: sequenceLength, windows: windows.count,
            budget: memoryBudget)
        try decoder.reserve(memory.pass)
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: windows, validation: nil), options: options,
            exists: { base.gguf.tensor(named: $0) != nil },
            prefixStorage: PrefixStorage(
                memoryLimit: memory.keptOutputLimit, folder: FileManager.default.temporaryDirectory.path))
        let clock = StepClock(
            times: decoder.workers.times, watch: watch, steps: options.steps, repeats: repeats, progress: progress)
        _ = try trainer.run(observer: clock)
        var measured = clock.measured
        measured.plannedBytes = memory.total - RunMemory.reserve
        return measured
    }

    private func passes(
        _ decoder: Decoder, _ watch: AnonymousMemoryWatch, _ progress: ((Int, Int) -> Void)?
    ) throws -> StepClock.Measured {
        let windows = try TokenWindows(windows(vocabularySize: decoder.configuration.vocabularySize)).all()
        let clock = StepClock(
            times: decoder.workers.times, watch: watch, steps: repeats + 1, repeats: repeats, progress: progress)
        for step in 0...repeats {
            let began = ContinuousClock.now
            var sum = 0.0
            for window in windows[step * batchSize..<(step + 1) * batchSize] {
                for loss in try decoder.losses(window) { sum += Double(loss) }
            }
            let seconds = secondsSince(began)
            guard sum.isFinite else { throw InputError.lossNotFinite(target: 0) }
            clock.didStep(seconds: seconds, loss: sum / Double(batchSize * sequenceLength))
        }
        return clock.measured
    }
}

func secondsSince(_ began: ContinuousClock.Instant) -> Double {
    let (whole, part) = (ContinuousClock.now - began).components
    return Double(whole) + Double(part) * 1e-18
}

/// Notes what each step took, and where the timed ones spent it.
private final class StepClock: TrainingObserver {
    struct Measured {
        /// Every timed step's: the warm-up, step 1, is left out, and so is the one that begins a second pass.
        var seconds: [Double] = []
        /// Of the last `repeats` steps together.
        var operationSeconds: [OperationKind: Double] = [:]
        var loss = 0.0
        var plannedBytes: Int?
    }

    private(set) var measured = Measured()
    private let times: OperationTimes?
    private let watch: AnonymousMemoryWatch
    private let steps: Int
    private let repeats: Int
    private let progress: ((Int, Int) -> Void)?
    private var done = 0

    init(
        times: OperationTimes?, watch: AnonymousMemoryWatch, steps: Int, repeats: Int,
        progress: ((Int, Int) -> Void)?
    ) {
        self.times = times
        self.watch = watch
        self.steps = steps
        self.repeats = repeats
        self.progress = progress
    }

    var wantsPause: Bool { false }

    func willUpdate(step: Int, secondsSoFar: Double) {
        watch.look()
        times?.begin(.optimizer)
    }

    func didStep(_ record: StepRecord) {
        times?.end()
        didStep(seconds: record.seconds, loss: record.loss)
    }

    func didValidate(_ record: ValidationRecord) {}

    func didStep(seconds: Double, loss: Double) {
        if done % (repeats + 1) != 0 { measured.seconds.append(seconds) }
        measured.loss = loss
        done += 1
        // The watch takes processor time, so it ends with the warm-up.
        watch.stop()
        watch.look()
        progress?(done, steps)
        if done == steps { measured.operationSeconds = times?.seconds ?? [:] }
        if done == steps - repeats { times?.restart() }
    }
}
