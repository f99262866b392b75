import Digest
import Foundation
import GGUF
import TestSupport
import Testing

/// A copy of a reference model that a run trains on while the test changes it.
private struct SealedBase {
    let program = Program()
    let path: String
    let gguf: GGUFFile

    init() throws {
        path = program.folder.path("base.gguf")
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: path)
        gguf = try GGUFFile(path: path)
    }

    /// Flips one bit in place, as a failing disk or another process would.
    func flip(at offset: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: [byte ^ 1])
    }

    /// Trains far more steps than the test waits for, and runs `change` once the first has been made.
    func train(steps: Int = 5_000, thenAfterFirstStep change: @escaping () throws -> Void) throws -> Program.Outcome {
        var words = ReferenceRun.words(steps: steps, length: 8, batch: 1, out: "run") + ["--threads", "1"]
        words[2] = path
        return try program.run(words) { output in
            guard output.contains("\"event\":\"step\"") else { return false }
            try change()
            return true
        }
    }
}

@Suite struct SealTests {
    @Test(arguments: ["blk.1.ffn_down.weight", "token_embd.weight"])
    func `a frozen byte changed on disk during a run stops it with nothing exported`(name: String) throws {
        let base = try SealedBase()
        let tensor = try #require(base.gguf.tensor(named: name))
        let before = SHA256Digest.of(base.gguf.region(of: tensor).array)
        let outcome = try base.train { try base.flip(at: tensor.offset + tensor.byteCount / 2) }
        #expect(outcome.status == 3, "\(outcome.error)")
        // The reference tensors are smaller than a chunk, so the chunk is the tensor.
        let after = SHA256Digest.of(
            [UInt8](
                try #require(FileManager.default.contents(atPath: base.path))[
                    tensor.offset..<tensor.offset + tensor.byteCount]))

        let violation = try #require(outcome.object("seal_violation"))
        #expect(violation["tensor"] as? String == name)
        #expect(violation["fileOffset"] as? Int == tensor.offset)
        #expect(violation["bytes"] as? Int == tensor.byteCount)
        #expect(violation["expected"] as? String == before.hex)
        #expect(violation["actual"] as? String == after.hex)
        #expect(before != after)
        let message = try #require(outcome.errorMessage)
        for part in [name, "offset \(tensor.offset)", "\(tensor.byteCount) bytes", before.hex, after.hex] {
            #expect(message.contains(part), "\(message) lacks \(part)")
        }
        #expect(outcome.object("error")?["exit_code"] as? Int == 3)

        // Found at the latest after the promised number of steps; the rest of the 5,000 was never made.
        #expect(outcome.stepLosses.count <= 3 * 64)
        try expectNothingExported(base.program, outcome)
    }

    @Test func `a base that is replaced during a run stops it`() throws {
        let base = try SealedBase()
        let outcome = try base.train {
            // The same bytes in another file: only the inode tells.
            try FileManager.default.copyItem(atPath: base.path, toPath: base.path + ".new")
            try FileManager.default.removeItem(atPath: base.path)
            try FileManager.default.moveItem(atPath: base.path + ".new", toPath: base.path)
        }
        #expect(outcome.status == 3, "\(outcome.error)")
        #expect(outcome.object("seal_violation")?["kind"] as? String == "replaced")
        #expect(outcome.errorMessage?.contains("is now another file") == true)
        try expectNothingExported(base.program, outcome)
    }

    @Test func `a base that is removed during a run stops it`() throws {
        let base = try SealedBase()
        let outcome = try base.train { try FileManager.default.removeItem(atPath: base.path) }
        #expect(outcome.status == 3, "\(outcome.error)")
        #expect(outcome.object("seal_violation")?["kind"] as? String == "missing")
        try expectNothingExported(base.program, outcome)
    }

    @Test func `a byte changed between training and verification exits 4`() throws {
        let base = try SealedBase()
        var words = ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")
        words[2] = base.path
        #expect(try base.program.run(words).status == 0)
        let verify = ["adapter", "verify", "--base", base.path, "--adapter", "run/adapter.gguf"]
        #expect(try base.program.run(verify).status == 0)
        #expect(try base.program.run(["audit", "verify", "run", "--base", base.path]).status == 0)

        try base.flip(at: try #require(base.gguf.tensor(named: "blk.2.attn_q.weight")).offset + 5)
        let outcome = try base.program.run(verify)
        #expect(outcome.status == 4)
        #expect(outcome.error.contains("trained on another base"), "\(outcome.error)")
        let json = try base.program.run(verify + ["--json"])
        #expect(json.status == 4 && json.error.isEmpty)
        #expect(json.object("error")?["exit_code"] as? Int == 4)
        #expect(try base.program.run(["audit", "verify", "run", "--base", base.path]).status == 4)
    }

    @Test func `a whole copy tells the exact byte of the damage`() throws {
        let base = try SealedBase()
        let copy = Repository.reference("qwen2-tied-f32.gguf")
        let words = ["audit", "seal", base.path, "--compare", copy]
        #expect(try base.program.run(words).status == 0)
        let tensor = try #require(base.gguf.tensor(named: "blk.1.ffn_down.weight"))
        for place in [300, 41] { try base.flip(at: tensor.offset + place) }
        let outcome = try base.program.run(words)
        #expect(outcome.status == 4)
        let sentence = "Tensor blk.1.ffn_down.weight first differs at byte \(tensor.offset + 41) of the file"
        #expect(outcome.output.contains(sentence), "\(outcome.output)")
        #expect(outcome.output.contains("; 2 of its bytes differ."))
        let other = try base.program.run(words.dropLast() + [Repository.reference("qwen2-untied-q4_0.gguf")])
        #expect(other.status == 4 && other.output.contains("another model"), "\(other.error)")
    }

    private func expectNothingExported(_ program: Program, _ outcome: Program.Outcome) throws {
        for file in ["adapter.gguf", "boundary.gguf", "attestation.dsse.json"] {
            #expect(!program.holds("run/\(file)"), "\(file) is there")
        }
        #expect(outcome.object("run_finished") == nil)
        let rows = try program.chain("run")
        #expect(rows.last?["kind"] as? String == "seal_violation")
        #expect(!rows.contains { ["close", "export"].contains($0["kind"] as? String ?? "") })
        let audit = try program.run(["audit", "verify", "run"])
        #expect(audit.status != 0)
    }
}
