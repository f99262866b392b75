import Foundation
import TestSupport
import Testing

@Suite struct EvalTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")
    static let ids = "[39,486,78,11,262,7653,310,457,13,64,198,65,87,9]"

    @Test func `token ids are measured and what is dropped is reported`() throws {
        let tokens = try program.write("tokens.json", Self.ids)
        let outcome = try program.run(
            ["eval", "--base", base, "--tokens", tokens, "--seq-len", "4", "--bootstrap", "50", "--json"])
        #expect(outcome.status == 0)
        #expect(outcome.error.isEmpty)
        let object = try #require(outcome.objects.last)
        #expect(object["event"] as? String == "evaluation")
        #expect(object["num_tokens"] as? Int == 12)
        #expect(object["dropped_tokens"] as? Int == 1)
        let loss = try #require(object["loss"] as? Double)
        let perplexity = try #require(object["perplexity"] as? Double)
        #expect(abs(perplexity - exp(loss)) < 1e-9 * perplexity)
        let interval = try #require(object["loss_interval"] as? [Double])
        #expect(interval[0] <= loss && loss <= interval[1])
    }

    @Test func `threads change no bit of the loss`() throws {
        let tokens = try program.write("tokens.json", Self.ids)
        let lines = try ["1", "2", "3"].map { threads in
            try program.run(
                ["eval", "--base", base, "--tokens", tokens, "--seq-len", "6", "--threads", threads, "--json"]).output
        }
        #expect(lines[0] == lines[1] && lines[1] == lines[2])
    }

    @Test func `a corpus without a test part is measured on what it has`() throws {
        let text = try program.write(
            "note.txt", String(repeating: "The tide was out and the boats lay on the sand. ", count: 3))
        let outcome = try program.run(["eval", "--base", base, "--corpus", text, "--seq-len", "8"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("training part"))
        let missing = try program.run(["eval", "--base", base, "--corpus", text, "--seq-len", "8", "--part", "test"])
        #expect(missing.status == 2)
        #expect(missing.error.contains("has no test part"))
    }

    @Test(
        arguments: [
            (["--tokens", "nowhere.json"], 2, "There is no token file at nowhere.json."),
            (["--tokens", "range.json", "--seq-len", "2"], 1, "token id 99999 at index 1 is outside the vocabulary"),
            (["--tokens", "short.json", "--seq-len", "4"], 1, "4"),
            (["--tokens", "text.json"], 1, "is not a JSON array of token ids"),
            (
                ["--tokens", "short.json", "--seq-len", "0"], 2,
                "The value \"0\" of --seq-len must be a whole number, 1 or more."
            ),
            (
                ["--tokens", "short.json", "--seq-len", "100000"], 2,
                "--seq-len 100000 is longer than the base's context of"
            ),
            (["--tokens", "short.json", "--compute", "int4"], 2, "must be one of: auto, f32"),
            (["--tokens", "short.json", "--corpus", "x"], 2, "cannot be given together"),
            (["--tokens", "short.json", "--compare"], 2, "--compare needs an adapter"),
            ([], 2, "Text to measure on is needed"),
            (["--corpus", "nowhere"], 2, "There is no corpus \"nowhere\""),
            (["--corpus", "./nowhere.jsonl"], 2, "There is no corpus at ./nowhere.jsonl."),
            (["--corpus", "bad.jsonl"], 1, "bad.jsonl, line 2"),
            (["--corpus", "latin.txt"], 1, "is not UTF-8"),
            (["--corpus", "empty.txt"], 1, "is empty"),
        ] as [([String], Int32, String)])
    func `bad input is named and exits as documented`(words: [String], status: Int32, message: String) throws {
        _ = try program.write("range.json", "[1,99999,3]")
        _ = try program.write("short.json", "[1,2,3,4]")
        _ = try program.write("text.json", "\"words\"")
        _ = try program.write("bad.jsonl", "{\"text\": \"good\"}\n{\"text\": 7}\n")
        _ = try program.write("empty.txt", "")
        try Data([0x61, 0xE9, 0x62]).write(to: URL(fileURLWithPath: program.folder.path("latin.txt")))
        let outcome = try program.run(["eval", "--base", base] + words)
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(outcome.output.isEmpty)
    }
}

@Suite struct BadBaseTests {
    let program = Program()

    @Test(
        arguments: [
            ("nowhere.gguf", 2, "does not exist"), ("empty.gguf", 1, "is empty"),
            ("text.gguf", 1, "is not a GGUF file"),
            ("cut.gguf", 1, "cut off"), ("folder.gguf", 1, "folder"), ("no-such-name", 2, "There is no base"),
        ] as [(String, Int32, String)])
    func `a base that cannot be used is named with the reason`(name: String, status: Int32, message: String) throws {
        _ = try program.write("empty.gguf", "")
        _ = try program.write("text.gguf", "This is a text and no model at all, whatever its name says.")
        let model = try Data(contentsOf: URL(fileURLWithPath: Repository.checkpoint("nano-q4_k_m.gguf")))
        try model.prefix(100_000).write(to: URL(fileURLWithPath: program.folder.path("cut.gguf")))
        try FileManager.default.createDirectory(
            atPath: program.folder.path("folder.gguf"), withIntermediateDirectories: true)
        let outcome = try program.run(["generate", "--base", name, "--prompt", "x"])
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(outcome.output.isEmpty)
    }
}
