import Foundation
import TestSupport
import Testing

@Suite struct MemoryBudgetTests {
    private let nano = Repository.root + "/Checkpoints/nano-q4_k_m.gguf"

    private func words(_ out: String, _ more: [String]) -> [String] {
        [
            "train", "--base", nano, "--corpus", Repository.root + "/Corpora/skerry-diary", "--steps", "1",
            "--seq-len", "96", "--validation-fraction", "0", "--compute", "bf16", "--out", out, "--json",
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

    @Test func `a dry run prints the memory plan and makes nothing`() throws {
        let program = Program()
        let outcome = try program.run(words("dry", ["--dry-run"]))
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try #require(memory(outcome)["total"] as? Int) > 0)
        #expect(!FileManager.default.fileExists(atPath: program.folder.path("dry")))
    }
}
