import Corpus
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

/// What the trainer does around the gradients: clipping, the rate's course, validation, the best step, patience.
@Suite struct TrainerTests {
    /// Trains on one token said over and over. Validation text, if any, says everything but that: the better the one
    /// is learned, the worse the other gets, from the first step on.
    private static func trainer(
        validates: Bool = true, keptFolder: String? = nil, _ change: (inout TrainingOptions) -> Void
    ) throws -> BoundaryTrainer {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        let same = TokenStream(tokens: Array(repeating: 7, count: 4 * 16 + 1))
        let other = TokenStream(tokens: (0...16).map { Int32(100 + 3 * $0) })
        var options = TrainingOptions()
        options.steps = 4
        change(&options)
        return try BoundaryTrainer(
            decoder: decoder,
            data: TrainingData(
                training: Windows(same, sequenceLength: 16),
                validation: validates ? Windows(other, sequenceLength: 16) : nil),
            options: options, exists: { base.tensor(named: $0) != nil }, keptFolder: keptFolder)
    }

    @Test func `the rate of every step is the schedule's`() throws {
        let trainer = try Self.trainer(validates: false) {
            $0.steps = 5
            $0.warmup = 2
            $0.schedule = .cosine
            $0.learningRate = 0.01
        }
        let recorder = Recorder()
        _ = try trainer.run(observer: recorder)
        let schedule = Schedule(trainer.options)
        #expect(recorder.records.map(\.learningRate) == (0..<5).map { schedule.rate(at: $0) })
        #expect(recorder.records.map(\.step) == Array(1...5))
        #expect(recorder.records.map(\.totalTokens) == (1...5).map { $0 * 16 })
    }

    // SGD's step is rate · gradient · scale, so that the length of the change shows the scale.
    @Test(arguments: [0, 0.05, 1e6])
    func `the gradient is scaled down to the limit, and never up`(limit: Double) throws {
        let trainer = try Self.trainer(validates: false) {
            $0.steps = 1
            $0.optimizer = .sgd
            $0.learningRate = 1e-3
            $0.gradientClip = limit
        }
        let before = trainer.parameters.map(\.value.values)
        let recorder = Recorder()
        _ = try trainer.run(observer: recorder)
        let norm = try #require(recorder.records.first).gradientNorm
        #expect(norm > 0.05, "the test needs a gradient above its limit")
        var length = 0.0
        for (new, old) in zip(trainer.parameters.flatMap(\.value.values), before.joined()) {
            length += (Double(new) - Double(old)) * (Double(new) - Double(old))
        }
        length = length.squareRoot()
        let wanted = 1e-3 * (limit == 0 ? norm : min(norm, limit))
        // The gains are near 1, so that a change of 1e-5 in them is rounded to about 1e-2 of itself at worst.
        #expect(abs(length - wanted) < 0.02 * wanted, "\(length) for \(wanted)")
    }

    // Scope boundary puts its best masters aside in a file.
    @Test(arguments: [(Scope.norms, 0.1), (.boundary, 0.01)])
    func `the best of the validated steps is what stays, and step 0 is no candidate`(scope: Scope, rate: Double) throws
    {
        let folder = TemporaryFolder()
        let trainer = try Self.trainer(keptFolder: folder.path) {
            $0.scope = scope
            $0.steps = 9
            $0.learningRate = rate
            $0.evaluateEvery = 2
        }
        let watcher = Keeper()
        let result = try trainer.run(observer: watcher)
        #expect(watcher.validations.map(\.step) == [0, 2, 4, 6, 8, 9])
        let candidates = watcher.validations.dropFirst()
        let best = try #require(candidates.min { $0.loss < $1.loss })
        #expect(watcher.validations[0].loss < best.loss, "the test needs a base that is better than every step")
        #expect(result.bestStep == best.step)
        #expect(result.lastStep == 9 && result.end == .completed)
        #expect(result.validationBefore == watcher.validations[0].loss)
        #expect(result.validationBest == best.loss)
        #expect(result.validationLast == watcher.validations.last?.loss)
        #expect(best.step != 9, "the test needs a best step before the last")
        #expect(trainer.parameters.map(\.value.values) == watcher.values[best.step])
        // Each record says whether it was the lowest so far.
        var lowest = Double.infinity
        for record in candidates {
            #expect(record.isBest == (record.loss < lowest))
            lowest = min(lowest, record.loss)
        }
        #expect(!watcher.validations[0].isBest)
    }

