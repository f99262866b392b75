import Corpus
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

/// AdamW with moments in eight bits beside AdamW with moments in f32, on the whole boundary of a reference model.
@Suite struct EightBitTests {
    /// Losses of every step, and by how much the validation loss fell, nats.
    private static func run(_ moments: Moments.Form, threads: Int = 2, seed: UInt64 = 0, steps: Int) throws
        -> (steps: [Double], learned: Double, masters: [[Float]])
    {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: threads))
        var options = TrainingOptions()
        options.scope = .boundary
        options.moments = moments
        options.learningRate = 3e-3
        options.weightDecay = 0.01
        options.gradientClip = 1
        options.steps = steps
        options.evaluateEvery = 20
        options.batchSize = 2
        options.seed = .number(seed)
        let stream = try TokenFile(
            path: Repository.reference("tokens.json"), vocabularySize: decoder.configuration.vocabularySize
        ).stream
        let parts = try Windows(stream, sequenceLength: 16).split(validationFraction: 0.2)
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: parts.training, validation: parts.validation),
            options: options, exists: { base.tensor(named: $0) != nil })
        let recorder = Recorder()
        let result = try trainer.run(observer: recorder)
        let learned = try #require(result.validationBefore) - #require(result.validationBest)
        return (recorder.losses, learned, trainer.parameters.map(\.value.values))
    }

    // On nano and the three collections, three epochs differ by at most 0.0007 nats on validation and test text.
    @Test func `eight bits follow f32`() throws {
        let (exact, eight) = (try Self.run(.f32, steps: 40), try Self.run(.int8, steps: 40))
        #expect(exact.steps[0] == eight.steps[0])
        let worst = zip(exact.steps, eight.steps).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst > 0 && worst < 0.01, "\(worst)")
        #expect(exact.learned > 0.5, "the test needs a run that learns: \(exact.learned)")
        #expect(abs(exact.learned - eight.learned) < 0.005 * exact.learned, "\(eight.learned) for \(exact.learned)")
    }

    @Test func `threads change no bit, the seed does`() throws {
        let (one, three) = (try Self.run(.int8, threads: 1, steps: 3), try Self.run(.int8, threads: 3, steps: 3))
        #expect(one.masters == three.masters && one.steps == three.steps)
        #expect(try Self.run(.int8, seed: 1, steps: 3).masters != one.masters)
    }
}
