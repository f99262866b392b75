import Corpus
import GGUF
import Model
import TensorCore
import TestSupport
import Testing
import Training

/// Scope `tail` keeps the output of the frozen layers; wherever it lies, no bit of the run changes.
@Suite struct PrefixCacheTests {
    let folder = TemporaryFolder()
    static let windows = 4
    static let tokens = 8
    static let steps = 9

    private struct Outcome: Equatable {
        var losses: [Double] = []
        var validations: [Double] = []
        var values: [[Float]] = []
        var firstBatch = 0.0
    }

    private final class Watcher: TrainingObserver {
        var outcome = Outcome()
        var notes: [TrainingNote] = []
        /// Bytes held after each step.
        var held: [Int] = []
        var atStep: (Int) throws -> Void = { _ in }

        func willUpdate(step: Int, secondsSoFar: Double) {}
        func didStep(_ record: StepRecord) throws {
            outcome.losses.append(record.loss)
            try atStep(record.step)
        }
        func didValidate(_ record: ValidationRecord) { outcome.validations.append(record.loss) }
        func didNote(_ note: TrainingNote) { notes.append(note) }
        func didCompleteStep(_ trainer: BoundaryTrainer) { held.append(trainer.keptOutputByteCount) }
        var wantsPause: Bool { false }
    }

    private func run(
        _ storage: PrefixStorage, arithmetic: Arithmetic = .f32, atStep: @escaping (Int) throws -> Void = { _ in }
    ) throws -> (watcher: Watcher, trainer: BoundaryTrainer) {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-q4_k_m.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 2), arithmetic: arithmetic)
        var random = SeededGenerator(seed: 5)
        let ids = (0...(Self.windows + 1) * Self.tokens).map { _ in Int32.random(in: 0..<512, using: &random) }
        let all = try Windows(TokenStream(tokens: ids), sequenceLength: Self.tokens)
        let (training, validation) = try all.split(validationFraction: 0.2)
        #expect(training.count == Self.windows && validation?.count == 1)
        var options = TrainingOptions()
        options.scope = .tail
        options.steps = Self.steps
        options.learningRate = 0.02
        options.evaluateEvery = 5
        let trainer = try BoundaryTrainer(
            decoder: decoder, data: TrainingData(training: training, validation: validation), options: options,
            exists: { base.tensor(named: $0) != nil }, prefixStorage: storage)
        let watcher = Watcher()
        watcher.atStep = atStep
        _ = try trainer.run(observer: watcher)
        watcher.outcome.values = trainer.parameters.map(\.value.values)
        watcher.outcome.firstBatch = try trainer.firstBatchLoss()
        return (watcher, trainer)
    }

    /// Bytes of one window's output.
    private func outputByteCount(_ trainer: BoundaryTrainer) -> Int {
        Self.tokens * trainer.decoder.configuration.embeddingLength * 4
    }

    @Test(arguments: [Arithmetic.f32, .bf16])
    func `kept in memory, in a file, in both or not at all, the run is the same`(arithmetic: Arithmetic) throws {
        let (none, trainer) = try run(PrefixStorage(memoryLimit: 0, folder: nil), arithmetic: arithmetic)
        let one = outputByteCount(trainer)
        #expect(none.outcome.losses.count == Self.steps && none.outcome.validations.count == 3)
        #expect(trainer.keptOutputs.isEmpty)
        let all = Self.windows + 1
        for (limit, folder, kept) in [
            (all * one, nil, all), (all * one - 1, nil, all - 1), (0, folder.path, 0), (3 * one, folder.path, 3),
        ] as [(Int, String?, Int)] {
            let storage = PrefixStorage(memoryLimit: limit, folder: folder, reserve: 0)
            let (watcher, trainer) = try run(storage, arithmetic: arithmetic)
            #expect(watcher.outcome == none.outcome)
            #expect(watcher.notes.isEmpty)
            #expect(trainer.keptOutputs.count == kept)
            // The first validation and pass fill the cache; from then on not one byte comes or goes.
            #expect(Set(watcher.held.dropFirst(Self.windows - 1)).count == 1)
            let planned = storage.memoryByteCount(
                windows: all, tokens: Self.tokens, width: one / Self.tokens / 4)
            #expect(watcher.held.last == planned && planned <= limit + one)
        }
        #expect(folder.names.isEmpty)
    }

    @Test func `without a usable folder outputs are computed again, and one note says so`() throws {
        let (none, _) = try run(PrefixStorage(memoryLimit: 0, folder: nil))
        let (watcher, _) = try run(PrefixStorage(memoryLimit: 0, folder: "/nowhere/at/all"))
        #expect(watcher.outcome == none.outcome)
        #expect(watcher.notes == [.noFileForOutputs(windows: 0)])
        let (sparing, _) = try run(PrefixStorage(memoryLimit: 0, folder: folder.path, reserve: .max))
        #expect(sparing.outcome == none.outcome)
        #expect(sparing.notes == [.noRoomForOutputs(windows: 0)])
        #expect(sparing.notes[0].description.hasSuffix("."))
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
    func `a disk that fills up keeps what it has, and the run goes on`() throws {
        let (none, trainer) = try run(PrefixStorage(memoryLimit: 0, folder: nil))
        let disk = try SmallDisk(kilobytes: 3 * outputByteCount(trainer) >> 10, at: folder.path("disk"))
        let (watcher, _) = try run(PrefixStorage(memoryLimit: 0, folder: disk.path, reserve: 0))
        #expect(watcher.outcome == none.outcome)
        #expect(watcher.notes == [.noRoomForOutputs(windows: 3)])
    }

    @Test func `a bit that flips in the file stops the run before the output is used`() throws {
        var changed = 0
        var last = 0
        let path = folder.path
        let error = #expect(throws: KeptOutputChanged.self) {
            try run(PrefixStorage(memoryLimit: 0, folder: path, reserve: 0)) { step in
                last = step
                if step == Self.windows { changed = try ScratchFiles.flipBit(inFolder: path, at: 1) }
            }
        }
        #expect(changed == 1)
        // The first bytes are those of validation window 0, which the base was measured on.
        #expect(error?.place == WindowPlace(part: .validation, index: 0))
        #expect(error?.expected != error?.actual)
        #expect(last == 5, "found after step \(last)")
    }
}
