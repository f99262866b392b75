import Audit
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

/// A killed run whose folder somebody else could write to before it is resumed: nothing of theirs may end up signed.
@Suite struct PlantedStateTests {
    let program = Program()
    private var folder: String { program.folder.path("run") }
    private var forgery: Forgery { Forgery(program, "run") }

    private func words(out: String) -> [String] {
        ReferenceRun.words(steps: 120, length: 8, batch: 1, out: out) + ["--checkpoint-every", "4", "--threads", "1"]
    }

    /// A run that was killed after step 12 or later.
    private func kill() throws {
        let outcome = try program.run(
            words(out: "run"), watch: { $0.contains("\"step\":13,") }, signal: SIGKILL)
        try #require(outcome.status == 128 + SIGKILL, "\(outcome.error)")
    }

    private func resume() throws -> Program.Outcome { try program.run(["train", "--resume", "run"]) }

    private var checkpoints: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/checkpoints")) ?? []).sorted()
    }

    private func expectUntouched(
        _ text: String, status: Int32 = 4, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try WholeFile.read(folder + "/audit.jsonl")
        let outcome = try resume()
        #expect(outcome.status == status, "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(outcome.error.contains(text), "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(try WholeFile.read(folder + "/audit.jsonl") == before, sourceLocation: sourceLocation)
        #expect(!program.holds("run/adapter.gguf"), sourceLocation: sourceLocation)
    }

    /// A checkpoint of `step` made of the newest one without any key: other weights, and every digest right.
    private func plant(step: Int) throws -> SHA256Digest {
        let source = folder + "/checkpoints/" + (try #require(checkpoints.last))
        let place = folder + "/checkpoints/" + KilledRun.folder(of: step)
        try FileManager.default.copyItem(atPath: source, toPath: place)
        var state = try WholeFile.read(place + "/state.f32")
        // Masters come first: a little more of each value, so that all stay finite.
        for index in stride(from: 0, to: 64, by: 4) { state[index] ^= 0x3F }
        try AtomicFile.write(state, to: place + "/state.f32", placement: .replacing)
        var record = try #require(try JSONValue.parse(WholeFile.read(place + "/checkpoint.json")).asObject)
        record["step"] = .exactly(step)
        record["updates"] = .exactly(step)
        record["state_sha256"] = .string(SHA256Digest.of(state).hex)
        record["sha256"] = nil
        record["sha256"] = .string(SHA256Digest.of(JSONValue.object(record).canonicalBytes).hex)
        let bytes = JSONValue.object(record).canonicalBytes + [0x0A]
        try AtomicFile.write(bytes, to: place + "/checkpoint.json", placement: .replacing)
        return SHA256Digest.of(bytes)
    }

    private func remove(step: Int) throws {
        try FileManager.default.removeItem(atPath: folder + "/checkpoints/" + KilledRun.folder(of: step))
    }

    @Test
    func `a planted checkpoint is refused, with forged rows or without, and without it the run comes to its own end`()
        throws
    {
        #expect(try program.run(words(out: "whole")).status == 0)
        try kill()
        let rows = try forgery.rows()
        let digest = try plant(step: 100)
        try expectUntouched("holds no row of the checkpoint")
        // Rows up to it, linked as anyone can link them.
        let last = try #require(rows.last { $0["kind"] == "step" }?["body"]?["step"]?.asInt)
        let model = try #require(rows.last { $0["kind"] == "step" })
        var forged = rows
        for step in last + 1...100 { forged.append(Forgery.edited(model, "step", .exactly(step))) }
        var row = try #require(rows.last { $0["kind"] == "checkpoint" })
        row = Forgery.edited(row, "step", 100)
        row = Forgery.edited(row, "sha256", .string(digest.hex))
        try forgery.write(Forgery.relinked(forged + [row]))
        try expectUntouched("does not belong to its state and the key")
        // And without a signature to be wrong.
        var body = try #require(row["body"]?.asObject)
        body["signature"] = nil
        var unsigned = try #require(row.asObject)
        unsigned["body"] = .object(body)
        try forgery.write(Forgery.relinked(forged + [.object(unsigned)]))
        try expectUntouched("which must carry the signer's signature")

        try forgery.write(rows)
        try remove(step: 100)
        #expect(try resume().status == 0)
        #expect(program.bytes("run/adapter.gguf") == program.bytes("whole/adapter.gguf"))
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
    }

    @Test
    func
        `rows cut off before a resume leave no gap: the checkpoint is not believed, and what is computed again agrees`()
        throws
    {
        #expect(try program.run(words(out: "whole")).status == 0)
        try kill()
        let rows = try forgery.rows()
        let newest = try #require(checkpoints.last.flatMap { Int($0.dropFirst(5)) })
        let cut = try #require(rows.firstIndex { $0["kind"] == "checkpoint" && $0["body"]?["step"]?.asInt == newest })
        try forgery.write(Array(rows.prefix(cut - 2)))
        try expectUntouched("was cut off, or the checkpoint was put there")
        try remove(step: newest)
        let resumed = try program.run(["train", "--resume", "run", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(try #require(resumed.object("resumed")?["step"] as? Int) < newest)
        #expect(program.bytes("run/adapter.gguf") == program.bytes("whole/adapter.gguf"))
        let row = try #require(try forgery.rows().first { $0["kind"] == "resume" }?["body"])
        #expect(row["from_step"]?.asInt == newest - 4)
        #expect(try #require(row["unvouched_rows"]?.asInt) > 0)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
    }

    @Test func `rows of steps that were invented after the last signature do not survive the steps`() throws {
        try kill()
        var rows = try forgery.rows()
        let signed = try #require(rows.lastIndex { $0["kind"] == "checkpoint" })
        let step = try #require(rows.indices.first { $0 > signed && rows[$0]["kind"] == "step" })
        rows[step] = Forgery.edited(rows[step], "loss", "1.25")
        try forgery.write(Forgery.relinked(rows))
        let outcome = try resume()
        #expect(outcome.status == 4, "\(outcome.error)")
        #expect(outcome.error.contains("computed again, has the loss"), "\(outcome.error)")
        #expect(outcome.error.contains("and the audit chain says 1.25"), "\(outcome.error)")
        #expect(!program.holds("run/adapter.gguf") && !program.holds("run/attestation.dsse.json"))
        #expect(try forgery.rows().last?["kind"] == "failure")
        #expect(try program.run(["audit", "verify", "run"]).status == 4)
    }

    @Test func `a run whose record and first row were written anew by somebody without the key is not gone on with`()
        throws
    {
        try kill()
        for name in checkpoints {
            try FileManager.default.removeItem(atPath: folder + "/checkpoints/" + name)
        }
        let text = try String(contentsOfFile: folder + "/run.json", encoding: .utf8)
        let record = text.replacingOccurrences(of: "\"checkpoint_every\": 4", with: "\"checkpoint_every\": 5")
        #expect(record != text)
        _ = try program.write("run/run.json", record)
        let start = try #require(try forgery.rows().first)
        let digest = SHA256Digest.of(Array(record.utf8)).hex
        try forgery.write(Forgery.relinked([Forgery.edited(start, "run_json_sha256", .string(digest))]))
        try expectUntouched("does not belong to its state and the key")
        // A start as earlier versions wrote it, which nobody had to sign.
        var body = try #require(start["body"]?.asObject)
        body["run_json_sha256"] = .string(digest)
        body["signature"] = nil
        body["chain_version"] = nil
        var old = try #require(start.asObject)
        old["body"] = .object(body)
        try forgery.write(Forgery.relinked([.object(old)]))
        try expectUntouched("is of an earlier version")
        try AtomicFile.write([], to: folder + "/audit.jsonl", placement: .replacing)
        try expectUntouched("has no audit chain")
    }

    @Test func `events that a checkpoint's row vouches for cannot be edited before a resume`() throws {
        try kill()
        var bytes = try WholeFile.read(folder + "/events.jsonl")
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "1")))
        bytes[place] = UInt8(ascii: "2")
        try AtomicFile.write(bytes, to: folder + "/events.jsonl", placement: .replacing)
        try expectUntouched("events.jsonl was changed: its first ")
    }

    @Test func `what stands in the events after the last signature is told and not shown`() throws {
        try kill()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/events.jsonl"))
        try file.seekToEnd()
        let line = #"{"event":"step","step":1,"peak_memory_bytes":99999999999999,"tokens_per_second":1e9}"#
        try file.write(contentsOf: Data((line + "\n").utf8))
        try file.close()
        #expect(try resume().status == 0)
        let row = try #require(try forgery.rows().first { $0["kind"] == "resume" }?["body"])
        #expect(try #require(row["events_unvouched_bytes"]?.asInt) >= line.utf8.count + 1)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        let report = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
        #expect(!report.contains("999999") && !report.contains("93132"))
    }

    @Test func `rows that are put after the last signature are not counted, and switch nothing off`() throws {
        try kill()
        let rows = try forgery.rows()
        let check = try #require(rows.first { $0["kind"] == "seal_check" })
        var kernels = try #require(check.asObject)
        kernels["kind"] = "note"
        kernels["body"] = ["other_kernels_allowed": true]
        let forged = rows + [JSONValue](repeating: check, count: 50) + [.object(kernels)]
        try forgery.write(Forgery.relinked(forged))
        #expect(try resume().status == 0)
        let verified = try program.run(["audit", "verify", "run"])
        #expect(verified.status == 0, "\(verified.output)")
        #expect(!verified.output.contains("start 5"), "\(verified.output)")

        try FileManager.default.removeItem(atPath: folder)
        try kill()
        var invented = try forgery.rows()
        let signed = try #require(invented.lastIndex { $0["kind"] == "checkpoint" })
        let step = try #require(invented.indices.first { $0 > signed && invented[$0]["kind"] == "step" })
        invented[step] = Forgery.edited(invented[step], "loss", "1.25")
        kernels["run"] = invented[0]["run"]
        try forgery.write(Forgery.relinked(invented + [.object(kernels)]))
        let outcome = try resume()
        #expect(outcome.status == 4 && outcome.error.contains("computed again, has the loss"), "\(outcome.error)")
    }

    @Test func `a closed run of somebody else's is not attested under one's own key`() throws {
        let stranger = Program()
        #expect(try stranger.run(ReferenceRun.words(steps: 2, length: 8, batch: 1, out: "run")).status == 0)
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "own")).status == 0)
        let own = try #require(try JSONValue.parse(WholeFile.read(program.folder.path("own/run.json")))["signer"])
        try FileManager.default.copyItem(atPath: stranger.folder.path("run"), toPath: folder)
        var record = try #require(try JSONValue.parse(WholeFile.read(folder + "/run.json")).asObject)
        record["signer"] = own
        let bytes = JSONValue.object(record).canonicalBytes
        try AtomicFile.write(bytes, to: folder + "/run.json", placement: .replacing)
        let thief = try Identity.load(path: stranger.folder.path("config/polymath/identity.pem"))
        var rows = try forgery.rows()
        let details = try #require(rows.removeFirst()["body"]?.asObject)
        try FileManager.default.removeItem(atPath: folder + "/audit.jsonl")
        var start = details
        start["run_json_sha256"] = .string(SHA256Digest.of(bytes).hex)
        let writer = try AuditWriter.start(
            path: folder + "/audit.jsonl", run: try #require(record["run"]?.asString), identity: thief,
            baseRoot: try #require(details["base_root"]?.asString.flatMap { SHA256Digest(hex: $0) }),
            recipe: try #require(details["recipe"]?.asString.flatMap { SHA256Digest(hex: $0) }),
            corpusID: details["corpus_id"]?.asString.flatMap { SHA256Digest(hex: $0) }, details: start)
        for row in rows.dropLast() {
            let body = row["body"]?.asObject ?? [:]
            if row["kind"] == "export" {
                let contentID = try #require(body["content_id"]?.asString.flatMap { SHA256Digest(hex: $0) })
                try writer.export(file: "adapter.gguf", contentID: contentID, byteCount: body["byte_count"]?.asInt ?? 0)
            } else {
                try writer.append(kind: row["kind"]?.asString ?? "", body: body)
            }
        }
        let state = rows.last?["body"]?["state"]?.asObject ?? [:]
        try writer.close(step: 2, state: state.filter { $0.key.hasPrefix("events_") })
        try FileManager.default.removeItem(atPath: folder + "/attestation.dsse.json")
        let outcome = try resume()
        #expect(outcome.status == 4, "\(outcome.error)")
        #expect(!program.holds("run/attestation.dsse.json"))
    }

    @Test func `no later row says what run.json is`() throws {
        try kill()
        let rows = try forgery.rows()
        let swapped = Array(
            try String(contentsOfFile: folder + "/run.json", encoding: .utf8)
                .replacingOccurrences(of: "qwen2-tied-f32", with: "llama-3-70b").utf8)
        var note = try #require(rows.first { $0["kind"] == "seal_check" }?.asObject)
        note["kind"] = "note"
        note["body"] = ["run_json_sha256": .string(SHA256Digest.of(swapped).hex)]
        try forgery.write(Forgery.relinked(rows + [.object(note)]))
        #expect(try resume().status == 0)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        try AtomicFile.write(swapped, to: folder + "/run.json", placement: .replacing)
        #expect(try program.run(["audit", "verify", "run"]).status == 4)
        #expect(try program.run(["audit", "export", "run", "--out", "handed"]).status == 4)
    }
}
