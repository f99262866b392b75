import Corpus
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct GainBoundsTests {
    @Test func `however large the rate, no gain leaves what an adapter may hold`() throws {
        let base = try GGUFFile(path: Repository.reference("qwen2-untied-q4_0.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        let stream = try TokenFile(
            path: Repository.reference("tokens.json"), vocabularySize: decoder.configuration.vocabularySize
        ).stream
        var options = TrainingOptions()
        options.learningRate = 0.5
        options.steps = 6
        let before = Dictionary(uniqueKeysWithValues: decoder.gains.map { ($0.name, $0.values.values) })
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: try Windows(stream, sequenceLength: 16), validation: nil),
            options: options, exists: { base.tensor(named: $0) != nil })
        _ = try trainer.run(observer: Recorder())
        var largest: Float = 0
        for parameter in trainer.parameters {
            let gains = try #require(before[parameter.name])
            let limit = gains.map(\.magnitude).max() ?? 0
            for (new, old) in zip(parameter.value.values, gains) {
                #expect((new - old).magnitude < limit)
                largest = max(largest, (new - old).magnitude / limit)
            }
        }
        #expect(largest > 0.99, "the rate must be large enough to meet the bound: \(largest)")
    }

    @Test func `a start from outside is moved to the bound before the first step, and other gains stay the base's`()
        throws
    {
        let base = try GGUFFile(path: Repository.reference("qwen2-untied-q4_0.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 1))
        let stream = try TokenFile(
            path: Repository.reference("tokens.json"), vocabularySize: decoder.configuration.vocabularySize
        ).stream
        let before = Dictionary(uniqueKeysWithValues: decoder.gains.map { ($0.name, $0.values.values) })
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: try Windows(stream, sequenceLength: 16), validation: nil),
            options: TrainingOptions(), exists: { base.tensor(named: $0) != nil })
        let old = try #require(before["output_norm.weight"])
        let limit = (old.map(\.magnitude).max() ?? 0) * (1 - 0x1p-9)
        trainer.start(from: [("output_norm.weight", old.map { $0 + 2 * limit })])
        for parameter in trainer.parameters {
            let gains = try #require(before[parameter.name])
            let expected = parameter.name == "output_norm.weight" ? gains.map { $0 + limit } : gains
            #expect(parameter.value.values == expected)
        }
    }
}
