import Foundation
import TestSupport
import Testing

@Suite struct GenerateAuditTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    @Test func `--audit leaves a chain that audit verify accepts, and needs an empty folder`() throws {
        let words = [
            "generate", "--base", base, "--prompt", "The tide was", "--max-tokens", "3", "--audit", "replies", "--json",
        ]
        let outcome = try program.run(words)
        #expect(outcome.status == 0, "\(outcome.output)")
        let audit = try #require(outcome.object("generation")?["audit"] as? [String: Any])
        let head = try #require(audit["head"] as? String)
        let verified = try program.run(["audit", "verify", "replies", "--base", base, "--head", head])
        #expect(verified.status == 0, "\(verified.output)")
        #expect(verified.output.contains("of inference, not of training: 1 reply, 3 tokens, no adapter"))
        #expect(verified.output.hasSuffix("run: closed\n"))
        let again = try program.run(words)
        #expect(again.status == 2)
        #expect(again.output.contains("give --audit a new or empty one"), "\(again.output)")
        // It is no run: nothing can go on from it.
        #expect(try program.run(["train", "--resume", "replies"]).status == 2)
        #expect(try program.run(["generate", "--base", base, "--prompt", "x", "--identity", "key.pem"]).status == 2)
        // A prompt that no reply can be written to leaves no folder.
        for prompt in ["", String(repeating: "x ", count: 3000)] {
            let refused = try program.run(["generate", "--base", base, "--prompt", prompt, "--audit", "none"])
            #expect(refused.status == 2 && !program.holds("none"), "\(refused.error)")
        }
    }
}
