internal import Corpus
internal import Digest
internal import Dispatch
internal import Foundation
internal import GGUF
package import Model
internal import PolymathKit
internal import Synchronization
internal import TensorCore
internal import Training

/// One training of a contestant on a person's text.
package struct Trial: Sendable {
    package let contestant: Contestant
    package let person: String
    package let rate: Double
    var seed: UInt64 = 0
    /// nil means as many as `polymath train` makes: three epochs.
    var steps: Int?
    /// Noise on hidden states in training passes, relative to each row; 0 is none.
    var noise = 0.0

    package init(
        contestant: Contestant, person: String, rate: Double, seed: UInt64 = 0, steps: Int? = nil, noise: Double = 0
    ) {
        self.contestant = contestant
        self.person = person
        self.rate = rate
        self.seed = seed
        self.steps = steps
        self.noise = noise
    }
}

/// What a trial came to.
package struct TrialResult: Sendable {
    package let trial: Trial
    /// Mean loss on validation text of what would be shipped, nats; infinite where training broke down.
    package let validation: Double
    package let steps: Int
    package let bestStep: Int
    package let byteCount: Int
    /// What a reader would have, by parameter.
    package let shipped: [[Float]]

    package init(
        trial: Trial, validation: Double, steps: Int, bestStep: Int, byteCount: Int, shipped: [[Float]]
    ) {
        self.trial = trial
        self.validation = validation
        self.steps = steps
        self.bestStep = bestStep
        self.byteCount = byteCount
        self.shipped = shipped
    }
}

/// Trains contestants under the same conditions: `polymath train`'s options, order of windows, validations and choice of
/// the best step, in f32. Only what is trained and the rate differ. Test text is read by ``testLoss(_:)`` alone.
package final class Trials {
    /// Tokens of a window.
    static let sequenceLength = TrainingRequest.Defaults.sequenceLength
    let bench: Workbench
    let people: [String]
    package let shape: DecoderConfiguration
    private let material: Material
    private let test: [String: TokenWindows]

    package init(_ bench: Workbench, people: [String]) throws {
        self.bench = bench
        self.people = people
        let base = try bench.base()
        shape = try base.decoder().configuration
        let tokenizer = try base.tokenizer()
        var texts: [String: Material.Text] = [:]
        var test: [String: TokenWindows] = [:]
        for person in people {
            let corpus = try bench.corpus(person)
            func windows(_ documents: Documents) throws -> TokenWindows {
                let stream = try TokenStream(documents, tokenizer: tokenizer)
                return TokenWindows(try Windows(stream, sequenceLength: Self.sequenceLength))
            }
            func some(_ windows: TokenWindows) -> TokenWindows { bench.isQuick ? windows.prefix(2) : windows }
            texts[person] = Material.Text(
                data: TrainingData(
                    training: try windows(corpus.training),
                    validation: some(try windows(corpus.validation))))
            test[person] = some(try windows(corpus.test))
        }
        self.test = test
        material = Material(gguf: base.gguf, texts: texts, quickSteps: bench.isQuick ? 12 : nil)
    }

    /// Runs trials side by side, one thread each; threads change no bit of a result.
    ///
    /// - Returns: in the order of `trials`.
    package func run(_ trials: [Trial], label: String = "training") throws -> [TrialResult] {
        let material = material
        let next = Atomic<Int>(0)
        let results = Mutex<[Int: Result<TrialResult, any Error>]>([:])
        bench.note("\(trials.count) trainings")
        bench.time(label) {
            DispatchQueue.concurrentPerform(iterations: max(1, min(bench.threads, trials.count))) { _ in
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < trials.count else { return }
                    let result = Result { try material.run(trials[index]) }
                    results.withLock { $0[index] = result }
                }
            }
        }
        return try results.withLock { all in try trials.indices.compactMap { try all[$0]?.get() } }
    }

    /// Mean loss on test text of what a trial ships, nats, put into a fresh decoder.
    func testLoss(_ result: TrialResult) throws -> Double {
        try bench.time("evaluation") {
            let decoder = try Decoder(material.gguf, workers: Workers(count: bench.threads))
            let trial = result.trial
            let installed = try Installed(trial.contestant, in: decoder, seed: trial.seed, tokensPerStep: 0)
            for (parameter, values) in zip(installed.parameters, result.shipped) { parameter.set(values) }
            return try Evaluation.run(test[trial.person] ?? TokenWindows([]), on: decoder).meanLoss
        }
    }

    /// Mean loss of the base as it stands, nats.
    func baseLoss(_ person: String, part: Corpus.Part = .test) throws -> Double {
        let windows = part == .test ? test[person] : material.texts[person]?.data.validation
        let decoder = try Decoder(material.gguf, workers: Workers(count: bench.threads))
        return try Evaluation.run(windows ?? TokenWindows([]), on: decoder).meanLoss
    }

    /// Steps of three epochs of a person's text.
    func steps(_ person: String) throws -> Int {
        try material.options(Trial(contestant: .normGains(shape), person: person, rate: 1)).steps
    }

    /// Seconds of one step of each contestant on all threads: medians over steps made in turns, so that whatever else
    /// the machine does meets all alike.
    func stepSeconds(_ contestants: [Contestant], person: String) throws -> [Double] {
        try bench.time("timing of steps") {
            let turns = bench.isQuick ? 2 : 6
            let each = bench.isQuick ? 3 : 6
            let clocks = contestants.map { _ in StepSeconds() }
            let trainers = try contestants.map {
                try material.trainer(
                    Trial(contestant: $0, person: person, rate: 1e-6, steps: turns * each),
                    workers: Workers(count: bench.threads), validates: false
                ).trainer
            }
            for turn in 1...turns {
                for (trainer, clock) in zip(trainers, clocks) {
                    clock.end = turn * each
                    _ = try trainer.run(observer: clock)
                }
            }
            return clocks.map(\.median)
        }
    }

    /// Training windows of a person, for choosing tokens by.
    package func trainingWindows(_ person: String) throws -> [TokenWindow] {
        try material.texts[person]?.data.training.all() ?? []
    }

    package func decoder() throws -> Decoder { try Decoder(material.gguf, workers: Workers(count: bench.threads)) }
}

