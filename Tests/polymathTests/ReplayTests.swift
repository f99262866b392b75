import Foundation
import TestSupport
import Testing

/// Training a finished run again.
@Suite struct ReplayTests {
    let program = Program()
    let tokens = Repository.reference("tokens.json")

    /// A run of two steps on a reference model; returns the base's path.
    @discardableResult
    private func train(_ out: String = "run", scope: String = "norms", _ options: [String] = []) throws -> String {
        let words = ReferenceRun.words(scope: scope, steps: 2, length: 8, batch: 1, out: out) + options
        let outcome = try program.run(words)
        #expect(outcome.status == 0, "\(outcome.output)")
        return words[2]
    }

    /// A copy of the run folder in the hands of somebody else, who cannot read the run's identity.
    private func handOver() throws -> Program {
        let other = Program()
        try FileManager.default.removeItem(atPath: program.folder.path("config"))
        try FileManager.default.copyItem(atPath: program.folder.path("run"), toPath: other.folder.path("run"))
        return other
    }

    private func expect(
        _ outcome: Program.Outcome, _ status: Int32, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == status, "\(outcome.output)\(outcome.error)", sourceLocation: sourceLocation)
        #expect(
            (outcome.output + outcome.error).contains(text), "\(outcome.output)\(outcome.error)",
            sourceLocation: sourceLocation)
    }

    @Test func `a run on nano comes to the same content id again`() throws {
        let nano = Repository.checkpoint("nano-q4_k_m.gguf")
        let ids = try program.write("ids.json", "\((0..<60).map { $0 * 37 % 4000 })")
        let trained = try program.run([
            "train", "--base", nano, "--tokens", ids, "--steps", "2", "--seq-len", "8", "--validation-fraction", "0.3",
            "--out", "run", "--json",
        ])
        let contentID = try #require(trained.object("run_finished")?["content_id"] as? String)
        let replay = try program.run(["audit", "replay", "run", "--base", nano, "--tokens", ids, "--threads", "1"])
        expect(replay, 0, "the same to the last byte: content id \(contentID).  [replay]")
        #expect(replay.output.contains("of steps and validations are the recorded ones, digit for digit.  [replay]"))
        #expect(replay.output.hasSuffix("replay: same\n"))
    }

    @Test func `the recorded base and text are taken where none are given`() throws {
        try train()
        let replay = try program.run(["audit", "replay", "run", "--json"])
        expect(replay, 0, "\"result\":\"same\"")
        #expect(replay.objects.count == 1)
        #expect(replay.object("replay")?["passed"] as? Bool == true)
    }

    @Test(arguments: [("norms", []), ("boundary", []), ("boundary", ["--moments", "int8"])])
    func `somebody else's replay compares every byte but the signer's own`(scope: String, options: [String]) throws {
        let base = try train(scope: scope, options)
        let other = try handOver()
        let replay = try other.run(["audit", "replay", "run", "--base", base, "--tokens", tokens])
        expect(
            replay, 0, "under another key, the exported file is the same in every byte but recipe, signer and signature"
        )
        #expect(replay.output.contains("only the outcome shows whether this is the run's text"))
        #expect(!other.holds("config"), "a replay makes no identity of its own")
        let text = try other.write("other.json", "\((0..<200).map { $0 % 97 })")
        let wrong = try other.run(["audit", "replay", "run", "--base", base, "--tokens", text])
        expect(wrong, 4, "replay: different")
        #expect(wrong.output.contains("FAILED  Trained again, the exported file differs: its digest of everything but"))
    }

    @Test func `what audit export hands on is enough for a replay by somebody else`() throws {
        let base = try train()
        let pack = try program.run(["audit", "export", "run", "--out", "pack"])
        #expect(pack.status == 0, "\(pack.error)")
        let other = Program()
        try FileManager.default.copyItem(atPath: program.folder.path("pack"), toPath: other.folder.path("pack"))
        let replay = try other.run(["audit", "replay", "pack", "--base", base, "--tokens", tokens])
        expect(
            replay, 0, "under another key, the exported file is the same in every byte but recipe, signer and signature"
        )
        expect(try other.run(["audit", "replay", "pack", "--base", base]), 2, "There is no token file at tokens.json.")
        let verified = try other.run(
            ["audit", "verify", "pack", "--base", base, "--any-signer"], of: "polymath-verify")
        expect(verified, 0, "intact, signer unknown: ")
    }

    @Test func `a recipe that did not make the adapter is exposed`() throws {
        try train()
        try Forgery(program, "run").claim("learning_rate", "0.02")
        // Whoever holds the key can write anything: nothing but training again shows it.
        expect(try program.run(["audit", "verify", "run"]), 0, "run: closed")
        let replay = try program.run(["audit", "replay", "run"])
        expect(replay, 4, "replay: different")
        #expect(replay.output.contains("FAILED  Trained again, the exported file differs"))
        #expect(replay.output.contains("FAILED  Trained again, 1 of 2 losses differ; the first is that of step 2"))
        let other = try handOver().run(["audit", "replay", "run", "--base", ReferenceRun.words(out: "")[2]])
        expect(other, 4, "replay: different")
    }

    @Test func `an invented loss around a genuine adapter is exposed`() throws {
        try train()
        // Without shuffling the seed decides nothing, so this claim is true; the loss is not.
        try Forgery(program, "run").claim("seed", "7", firstLoss: "1.25")
        let replay = try program.run(["audit", "replay", "run"])
        expect(replay, 4, "replay: different")
        #expect(replay.output.contains("1.25 on record"))
        #expect(replay.output.contains("ok      Trained again, the exported file is the same to the last byte"))
    }

    @Test func `what is not the run's is refused by name`() throws {
        let base = try train()
        let replay = ["audit", "replay", "run"]
        expect(
            try program.run(replay + ["--base", Repository.reference("qwen2-untied-q4_0.gguf")]), 4,
            "is not the run's: its root is")
        let text = try program.write("other.json", "\((0..<200).map { $0 % 97 })")
        expect(try program.run(replay + ["--tokens", text]), 4, "The corpus other.json is not the run's")
        expect(try program.run(replay + ["--tokens", text, "--corpus", text]), 2, "cannot be given together")
        expect(try program.run(replay + ["--base", base + ".no"]), 2, "no")
        expect(try program.run(["audit", "replay", "nowhere"]), 2, "There is no run folder at nowhere.")

        try Forgery(program, "run").claim("kernel_path", "abacus polymath-0.0.1")
        expect(try program.run(replay), 4, "made on the kernel path \"abacus polymath-0.0.1\"")
        try Forgery(program, "run").claim("seed", "7")
        try FileManager.default.removeItem(atPath: program.folder.path("run/adapter.gguf"))
        expect(try program.run(replay), 4, "its own evidence does not hold")
    }
}
