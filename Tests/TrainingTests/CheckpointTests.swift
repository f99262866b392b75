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

/// A small trainer over a reference model, and a store of checkpoints beside it.
private struct Fixture {
    static let recipe = SHA256Digest.of([1, 2, 3])
    let folder = TemporaryFolder()
    var store: CheckpointStore { CheckpointStore(folder: folder.path("checkpoints")) }

    func trainer(
        _ scope: Scope, _ optimizer: TrainingOptions.OptimizerKind, moments: Moments.Form = .f32
    ) throws -> BoundaryTrainer {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 2))
        var options = TrainingOptions()
        options.scope = scope
        options.optimizer = optimizer
        options.learningRate = 0.01
        options.moments = moments
        options.schedule = .cosine
        options.warmup = 2
        options.steps = 8
        options.batchSize = 2
        options.seed = 5
        options.shuffle = true
        options.evaluateEvery = 2
        options.weightDecay = 0.1
        let stream = try TokenFile(
            path: Repository.reference("tokens.json"), vocabularySize: decoder.configuration.vocabularySize
        ).stream
        let parts = try Windows(stream, sequenceLength: 16).split(validationFraction: 0.2)
        return try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: parts.training, validation: parts.validation),
            options: options, exists: { base.tensor(named: $0) != nil }, keptFolder: folder.path)
    }

    /// A checkpoint after three steps of scope `norms`, and the trainer that it was taken of.
    func written() throws -> (record: CheckpointRecord, trainer: BoundaryTrainer) {
        let trainer = try trainer(.norms, .adamw)
        let recorder = Recorder()
        recorder.pauseAfter = 3
        #expect(try trainer.run(observer: recorder).end == .paused)
        return (try store.write(trainer, recipe: Self.recipe), trainer)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try WholeFile.read(folder.path("checkpoints/step_00000003/" + name))
    }

    func replace(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path("checkpoints/step_00000003/" + name)))
    }
}

@Suite struct CheckpointTests {
    static let kinds: [(Scope, TrainingOptions.OptimizerKind, Moments.Form)] = [
        (.norms, .adamw, .f32), (.norms, .sgd, .f32), (.boundary, .adamw, .f32), (.boundary, .adamw, .int8),
        (.boundary, .sgd, .f32), (.tail, .adamw, .f32),
    ]

    @Test(arguments: kinds)
    func `a resumed trainer goes on bit for bit as the undisturbed one`(
        scope: Scope, optimizer: TrainingOptions.OptimizerKind, moments: Moments.Form
    ) throws {
        let fixture = Fixture()
        let whole = try fixture.trainer(scope, optimizer, moments: moments)
        let undisturbed = Recorder()
        let wanted = try whole.run(observer: undisturbed)

        for pause in [1, 5] {
            let first = try fixture.trainer(scope, optimizer, moments: moments)
            let before = Recorder()
            before.pauseAfter = pause
            #expect(try first.run(observer: before).end == .paused)
            try fixture.store.write(first, recipe: Fixture.recipe)

            let second = try fixture.trainer(scope, optimizer, moments: moments)
            try second.restore(try fixture.store.read(step: pause, recipe: Fixture.recipe))
            let after = Recorder()
            let got = try second.run(observer: after)
            #expect(before.losses + after.losses == undisturbed.losses)
            #expect(before.validations + after.validations == undisturbed.validations)
            #expect(got.bestStep == wanted.bestStep)
            #expect(got.validationBefore == wanted.validationBefore)
            for (one, other) in zip(second.parameters, whole.parameters) {
                #expect(one.value.values.map(\.bitPattern) == other.value.values.map(\.bitPattern))
            }
        }
    }

    @Test func `what is written twice is the same bytes`() throws {
        let fixture = Fixture()
        let (record, trainer) = try fixture.written()
        let json = try fixture.bytes("checkpoint.json")
        #expect(try fixture.store.write(trainer, recipe: Fixture.recipe) == record)
        #expect(try fixture.bytes("checkpoint.json") == json)
        #expect(record.digest == SHA256Digest.of(json))
        let read = try fixture.store.read(step: 3, recipe: Fixture.recipe)
        #expect(read.step == 3)
        #expect(read.digest == record.digest)
        #expect(fixture.store.steps == [3])
        #expect(TemporaryNames.of(fixture.folder.path("checkpoints")).isEmpty)
    }