/// What a trial needs, to be shared between threads.
struct Material: Sendable {
    struct Text: Sendable {
        let data: TrainingData
    }

    let gguf: GGUFFile
    let texts: [String: Text]
    /// Steps of a smoke test.
    let quickSteps: Int?

    func options(_ trial: Trial) throws -> TrainingOptions {
        var request = TrainingRequest(base: "nano")
        request.learningRate = trial.rate
        request.seed = trial.seed
        request.steps = trial.steps ?? quickSteps
        return try request.options(
            windowCount: texts[trial.person]?.data.training.count ?? 0, seed: .number(trial.seed))
    }

    func trainer(
        _ trial: Trial, workers: Workers, validates: Bool = true
    ) throws -> (trainer: BoundaryTrainer, installed: Installed) {
        guard let text = texts[trial.person] else { throw TrainingError.noTrainingWindows }
        let decoder = try Decoder(gguf, workers: workers)
        let installed = try Installed(
            trial.contestant, in: decoder, seed: trial.seed, tokensPerStep: Trials.sequenceLength)
        let data = validates ? text.data : TrainingData(training: text.data.training)
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: data, options: options(trial), parameters: installed.parameters,
            lowestLayer: installed.lowestLayer)
        if trial.noise > 0 { trainer.noise = HiddenNoise(deviation: trial.noise, seed: trial.seed) }
        return (trainer, installed)
    }

    func run(_ trial: Trial) throws -> TrialResult {
        let (trainer, installed) = try trainer(trial, workers: Workers(count: 1))
        do {
            let result = try trainer.run(observer: Unwatched())
            try installed.roundToShipped()
            return TrialResult(
                trial: trial, validation: try trainer.evaluateValidation()?.value ?? .infinity,
                steps: result.lastStep, bestStep: result.bestStep, byteCount: installed.byteCount,
                shipped: installed.parameters.map(\.value.values))
        } catch TrainingError.nonFinite {
            // A rate far too high; it loses against every other.
            return TrialResult(
                trial: trial, validation: .infinity, steps: trainer.step, bestStep: 0,
                byteCount: installed.byteCount, shipped: installed.parameters.map(\.value.values))
        }
    }
}

private final class Unwatched: TrainingObserver {
    let wantsPause = false
    func willUpdate(step: Int, secondsSoFar: Double) {}
    func didStep(_ record: StepRecord) {}
    func didValidate(_ record: ValidationRecord) {}
}

/// Notes what steps take, and pauses a training after some of them.
private final class StepSeconds: TrainingObserver {
    var end = 0
    private var made = 0
    private var seconds: [Double] = []

    var wantsPause: Bool { made >= end }
    func willUpdate(step: Int, secondsSoFar: Double) {}
    func didStep(_ record: StepRecord) {
        made = record.step
        seconds.append(record.seconds)
    }
    func didValidate(_ record: ValidationRecord) {}

    var median: Double {
        let sorted = seconds.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}
