import Corpus
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct HiddenNoiseTests {
    private static func noise(
        deviation: Double = 0.1, seed: UInt64 = 1, step: Int = 0, window: Int = 0, layer: Int = 0, rows: Int = 2
    ) -> [Float] {
        let hidden = Matrix(rows: rows, columns: 4_000)
        hidden.withMutableSpan { values in
            for index in values.indices { values[index] = index % 2 == 0 ? 3 : -3 }
        }
        HiddenNoise(deviation: deviation, seed: seed).disturbance(step: step, window: window)(layer, hidden)
        return hidden.values.enumerated().map { $1 - ($0 % 2 == 0 ? 3 : -3) }
    }

    // The mean square of 8,000 normal numbers strays from 1 by 1.6 % (one sigma), their mean from 0 by 1.1 %.
    @Test(arguments: [0.01, 0.1])
    func `noise has the size that was asked for, relative to the row's`(deviation: Double) {
        let values = Self.noise(deviation: deviation).map { Double($0) / (3 * deviation) }
        #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 8_000 - 1) < 0.08)
        #expect(abs(values.reduce(0, +) / 8_000) < 0.05)
        #expect(values.contains { $0 > 2.5 } && values.contains { $0 < -2.5 })
    }

    @Test func `noise is another for every seed, step, window and layer, and the same again`() {
        let all = [
            Self.noise(), Self.noise(seed: 2), Self.noise(step: 1), Self.noise(window: 1), Self.noise(layer: 1),
        ]
        #expect(Set(all).count == all.count)
        #expect(Self.noise() == all[0])
        #expect(Array(all[0].prefix(4_000)) != Array(all[0].suffix(4_000)))
    }

    private static func train(_ noise: HiddenNoise?) throws -> (losses: [Double], validation: [Double]) {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        let stream = TokenStream(tokens: (0..<65).map { Int32($0 * 7 % 40) })
        var options = TrainingOptions()
        options.steps = 3
        options.learningRate = 0
        let windows = try Windows(stream, sequenceLength: 16)
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: windows, validation: windows), options: options,
            exists: { base.tensor(named: $0) != nil })
        trainer.noise = noise
        let seen = Seen()
        let result = try trainer.run(observer: seen)
        return (seen.losses, [result.validationBefore, result.validationBest].compactMap { $0 })
    }

    @Test func `training passes are disturbed, validations are not`() throws {
        let plain = try Self.train(nil)
        let noisy = try Self.train(HiddenNoise(deviation: 0.3, seed: 4))
        #expect(plain.validation.count == 2 && noisy.validation == plain.validation)
        for (a, b) in zip(plain.losses, noisy.losses) { #expect(abs(a - b) > 1e-4) }
        #expect(try Self.train(HiddenNoise(deviation: 0, seed: 4)).losses == plain.losses)
    }

    private final class Seen: TrainingObserver {
        var losses: [Double] = []
        let wantsPause = false
        func willUpdate(step: Int, secondsSoFar: Double) {}
        func didStep(_ record: StepRecord) { losses.append(record.loss) }
        func didValidate(_ record: ValidationRecord) {}
    }
}
