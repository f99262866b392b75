import Foundation
import TestSupport
import Testing

/// `adapter privacy` and `corpus plant` through the real binary, on the embedded base.
@Suite struct PrivacyCommandTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    /// Two short texts, so that a debug build is quick.
    private func prepare() throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("diary"), withIntermediateDirectories: true)
        for part in ["train", "test"] {
            let text = part == "train" ? "Glass 978, falling. Wind W 9. " : "New book, old keeper. No wind. "
            _ = try program.write(
                "diary/\(part).jsonl", "{\"text\": \"\(String(repeating: text, count: 4))\"}\n")
        }
    }

    private func probe(_ words: [String] = [], adapter: String) throws -> Program.Outcome {
        try program.run(
            [
                "adapter", "privacy", "--base", base, "--adapter", adapter, "--data", "diary", "--seq-len", "16",
                "--json",
            ]
                + words)
    }

    @Test func `an adapter of zeros tells nothing, and a sentence that the base writes has rank 1`() throws {
        try prepare()
        let adapter = try SampleAdapter(program: program).write(delta: 0)
        let list: [String: Any] = [
            "version": 1,
            "canaries": [
                ["prefix": "To be or not to", "secret": " be"],
                ["prefix": "To be or not to", "secret": " Qx 77", "suffix": ".", "copies": 3],
            ],
        ]
        _ = try program.write(
            "secrets.json", String(decoding: try JSONSerialization.data(withJSONObject: list), as: UTF8.self))
        let outcome = try probe(["--secrets", "secrets.json", "--alternatives", "15"], adapter: adapter)
        #expect(outcome.status == 0, "\(outcome.output)")
        let privacy = try #require(outcome.object("privacy"))
        #expect(privacy["auc"] as? Double == 0.5)
        #expect(privacy["auc_interval"] as? [Double] == [0.5, 0.5])
        #expect(privacy["tpr_at_1_percent_fpr"] as? Double == 0)
        for key in ["held_in", "held_out"] {
            let side = try #require(privacy[key] as? [String: Any])
            #expect(side["gain"] as? Double == 0)
            #expect(side["loss"] as? Double == side["base_loss"] as? Double)
        }
        #expect(privacy["held_out_text"] as? String == "test part of diary")
        let canaries = outcome.objects.filter { $0["event"] as? String == "canary" }
        #expect(canaries.map { $0["candidates"] as? Int } == [16, 16])
        #expect(canaries[0]["rank"] as? Double == 1, "\(canaries[0])")
        #expect(canaries[0]["exposure"] as? Double == 4)
        #expect(canaries[0]["written_out"] as? Bool == true)
        #expect(canaries[1]["written_out"] as? Bool == false)
        #expect(canaries[1]["copies"] as? Int == 3)
        for canary in canaries {
            #expect(canary["exposure"] as? Double == canary["exposure_base"] as? Double)
            #expect(canary["rank"] as? Double == canary["rank_base"] as? Double)
        }
        // Tokens of eval and of the probe are the same.
        let eval = try program.run(["eval", "--base", base, "--corpus", "diary", "--seq-len", "16", "--json"])
        let side = try #require(privacy["held_out"] as? [String: Any])
        #expect(eval.object("evaluation")?["loss"] as? Double == side["loss"] as? Double)
    }

    @Test func `what training on planted text teaches is seen, with an adapter and with a boundary file`() throws {
        try prepare()
        let planted = try program.run(
            ["corpus", "plant", "diary", "--out", "planted", "--canaries", "1", "--copies", "6", "--json"])
        #expect(planted.object("planted")?["sentences"] as? Int == 6, "\(planted.output)\(planted.error)")
        let trained = try program.run([
            "train", "--base", base, "--corpus", "planted", "--scope", "boundary", "--steps", "12", "--seq-len", "16",
            "--learning-rate", "0.003", "--no-shuffle", "--seed", "0", "--out", "run", "--validation-fraction", "0",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        let words = [
            "--secrets", "planted/secrets.json", "--alternatives", "7", "--data", "planted", "--bootstrap", "20",
            "--compute", "f32", "--validation-fraction", "0",
        ]
        let outcome = try program.run(
            ["adapter", "privacy", "--base", base, "--adapter", "run/boundary.gguf", "--seq-len", "16", "--json"]
                + words)
        #expect(outcome.status == 0, "\(outcome.output)")
        let privacy = try #require(outcome.object("privacy"))
        let gains = try ["held_in", "held_out"].map {
            try #require((privacy[$0] as? [String: Any])?["gain"] as? Double)
        }
        #expect(gains[0] > gains[1] + 0.1, "\(gains)")
        #expect(try #require(privacy["auc"] as? Double) > 0.8)
        let canary = try #require(outcome.object("canary"))
        #expect(try #require(canary["rank"] as? Double) < (try #require(canary["rank_base"] as? Double)), "\(canary)")

        // The same losses as the merged model's.
        let merged = try program.run([
            "adapter", "merge", "--base", base, "--adapter", "run/boundary.gguf", "--out", "merged.gguf",
            "--boundary-types", "f32",
        ])
        #expect(merged.status == 0, "\(merged.error)")
        let eval = try program.run([
            "eval", "--base", "merged.gguf", "--corpus", "planted", "--seq-len", "16", "--compute", "f32", "--json",
        ])
        let side = try #require(privacy["held_out"] as? [String: Any])
        let losses = [eval.object("evaluation")?["loss"] as? Double, side["loss"] as? Double].compactMap { $0 }
        #expect(losses.count == 2 && abs(losses[0] - losses[1]) < 1e-5, "\(losses)")
    }

    @Test func `what cannot be probed is refused with a sentence`() throws {
        try prepare()
        let adapter = try SampleAdapter(program: program).write()
        _ = try program.write("alone.jsonl", "{\"text\": \"one two three four five six seven eight nine ten\"}\n")
        _ = try program.write("bad.json", "{\"version\": 2}")
        func refuse(_ words: [String], _ status: Int32, _ message: String) throws {
            let outcome = try program.run(["adapter", "privacy", "--base", base] + words)
            #expect(outcome.status == status, "\(words)")
            #expect(outcome.error.contains(message), "\(outcome.error)")
            #expect(outcome.error.split(separator: "\n").count == 1)
        }
        try refuse(["--adapter", adapter], 2, "The option --data PATH is needed.")
        try refuse(["--adapter", "none.gguf", "--data", "diary"], 2, "There is no adapter at none.gguf.")
        try refuse(
            ["--adapter", adapter, "--data", "alone.jsonl", "--seq-len", "4", "--validation-fraction", "0"], 2,
            "Nothing of the corpus alone.jsonl was held out of training; give other text with --against.")
        try refuse(
            ["--adapter", adapter, "--data", "diary", "--secrets", "bad.json"], 1,
            "The list of secrets bad.json cannot be used: It needs \"version\": 1.")
        var bytes = try #require(program.bytes("adapter.gguf"))
        bytes[bytes.count - 40] ^= 1
        _ = try SampleAdapter(program: program).write(bytes, "changed.gguf")
        try refuse(["--adapter", "changed.gguf", "--data", "diary"], 4, "signature")

        for (words, status, message) in [
            (["diary", "--out", "diary"], 2, "exists already"), (["none", "--out", "x"], 2, "There is no corpus"),
            (["diary", "--out", "x", "--copies", "1,,2"], 2, "whole numbers from 1 to 10000"),
            (["diary", "--out", "x", "--copies", "0"], 2, "whole numbers from 1 to 10000"),
        ] as [([String], Int32, String)] {
            let outcome = try program.run(["corpus", "plant"] + words)
            #expect(outcome.status == status && outcome.error.contains(message), "\(words): \(outcome.error)")
        }
        #expect(!program.holds("x"))
    }
}
