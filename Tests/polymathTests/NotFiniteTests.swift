import Audit
import Bytes
import Foundation
import GGUF
import TestSupport
import Testing

/// A base whose weights give no numbers: nothing is written, measured or attested from it.
@Suite struct NotFiniteTests {
    let program = Program()

    /// `nano` with the scale of one block of a feed-forward matrix infinite or no number.
    private func base(_ name: String, _ half: UInt16, in tensorName: String = "blk.0.ffn_up.weight") throws -> String {
        let path = program.folder.path(name)
        try FileManager.default.copyItem(atPath: Repository.checkpoint("nano-q4_k_m.gguf"), toPath: path)
        let tensor = try #require(try GGUFFile(path: path).tensor(named: tensorName))
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(tensor.offset))
        try handle.write(contentsOf: [UInt8(half & 0xFF), UInt8(half >> 8)])
        return path
    }

    private func expectRefused(
        _ outcome: Program.Outcome, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == 1, "\(outcome.output)\(outcome.error)", sourceLocation: sourceLocation)
        let said = outcome.error.split(separator: "\n").filter { $0.hasPrefix("polymath: ") }
        #expect(said.count == 1 && said[0].contains(text), "\(outcome.error)", sourceLocation: sourceLocation)
    }

    @Test(arguments: [0x7E00, 0x7C00] as [UInt16], ["0", "0.8"])
    func `generate refuses a base without numbers at the first token, and names its place`(
        half: UInt16, temperature: String
    ) throws {
        let base = try base("bad.gguf", half)
        let outcome = try program.run([
            "generate", "--base", base, "--prompt", "The lamp", "--max-tokens", "6", "--temperature", temperature,
        ])
        expectRefused(outcome, "The token at position ")
        #expect(outcome.error.contains("no finite numbers") && outcome.output.isEmpty, "\(outcome.output)")
    }

    @Test func `under --audit the chain holds a failure and no close, and does not verify`() throws {
        let base = try base("bad.gguf", 0x7E00)
        let outcome = try program.run([
            "generate", "--base", base, "--prompt", "The lamp", "--max-tokens", "6", "--audit", "replies",
        ])
        expectRefused(outcome, "no finite numbers")
        let chain = try AuditChain.read(path: program.folder.path("replies/audit.jsonl"))
        let last = try #require(chain.rows.last)
        #expect(chain.status == .open && last.kind == RowKind.failure)
        #expect(last.body["cause"] == "scores_not_finite" && last.body["reply"]?.asInt == 1)
        #expect(!chain.rows.contains { $0.kind == "reply" })
        #expect(try program.run(["audit", "verify", "replies", "--base", base]).status == 4)
    }

    @Test func `eval, bench and train refuse it too`() throws {
        let base = try base("bad.gguf", 0x7E00)
        let tokens = try program.write("tokens.json", "\((0..<60).map { $0 * 7 })")
        let text = ["--base", base, "--tokens", tokens, "--seq-len", "8"]
        let reason = "is not a finite number"
        expectRefused(try program.run(["eval"] + text), reason)
        expectRefused(try program.run(["bench", "gradients", "--batch-size", "1"] + text), reason)
        expectRefused(
            try program.run(["bench", "step", "--base", base, "--seq-len", "8", "--batch-size", "1", "--repeat", "1"]),
            reason)
        expectRefused(try program.run(["train", "--steps", "2", "--out", "run"] + text), reason)
        #expect(!program.holds("run/adapter.gguf"))
    }

    @Test func `a run of more steps than a chain has room for is refused before anything is made`() throws {
        let outcome = try program.run(ReferenceRun.words(steps: 1_000_000, length: 8, batch: 1, out: "run"))
        #expect(outcome.status == 2, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("an audit chain has room for at most") == true, "\(outcome.output)")
        #expect(!program.holds("run"))
    }
}
