import Bytes
import Corpus
import Digest
import Foundation
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

/// Every loss trace of the reference, step by step.
@Suite struct ReferenceTraceTests {
    /// Design, section 8.
    static let tolerance = 1e-4

    static let traces = ["qwen2-tied-f32", "qwen2-untied-q4_0", "qwen2-tied-q4_k_m"].flatMap { model in
        ["norms-adamw", "tail-sgd", "all-norms-adamw", "boundary-sgd"].map { "\(model).\($0)" }
    }

    @Test(arguments: traces)
    func `a trace is reproduced`(name: String) throws {
        let trace = try JSONValue.parse(try WholeFile.read(Repository.reference("\(name).trace.json")))
        let base = try GGUFFile(path: Repository.reference(try #require(trace["model"]?.asString)))
        let decoder = try Decoder(base, workers: Workers(count: 2))
        var options = TrainingOptions()
        options.scope = try #require(trace["scope"]?.asString.flatMap(Scope.init))
        options.optimizer = try #require(trace["optimizer"]?.asString.flatMap(TrainingOptions.OptimizerKind.init))
        options.learningRate = try #require(trace["lr"]?.asDouble)
        options.steps = try #require(trace["steps"]?.asInt)
        options.batchSize = try #require(trace["batch"]?.asInt)
        let stream = try TokenFile(
            path: Repository.reference("tokens.json"), vocabularySize: decoder.configuration.vocabularySize
        ).stream
        let windows = try Windows(stream, sequenceLength: try #require(trace["seq_len"]?.asInt))
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: windows, validation: nil), options: options,
            exists: { base.tensor(named: $0) != nil })
        let recorder = Recorder()
        _ = try trainer.run(observer: recorder)
        let wanted = try #require(trace["loss"]?.asArray).compactMap(\.asDouble)
        #expect(recorder.losses.count == wanted.count)
        for (got, want) in zip(recorder.losses, wanted) {
            #expect(abs(got - want) <= Self.tolerance, "\(got) for \(want)")
        }
        let after = try #require(trace["loss_first_batch_after"]?.asDouble)
        #expect(abs(try trainer.firstBatchLoss() - after) <= Self.tolerance)
    }
}

/// Keeps what a run tells.
final class Recorder: TrainingObserver {
    var losses: [Double] = []
    var validations: [ValidationRecord] = []
    var records: [StepRecord] = []
    var pauseAfter: Int?

    func willUpdate(step: Int, secondsSoFar: Double) throws {}
    func didStep(_ record: StepRecord) throws {
        losses.append(record.loss)
        records.append(record)
    }
    func didValidate(_ record: ValidationRecord) throws { validations.append(record) }
    var wantsPause: Bool { pauseAfter.map { losses.count >= $0 } ?? false }
}