    @Test func `any changed byte of either file is refused`() throws {
        let fixture = Fixture()
        try _ = fixture.written()
        var random = SeededGenerator(seed: 7)
        for name in ["checkpoint.json", "state.f32"] {
            let good = try fixture.bytes(name)
            for _ in 0..<40 {
                var bad = good
                // The newline at the end is no part of the record.
                bad[Int(random.next() % UInt64(good.count - 1))] ^= 1 << UInt8(random.next() % 8)
                try fixture.replace(name, bad)
                #expect(throws: CheckpointError.self) {
                    try fixture.store.read(step: 3, recipe: Fixture.recipe)
                }
            }
            try fixture.replace(name, good)
        }
        _ = try fixture.store.read(step: 3, recipe: Fixture.recipe)
    }

    @Test func `a cut state, a missing file and another run's checkpoint are named`() throws {
        let fixture = Fixture()
        let (record, _) = try fixture.written()
        let state = try fixture.bytes("state.f32")
        let other = SHA256Digest.of([9])
        #expect(throws: CheckpointError.recipe(path: record.path, expected: other, found: Fixture.recipe)) {
            try fixture.store.read(step: 3, recipe: other)
        }
        try fixture.replace("state.f32", Array(state.dropLast(4)))
        #expect(
            throws: CheckpointError.stateSize(path: record.path, expected: state.count, found: state.count - 4)
        ) {
            try fixture.store.read(step: 3, recipe: Fixture.recipe)
        }
        try FileManager.default.removeItem(atPath: record.path + "/state.f32")
        #expect {
            try fixture.store.read(step: 3, recipe: Fixture.recipe)
        } throws: { error in
            guard let error = error as? CheckpointError, case .unreadable = error else { return false }
            return error.isDamage
        }
    }

    @Test func `a checkpoint of other tensors or another optimiser changes nothing`() throws {
        let fixture = Fixture()
        _ = try fixture.written()
        let checkpoint = try fixture.store.read(step: 3, recipe: Fixture.recipe)
        for trainer in [try fixture.trainer(.allNorms, .adamw), try fixture.trainer(.norms, .sgd)] {
            let before = trainer.parameters.map(\.value.values)
            #expect(throws: CheckpointError.self) { try trainer.restore(checkpoint) }
            #expect(trainer.parameters.map(\.value.values) == before)
            #expect(trainer.step == 0)
        }
    }

    @Test func `moments of the other form are other tensors`() throws {
        let fixture = Fixture()
        let trainer = try fixture.trainer(.boundary, .adamw, moments: .int8)
        let recorder = Recorder()
        recorder.pauseAfter = 3
        _ = try trainer.run(observer: recorder)
        try fixture.store.write(trainer, recipe: Fixture.recipe)
        let checkpoint = try fixture.store.read(step: 3, recipe: Fixture.recipe)
        #expect {
            try fixture.trainer(.boundary, .adamw).restore(checkpoint)
        } throws: { error in
            guard let error = error as? CheckpointError, case .otherTensors = error else { return false }
            return !error.isDamage
        }
        let json = String(decoding: try fixture.bytes("checkpoint.json"), as: UTF8.self)
        #expect(json.contains("moment_words"))
    }

    @Test func `a state with a value that is no number is not written`() throws {
        let fixture = Fixture()
        let (record, trainer) = try fixture.written()
        trainer.parameters[1].value[0, 2] = .nan
        let name = trainer.parameters[1].name
        #expect(throws: CheckpointError.notFinite(path: record.path, tensor: name, index: 2)) {
            try fixture.store.write(trainer, recipe: Fixture.recipe)
        }
        #expect(try fixture.store.read(step: 3, recipe: Fixture.recipe).digest == record.digest)
    }

    @Test func `the last two are kept, and what a crash left is swept away`() throws {
        let fixture = Fixture()
        let trainer = try fixture.trainer(.norms, .sgd)
        for count in 1...4 {
            let recorder = Recorder()
            recorder.pauseAfter = 1
            _ = try trainer.run(observer: recorder)
            #expect(trainer.step == count)
            try fixture.store.write(trainer, recipe: Fixture.recipe)
            try fixture.store.prune()
        }
        #expect(fixture.store.steps == [3, 4])
        let folder = fixture.folder.path("checkpoints")
        let leftover = folder + "/.step_00000005.abc.part"
        try FileManager.default.createDirectory(atPath: leftover, withIntermediateDirectories: true)
        #expect(fixture.store.steps == [3, 4])
        fixture.store.removeLeftovers()
        #expect(TemporaryNames.of(folder).isEmpty)
    }
}

private enum TemporaryNames {
    static func of(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasPrefix(".") }
    }
}
