import Conventions
import Digest
import Foundation
import Model
import PolymathKit
import Seal
import TestSupport
import Testing
import Training

/// A bit flips in memory, in something that was made from the sealed base: no byte of the file differs.
@Suite struct KeptBufferTests {
    let folder = TemporaryFolder()

    /// Calls `atStep` with the number of every step that is told.
    private final class Listener: RunListener {
        var steps = 0
        var violation: [String: JSONValue]?
        var finished: [String: JSONValue]?
        var started: [String: JSONValue]?
        var notes: [String] = []
        var atStep: (Int) -> Void = { _ in }

        func event(_ name: String, _ members: [String: JSONValue]) {
            switch name {
            case "step":
                steps = members["step"]?.asInt ?? 0
                atStep(steps)
            case "run_started": started = members
            case "note": notes.append(members["message"]?.asString ?? "")
            case "seal_violation": violation = members
            case "run_finished": finished = members
            default: break
            }
        }

        func progress(_ title: String, done: Int, of total: Int) {}
    }

    /// A run on a reference model, long enough for the rolling check to come round.
    private func run(
        _ scope: Scope, steps: Int = 300, length: Int = 8,
        storage: ((String) -> PrefixStorage)? = nil, prepare: @escaping (BoundaryTrainer, Listener) -> Void
    ) throws -> (listener: Listener, error: (any Error)?) {
        var request = TrainingRequest(base: Repository.reference("qwen2-tied-f32.gguf"))
        request.seed = 0
        request.tokens = Repository.reference("tokens.json")
        request.scope = scope
        request.steps = steps
        request.sequenceLength = length
        request.shuffle = false
        request.evaluateEvery = steps
        request.validationFraction = 0
        request.identityPath = folder.path("identity.pem")
        request.out = folder.path("run")
        let listener = Listener()
        var training = TrainingRun(request, home: Home(root: folder.path), listener: listener)
        training.willTrain = { prepare($0, listener) }
        if let storage { training.prefixStorage = storage }
        do {
            _ = try training.run()
            return (listener, nil)
        } catch {
            return (listener, error)
        }
    }

    private func expectHalt(_ result: (listener: Listener, error: (any Error)?), naming name: String) throws {
        let error = try #require(result.error as? RunViolation, "\(String(describing: result.error))")
        #expect(error.violation.kind == .derived)
        #expect(error.violation.tensor == name)
        #expect(error.violation.expected != error.violation.actual)
        #expect(error.description.contains(name) && error.description.contains("kept for later steps"), "\(error)")
        #expect(ExitStatus(for: error) == .sealViolation)
        #expect(result.listener.violation?["tensor"]?.asString == name)
        #expect(result.listener.finished == nil)
        #expect(result.listener.steps < 200, "found after step \(result.listener.steps)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("run/adapter.gguf")))
    }

    @Test(arguments: [
        ("blk.2.attn_k.bias", Scope.norms), ("blk.1.ffn_norm.weight", .norms), ("blk.0.attn_norm.weight", .tail),
        ("blk.1.attn_q.bias", .boundary),
    ])
    func `a flipped bit of a gain or bias that is not trained halts the run`(name: String, scope: Scope) throws {
        let result = try run(scope) { trainer, listener in
            let vector = trainer.decoder.keptVectors(except: trainer.parameters).first { $0.name == name }?.values
            listener.atStep = { step in
                guard step == 2 else { return }
                vector?.withMutableSpan { span in span[3] = Float(bitPattern: span[3].bitPattern ^ 1) }
            }
        }
        try expectHalt(result, naming: name)
    }

    @Test func `a flipped bit of the rotary table halts the run`() throws {
        let result = try run(.norms) { trainer, listener in
            let decoder = trainer.decoder
            listener.atStep = { step in
                guard step == 2 else { return }
                decoder.withRotaryTable(positions: 8) { cosines, _ in
                    cosines.withUnsafeBufferPointer { buffer in
                        let value = UnsafeMutablePointer(mutating: buffer.baseAddress! + 5)
                        value.pointee = Float(bitPattern: value.pointee.bitPattern ^ 1)
                    }
                }
            }
        }
        try expectHalt(result, naming: "the rotary table")
    }

    @Test func `a flipped bit of a cached output of the frozen layers halts the run`() throws {
        var window = -1
        let result = try run(.tail) { trainer, listener in
            listener.atStep = { step in
                guard step == 3, let output = trainer.keptOutputs.first else { return }
                window = output.place.index
                output.values.withMutableSpan { span in span[1] = Float(bitPattern: span[1].bitPattern ^ 1) }
            }
        }
        #expect(window >= 0)
        try expectHalt(result, naming: "the frozen layers for training window \(window)")
    }

    @Test func `a flipped bit of an output that lies in a file halts the run`() throws {
        let run = folder.path("run")
        var changed = 0
        let result = try self.run(
            .tail, steps: 40, length: 64, storage: { PrefixStorage(memoryLimit: 0, folder: $0, reserve: 0) }
        ) { trainer, listener in
            listener.atStep = { step in
                guard step == 3 else { return }
                #expect(trainer.keptOutputs.isEmpty)
                changed = (try? ScratchFiles.flipBit(inFolder: run, at: 1)) ?? 0
            }
        }
        #expect(changed == 1)
        try expectHalt(result, naming: "the frozen layers for training window 0")
    }

    @Test func `without room for a file the run is the same, and its events say why it is slower`() throws {
        let plain = try run(.tail, steps: 5) { _, _ in }.listener
        try FileManager.default.removeItem(atPath: folder.path("run"))
        let result = try run(
            .tail, steps: 5, storage: { PrefixStorage(memoryLimit: 0, folder: $0, reserve: .max) }
        ) { _, _ in }
        #expect(result.error == nil)
        let id = try #require(result.listener.finished?["content_id"]?.asString)
        #expect(id == plain.finished?["content_id"]?.asString)
        #expect(plain.notes.isEmpty && result.listener.notes.count == 1)
        #expect(result.listener.notes.first?.contains("no more room") == true)
        let events = try String(contentsOfFile: folder.path("run/events.jsonl"), encoding: .utf8)
        #expect(events.contains("\"event\":\"note\""))
    }

    @Test(arguments: [Scope.norms, .tail, .allNorms, .boundary])
    func `what is trained may change, and the run tells what the guard cost`(scope: Scope) throws {
        let result = try run(scope, steps: 4) { trainer, _ in
            let covered = Set(trainer.decoder.keptVectors(except: trainer.parameters).map(\.name))
            #expect(covered.isDisjoint(with: trainer.parameters.map(\.name)))
            let vectors = Set(trainer.decoder.keptVectors(except: []).map(\.name))
            #expect(covered.union(trainer.parameters.map(\.name)).isSuperset(of: vectors))
        }
        #expect(result.error == nil)
        let finished = try #require(result.listener.finished)
        let share = try #require(finished["seal_cpu_share"]?.asDouble)
        #expect(share > 0 && share < 1)
        let promised = try #require(result.listener.started?["seal_coverage_bound_steps"]?.asInt)
        let kept = try #require(finished["seal_coverage_bound_steps"]?.asInt)
        #expect(kept >= 64 && kept <= promised)
    }
}
