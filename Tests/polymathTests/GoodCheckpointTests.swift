import Foundation
import GGUF
import TestSupport
import Testing

/// Runs whose base is damaged between checkpoints, and what they can go on from.
@Suite struct GoodCheckpointTests {
    let program = Program()
    var base: String { program.folder.path("base.gguf") }
    let tensor: GGUFTensor

    init() throws {
        let reference = Repository.reference("qwen2-tied-f32.gguf")
        tensor = try #require(try GGUFFile(path: reference).tensor(named: "blk.2.ffn_up.weight"))
        try FileManager.default.copyItem(atPath: reference, toPath: base)
    }

    /// Flips one bit in place; twice is whole again.
    private func flip() throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: base))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(tensor.offset + 77))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(tensor.offset + 77))
        try handle.write(contentsOf: [byte ^ 1])
    }

    private func words(out: String) -> [String] {
        var words = ReferenceRun.words(steps: 12, length: 16, batch: 2, out: out) + ["--checkpoint-every", "1"]
        words[2] = base
        return words
    }

    private func steps(_ run: String) -> [Int] {
        ((try? FileManager.default.contentsOfDirectory(atPath: program.folder.path(run + "/checkpoints"))) ?? [])
            .compactMap { Int($0.dropFirst(5)) }.sorted()
    }

    @Test func `after a violation only a checked checkpoint is gone on from, to the undisturbed run's bytes`() throws {
        #expect(try program.run(words(out: "whole")).status == 0)
        let outcome = try program.run(words(out: "part")) { output in
            guard output.contains("\"step\":5,") else { return false }
            try flip()
            return true
        }
        #expect(outcome.status == 3, "\(outcome.output)")
        let rows = try program.chain("part")
        let last = try #require(rows.last)
        #expect(last["kind"] as? String == "seal_violation")
        let body = try #require(last["body"] as? [String: Any])
        let checked = rows.filter { $0["kind"] as? String == "checkpoint" }
            .compactMap { ($0["body"] as? [String: Any])?["step"] as? Int }
        let good = try #require(body["good_checkpoint"] as? Int)
        #expect(good == checked.max())
        #expect(steps("part").contains(good))
        // The chunk is the tensor, and the last complete check is dated before the row.
        #expect(body["tensor"] as? String == tensor.name && body["fileOffset"] as? Int == tensor.offset)
        #expect(body["bytes"] as? Int == tensor.byteCount)
        #expect((body["expected"] as? String)?.count == 64 && body["expected"] as? String != body["actual"] as? String)
        let complete = try #require(body["lastCompleteCheck"] as? String)
        #expect(try complete <= #require(last["time"] as? String))
        #expect(body["step"] as? Int == outcome.stepLosses.count)
        let message = try #require(outcome.errorMessage)
        for part in [tensor.name, "after step \(outcome.stepLosses.count)", complete, "checkpoint of step \(good)"] {
            #expect(message.contains(part), "\(message) lacks \(part)")
        }

        // Still damaged: refused, and nothing is written.
        let refused = try program.run(["train", "--resume", "part"])
        #expect(refused.status == 4)
        #expect(refused.error.contains("the first tensor that differs is \(tensor.name)"), "\(refused.error)")
        #expect(try program.chain("part").count == rows.count)

        try flip()
        #expect(steps("part").filter { $0 > good } == [])
        let resumed = try program.run(["train", "--resume", "part", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.object("resumed")?["step"] as? Int == good)
        #expect(program.bytes("part/adapter.gguf") == program.bytes("whole/adapter.gguf"))
        #expect(steps("part") == [11, 12])
        #expect(try program.run(["audit", "verify", "part", "--base", base]).status == 0)
    }

    @Test func `a command that reads a cut base ends with one sentence, not a crash`() throws {
        let run = try program.run(words(out: "run"))
        #expect(run.status == 0)
        // Long enough to be cut in the middle; a generation that was too fast is tried again.
        let whole = try Data(contentsOf: URL(fileURLWithPath: base))
        for attempt in 1...5 {
            let outcome = try program.run(
                [
                    "eval", "--base", base, "--tokens", Repository.reference("tokens.json"), "--seq-len", "1",
                    "--threads", "1",
                ],
                watch: { _ in
                    Thread.sleep(forTimeInterval: 0.05 * Double(attempt))
                    truncate(base, 4_096)
                    return true
                })
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: base))
            try handle.write(contentsOf: whole)
            try handle.close()
            #expect(outcome.status < 128, "\(outcome.error)")
            guard outcome.status != 0, outcome.error.contains("can no longer be read") else { continue }
            #expect(outcome.status == 1)
            #expect(outcome.error.contains("the command ended without a result"), "\(outcome.error)")
            #expect(!outcome.error.contains("after step"))
            return
        }
    }
}