    @Test(arguments: [1, 2])
    func `patience ends the run after as many validations without a new best`(patience: Int) throws {
        let trainer = try Self.trainer {
            $0.steps = 20
            $0.learningRate = 0.1
            $0.evaluateEvery = 1
            $0.patience = patience
        }
        let watcher = Keeper()
        let result = try trainer.run(observer: watcher)
        #expect(result.end == .patience)
        #expect(result.lastStep < 20)
        #expect(result.lastStep == result.bestStep + patience)
        #expect(watcher.validations.suffix(patience).allSatisfy { !$0.isBest })
        #expect(trainer.parameters.map(\.value.values) == watcher.values[result.bestStep])
    }

    @Test func `with nothing to validate the last step is what stays`() throws {
        let trainer = try Self.trainer(validates: false) {
            $0.steps = 3
            $0.learningRate = 0.3
            $0.patience = 1
        }
        let watcher = Keeper()
        let result = try trainer.run(observer: watcher)
        #expect(watcher.validations.isEmpty)
        #expect(result.bestStep == 3 && result.lastStep == 3 && result.end == .completed)
        #expect(result.validationBefore == nil && result.validationBest == nil && result.validationLast == nil)
        #expect(trainer.parameters.map(\.value.values) == watcher.values[3])
    }

    @Test func `a batch's loss is the mean over all its counted targets`() throws {
        let trainer = try Self.trainer(validates: false) {
            $0.steps = 1
            $0.batchSize = 3
            $0.learningRate = 0
        }
        let recorder = Recorder()
        _ = try trainer.run(observer: recorder)
        let loss = try #require(recorder.losses.first)
        #expect(abs(try trainer.firstBatchLoss() - loss) < 1e-6, "\(loss)")
    }

    @Test func `a token outside the vocabulary is named with its window and place`() throws {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        var tokens = [Int32](repeating: 1, count: 13)
        tokens[6] = 512
        let windows = try Windows(TokenStream(tokens: tokens), sequenceLength: 4)
        #expect(
            throws: TrainingError.tokenOutOfRange(
                token: 512, part: "training", window: 1, position: 2, vocabularySize: 512)
        ) {
            try BoundaryTrainer(
                decoder: decoder, data: TrainingData(training: windows, validation: nil), options: TrainingOptions(),
                exists: { base.tensor(named: $0) != nil })
        }
    }
}

@Suite struct EvaluationTests {
    @Test func `the mean is over counted targets, not over windows`() throws {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        let ids = (0..<17).map { Int32($0 * 7 % 512) }
        func window(_ start: Int, counting: (Int) -> Bool) -> TokenWindow {
            TokenWindow(
                inputs: Array(ids[start..<start + 8]), targets: Array(ids[start + 1..<start + 9]),
                counted: (0..<8).map(counting))
        }
        let all = try [window(0) { _ in true }, window(8) { _ in true }].map { try decoder.losses($0) }
        let masked = [window(0) { $0 == 5 }, window(8) { $0 != 2 }]
        var seen: [Int] = []
        let evaluation = try Evaluation.run(TokenWindows(masked), on: decoder) { seen.append($0) }
        #expect(seen == [1, 2])
        let wanted = [all[0][5]] + all[1].enumerated().filter { $0.offset != 2 }.map(\.element)
        #expect(evaluation.losses.count == 8)
        for (got, want) in zip(evaluation.losses, wanted) { #expect(abs(got - want) < 1e-5) }
        let mean = evaluation.losses.reduce(0.0) { $0 + Double($1) } / 8
        #expect(evaluation.meanLoss == mean)
        // The mean of the two windows' means is another number.
        let means = [Double(all[0][5]), all[1].reduce(0.0) { $0 + Double($1) } / 8]
        #expect(abs(evaluation.meanLoss - (means[0] + means[1]) / 2) > 1e-3)
        #expect(try Evaluation.run(TokenWindows([]), on: decoder).meanLoss.isNaN)
    }
}

/// Keeps every step's values besides what a recorder keeps.
private final class Keeper: TrainingObserver {
    var validations: [ValidationRecord] = []
    var values: [Int: [[Float]]] = [:]

    func willUpdate(step: Int, secondsSoFar: Double) throws {}
    func didStep(_ record: StepRecord) throws {}
    func didValidate(_ record: ValidationRecord) throws { validations.append(record) }
    func didCompleteStep(_ trainer: BoundaryTrainer) throws {
        values[trainer.step] = trainer.parameters.map(\.value.values)
    }
    var wantsPause: Bool { false }
}
