import Foundation
import TestSupport
import Testing

@Suite struct MemoryBudgetTests {
    private let nano = Repository.root + "/Checkpoints/nano-q4_k_m.gguf"

    private func words(_ out: String, _ more: [String]) -> [String] {
        [
            "train", "--base", nano, "--corpus", Repository.root + "/Corpora/skerry-diary", "--steps", "1",
            "--seq-len", "96", "--validation-fraction", "0", "--compute", "bf16", "--seed", "0", "--out", out,
            "--json",
        ] + more
    }

    private func memory(_ outcome: Program.Outcome) throws -> [String: Any] {
        try #require(outcome.objects.compactMap { $0["memory"] as? [String: Any] }.first)
    }

    @Test func `a budget is kept, changes no bit, and what cannot fit is refused before anything is made`() throws {
        let program = Program()
        let free = try program.run(words("free", []))
        #expect(free.status == 0, "\(free.error)")
        let plan = try memory(free)
        #expect(plan["recomputed_feed_forward"] as? Int == 0)
        let total = try #require(plan["total"] as? Int)
        let kept = try #require(plan["activations_and_scratch"] as? Int)

        let tight = try program.run(words("tight", ["--memory-budget", "\(total - kept / 4)", "--threads", "1"]))
        #expect(tight.status == 0, "\(tight.error)")
        #expect(try #require(memory(tight)["total"] as? Int) <= total - kept / 4)
        #expect(try #require(memory(tight)["recomputed_attention"] as? Int) > 0)
        let bytes = try #require(program.bytes("free/adapter.gguf"))
        #expect(program.bytes("tight/adapter.gguf") == bytes)
        #expect(free.stepLosses.count == 1 && free.stepLosses == tight.stepLosses)

        let refused = try program.run(words("refused", ["--memory-budget", "\(total - kept)"]))
        #expect(refused.status == 5)
        #expect(refused.output.contains("--memory-budget") && refused.output.contains("would fit"), "\(refused.output)")
        #expect(!FileManager.default.fileExists(atPath: program.folder.path("refused")))
    }

    /// Masters and moments weigh most where windows are short, and what grows with the square of a step's tokens in many.
    @Test(
        arguments: [
            ("qwen2-tied-q4_k_m", ["--scope", "all-norms", "--seq-len", "128"]),
            ("qwen2-tied-q4_k_m", ["--scope", "boundary", "--seq-len", "128"]),
            ("qwen2-tied-q4_k_m", ["--scope", "boundary", "--seq-len", "128", "--moments", "int8"]),
            ("qwen2-tied-f32", ["--scope", "boundary", "--seq-len", "32", "--batch-size", "40"]),
            ("qwen2-tied-f32", ["--scope", "boundary", "--seq-len", "256"]),
        ] as [(String, [String])])
    func `a step takes the memory that was planned`(model: String, options: [String]) throws {
        let outcome = try Program().run(
            ["bench", "step", "--base", Repository.reference(model + ".gguf"), "--repeat", "1", "--json"] + options)
        let figures = try #require(outcome.object("bench"), "\(outcome.error)")
        let planned = try #require(figures["planned_anonymous_bytes"] as? Int)
        guard let peak = figures["peak_anonymous_bytes"] as? Int else { return }
        #expect(abs(planned - peak) < peak / 10, "planned \(planned), measured \(peak)")
    }

    @Test func `a dry run prints the memory plan and makes nothing`() throws {
        let program = Program()
        let outcome = try program.run(words("dry", ["--dry-run"]))
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try #require(memory(outcome)["total"] as? Int) > 0)
        #expect(!FileManager.default.fileExists(atPath: program.folder.path("dry")))
    }

    @Test func `what scope tail keeps counts, and what a budget leaves no room for lies in a file`() throws {
        let program = Program()
        func run(_ out: String, _ more: [String]) throws -> Program.Outcome {
            let words = ReferenceRun.words(
                model: "qwen2-tied-q4_k_m", scope: "tail", steps: 9, length: 128, batch: 1, out: out)
            let outcome = try program.run(words + more)
            #expect(outcome.status == 0, "\(outcome.error)")
            return outcome
        }
        let free = try run("free", [])
        let plan = try memory(free)
        let kept = try #require(plan["kept_outputs"] as? Int)
        // Windows of 128 rows of 256 values.
        #expect(kept > 0 && kept % (128 * 256 * 4) == 0)
        let total = try #require(plan["total"] as? Int)
        let tight = try run("tight", ["--memory-budget", "\(total - kept / 2)"])
        let less = try #require(memory(tight)["kept_outputs"] as? Int)
        #expect(less > 0 && less < kept)
        #expect(tight.stepLosses.count == 9 && tight.stepLosses == free.stepLosses)
        let bytes = try #require(program.bytes("free/adapter.gguf"))
        #expect(program.bytes("tight/adapter.gguf") == bytes)
    }
}
