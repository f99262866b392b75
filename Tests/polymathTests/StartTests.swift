import Adapter
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

/// `polymath train --start`: a run that begins with an adapter, and everything that is made of such a run.
@Suite struct StartTests {
    let program = Program()
    let base = Repository.reference("qwen2-tied-f32.gguf")

    private func words(
        _ out: String, start: String? = nil, scope: String = "norms", steps: Int = 3, _ more: [String] = []
    ) -> [String] {
        ReferenceRun.words(scope: scope, steps: steps, length: 8, batch: 1, out: out)
            + (start.map { ["--start", $0] } ?? []) + more
    }

    /// A run whose adapter others begin with.
    private func first(scope: String = "norms") throws -> Program.Outcome {
        let outcome = try program.run(words("first", scope: scope))
        #expect(outcome.status == 0, "\(outcome.output)")
        try FileManager.default.copyItem(
            atPath: program.folder.path("first/adapter.gguf"), toPath: program.folder.path("start.gguf"))
        return outcome
    }

    private func contentID(_ path: String) throws -> String {
        SHA256Digest.of(try #require(program.bytes(path))).hex
    }

    @Test func `the first step finds what the start adapter gives, and the export is relative to the base`() throws {
        let first = try first()
        let after = try #require(first.object("run_finished")?["first_batch_loss_after"] as? Double)
        let second = try program.run(words("second", start: "start.gguf"))
        #expect(second.status == 0, "\(second.output)")
        #expect(second.stepLosses.first == after)
        #expect(second.object("run_started")?["start"] as? String == (try contentID("start.gguf")))
        #expect(program.bytes("second/start.gguf") == program.bytes("start.gguf"))
        let verified = try program.run([
            "adapter", "verify", "--base", base, "--adapter", "second/adapter.gguf",
        ])
        #expect(verified.status == 0, "\(verified.error)")
        // A learning rate that moves nothing leaves the start itself, whose deltas are to the base.
        let still = try program.run(
            words("still", start: "start.gguf", steps: 1, ["--adapter-encoding", "f32"]).map {
                $0 == "0.01" ? "1e-30" : $0
            })
        #expect(still.status == 0, "\(still.output)")
        let (start, kept) = try (
            NormAdapter.read(path: program.folder.path("start.gguf")),
            NormAdapter.read(path: program.folder.path("still/adapter.gguf"))
        )
        for (one, other) in zip(start.deltas, kept.deltas) {
            for (a, b) in zip(one.values, other.values) { #expect(abs(a - b) <= 1e-6) }
        }
        let audited = try program.run(["audit", "verify", "second"])
        #expect(audited.status == 0 && audited.output.contains("start.gguf is the file that the chain records"))
    }

    @Test func `the recipe names the start, and only where there is one`() throws {
        _ = try first()
        try program.run(words("second", start: "start.gguf"))
        func recipe(_ run: String) throws -> [String: Any] {
            let record = try #require(
                JSONSerialization.jsonObject(with: Data(program.bytes(run + "/run.json") ?? [])) as? [String: Any])
            return try #require(record["recipe"] as? [String: Any])
        }
        #expect(try recipe("first")["start"] == nil)
        #expect(try recipe("second")["start"] as? String == contentID("start.gguf"))
        #expect(try recipe("first").count + 1 == recipe("second").count)
        #expect(!program.holds("first/start.gguf"))
        let row = try #require(program.chain("second").first?["body"] as? [String: Any])
        #expect(row["start_gguf_sha256"] as? String == (try contentID("start.gguf")))
    }

    @Test(arguments: ["norms", "all-norms"])
    func `a killed run goes on to the same bytes when the original is gone`(scope: String) throws {
        _ = try first(scope: "tail")
        let more = ["--checkpoint-every", "4"]
        let whole = try program.run(words("whole", start: "start.gguf", scope: scope, steps: 16, more))
        #expect(whole.status == 0, "\(whole.output)")
        for (name, step) in [("early", 1), ("late", 9)] {
            let killed = try program.run(
                words(name, start: "start.gguf", scope: scope, steps: 16, more),
                watch: { $0.contains("\"step\":\(step),") }, signal: SIGKILL)
            #expect(killed.status == 128 + SIGKILL)
        }
        try FileManager.default.removeItem(atPath: program.folder.path("start.gguf"))
        for name in ["early", "late"] {
            let resumed = try program.run(["train", "--resume", name, "--threads", "1", "--json"])
            #expect(resumed.status == 0, "\(resumed.output)")
            #expect(program.bytes(name + "/adapter.gguf") == program.bytes("whole/adapter.gguf"))
        }
    }

    @Test func `a replay needs no original, and what is handed on is enough for somebody else's`() throws {
        _ = try first()
        try program.run(words("second", start: "start.gguf"))
        try FileManager.default.removeItem(atPath: program.folder.path("start.gguf"))
        let replay = try program.run(["audit", "replay", "second"])
        #expect(replay.status == 0 && replay.output.hasSuffix("replay: same\n"), "\(replay.output)\(replay.error)")
        let handed = try program.run(["audit", "export", "second", "--out", "pack"])
        #expect(handed.status == 0, "\(handed.error)")
        let page = String(decoding: program.bytes("pack/report.html") ?? [], as: UTF8.self)
        #expect(page.contains("<code>start.gguf</code>"))
        let other = Program()
        try FileManager.default.copyItem(atPath: program.folder.path("pack"), toPath: other.folder.path("pack"))
        let again = try other.run([
            "audit", "replay", "pack", "--base", base, "--tokens", Repository.reference("tokens.json"),
        ])
        #expect(again.status == 0 && again.output.hasSuffix("replay: same\n"), "\(again.output)\(again.error)")
    }

    @Test func `a copy in the run folder that is not the recorded one is refused everywhere`() throws {
        _ = try first()
        try program.run(words("other", steps: 2))
        try program.run(words("second", start: "start.gguf"))
        let killed = try program.run(
            words("part", start: "start.gguf", steps: 16), watch: { $0.contains("\"step\":2,") }, signal: SIGTERM)
        #expect(killed.status == 128 + SIGTERM)
        for run in ["second", "part"] {
            try FileManager.default.removeItem(atPath: program.folder.path(run + "/start.gguf"))
            try FileManager.default.copyItem(
                atPath: program.folder.path("other/adapter.gguf"), toPath: program.folder.path(run + "/start.gguf"))
        }
        #expect(try program.run(["train", "--resume", "part"]).status == 4)
        #expect(try program.run(["audit", "verify", "second"]).status == 4)
        #expect(try program.run(["audit", "replay", "second"]).status == 4)
        #expect(try program.run(["audit", "export", "second", "--out", "pack"]).status == 4)
        try FileManager.default.removeItem(atPath: program.folder.path("part/start.gguf"))
        #expect(try program.run(["train", "--resume", "part"]).status == 2)
    }

    @Test func `a start that cannot be is refused before anything is written`() throws {
        _ = try first()
        func refused(_ words: [String], _ status: Int32, _ says: String) throws {
            let outcome = try program.run(words)
            #expect(outcome.status == status && outcome.errorMessage?.contains(says) == true, "\(outcome.output)")
            #expect(!program.holds("run"))
        }
        try refused(words("run", start: "nothing.gguf"), 2, "There is no start adapter at nothing.gguf.")
        try refused(words("run", start: "start.gguf", scope: "tail"), 2, "give --scope norms, or a wider one")
        try refused(words("run", start: "start.gguf", scope: "boundary"), 2, "scope boundary exports none")
        try refused(words("run", start: base), 4, "it must be")
        var bytes = try #require(program.bytes("start.gguf"))
        bytes[bytes.count - 40] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path("forged.gguf")))
        try refused(words("run", start: "forged.gguf"), 4, "changed or forged")
        let foreign = Repository.root + "/Tests/Vectors/nano-skerry.gguf"
        try refused(words("run", start: foreign), 4, "another base")
    }

    @Test func `a start at the limit of the format is held where a training holds its gains`() throws {
        let gguf = try GGUFFile(path: base)
        let root = try #require(
            program.run(["audit", "seal", base, "--json"]).objects.last?["root"] as? String)
        let layers = try #require(gguf["qwen2.block_count"]?.asInt)
        let length = try #require(gguf["qwen2.embedding_length"]?.asInt)
        let deltas = try AdapterScope.tail.tensorNames(layerCount: layers).map { name in
            NormDelta(
                name: name, values: [Float](repeating: try gguf.largestGain(named: name, length: length), count: length)
            )
        }
        let bytes = try NormAdapter.encode(
            architecture: "qwen2", scope: .tail, encoding: .f32, layerCount: layers,
            baseRoot: try #require(SHA256Digest(hex: root)), recipe: SHA256Digest.of([]), deltas: deltas,
            identity: Identity.generate())
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path("limit.gguf")))
        let outcome = try program.run(words("run", start: "limit.gguf", steps: 1))
        #expect(outcome.status == 0, "\(outcome.output)")
    }
}
