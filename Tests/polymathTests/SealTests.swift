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
    func train(
        steps: Int = 5_000, more: [String] = [], thenAfterFirstStep change: @escaping () throws -> Void
    ) throws -> Program.Outcome {
        var words = ReferenceRun.words(steps: steps, length: 8, batch: 1, out: "run") + ["--threads", "1"] + more
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

    @Test(arguments: [[], ["--seal-strict"]])
    func `a byte that is changed and put back between two steps stops the run`(more: [String]) throws {
        let base = try SealedBase()
        let tensor = try #require(base.gguf.tensor(named: "blk.1.ffn_down.weight"))
        let outcome = try base.train(more: more) {
            try base.flip(at: tensor.offset + 9)
            try base.flip(at: tensor.offset + 9)
        }
        #expect(outcome.status == 3, "\(outcome.error)")
        let violation = try #require(outcome.object("seal_violation"))
        #expect(violation["kind"] as? String == "touched")
        #expect(outcome.errorMessage?.contains("was written to, renamed or given other rights or links") == true)
        try expectNothingExported(base.program, outcome)
        // The bytes are what they were, so the run can go on.
        #expect(outcome.stepLosses.count < 64)
    }

    @Test func `what was looked at is counted, and the attestation, the verdict and the report say that and no more`()
        throws
    {
        let program = Program(home: Repository.root)
        let words = [
            "train", "--base", "nano", "--corpus", "Corpora/skerry-diary", "--steps", "6", "--seq-len", "16",
            "--compute", "f32",
            "--validation-fraction", "0", "--checkpoint-every", "5", "--json", "--out", "run",
        ].map { $0 == "Corpora/skerry-diary" ? Repository.root + "/" + $0 : $0 }
        let outcome = try program.run(words)
        #expect(outcome.status == 0, "\(outcome.error)")
        let rows = try program.chain("run")
        let steps = rows.filter { $0["kind"] as? String == "step" }.compactMap { $0["body"] as? [String: Any] }
        let hashed = steps.compactMap { $0["seal_checked_bytes"] as? Int }
        let apart = steps.compactMap { $0["seal_unchecked_steps"] as? Int }
        #expect(steps.count == 6 && hashed.count == 6 && apart.count == 6)
        let bytes = try #require(rows.first { $0["kind"] as? String == "seal_check" }?["body"] as? [String: Any])[
            "bytes"]
        let sentences = [
            "all \(try #require(bytes as? Int)) sealed bytes of the base were hashed 4 times (start 1, checkpoint 1, export 1, end 1) "
                + "and found unchanged each time",
            "before each of 6 updates the file's device, inode, length and times were compared",
            "(none at \(hashed.count { $0 == 0 }) updates, \(hashed.reduce(0, +)) in all), and found unchanged",
            "between two looks at the same byte lay at most \(try #require(apart.max())) updates",
        ]
        let envelope = try JSONValue.parse(try #require(program.bytes("run/attestation.dsse.json")))
        let payload = try #require(envelope["payload"]?.asString.flatMap { Data(base64Encoded: $0) })
        let verified = try program.run(["audit", "verify", "run"])
        let report = try String(contentsOfFile: program.folder.path("run/report.html"), encoding: .utf8)
        for sentence in sentences {
            #expect(String(decoding: payload, as: UTF8.self).contains(sentence), "\(sentence)")
            #expect(verified.output.contains(sentence), "\(sentence) in \(verified.output)")
            #expect(report.replacingOccurrences(of: "&#39;", with: "'").contains(sentence), "\(sentence)")
        }
        #expect(!String(decoding: payload, as: UTF8.self).contains("before every update"))
    }

    @Test func `a private copy gives the same file, and is refused where it does not fit`() throws {
        let program = Program()
        let words = ReferenceRun.words(steps: 3, length: 8, batch: 1, out: "mapped")
        #expect(try program.run(words).status == 0)
        let copied = try program.run(words.dropLast(0).map { $0 == "mapped" ? "copied" : $0 } + ["--seal-strict"])
        #expect(copied.status == 0, "\(copied.error)")
        #expect(program.bytes("copied/adapter.gguf") == program.bytes("mapped/adapter.gguf"))
        let verified = try program.run(["audit", "verify", "copied"])
        #expect(
            verified.output.contains("every step read a copy of the base in memory that this process alone could write")
        )
        let refused = try program.run(
            words.map { $0 == "mapped" ? "refused" : $0 } + ["--seal-strict", "--memory-budget", "24M"])
        #expect(refused.status == 5, "\(refused.output)")
        #expect(refused.errorMessage?.contains("--seal-strict holds the base") == true)
        #expect(!program.holds("refused"))
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
