import Foundation
import TestSupport
import Testing

/// Input that `train` refuses: one sentence, the documented exit status, and nothing written.
@Suite struct BadInputTests {
    let program = Program()
    static let model = Repository.reference("qwen2-tied-f32.gguf")
    static let ids = Repository.reference("tokens.json")

    /// Runs `train` twice, for people and with `--json`, and expects the same refusal of both.
    private func expectRefusal(
        _ words: [String], status: Int32, message: String, leavesOut: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let out = words.contains("--out") ? [] : ["--out", "run"]
        let plain = try program.run(["train"] + words + out)
        #expect(plain.status == status, "\(plain.error)", sourceLocation: sourceLocation)
        #expect(plain.error.contains(message), "\(plain.error)", sourceLocation: sourceLocation)
        #expect(plain.error.hasPrefix("polymath: "), "\(plain.error)", sourceLocation: sourceLocation)
        #expect(plain.error.split(separator: "\n").count == 1, "\(plain.error)", sourceLocation: sourceLocation)
        #expect(plain.output.isEmpty, sourceLocation: sourceLocation)

        let json = try program.run(["train"] + words + out + ["--json"])
        #expect(json.status == status, sourceLocation: sourceLocation)
        #expect(json.error.isEmpty, "\(json.error)", sourceLocation: sourceLocation)
        #expect(json.objects.count == 1, "\(json.output)", sourceLocation: sourceLocation)
        #expect(json.object("error")?["exit_code"] as? Int == Int(status), sourceLocation: sourceLocation)
        #expect(json.errorMessage?.contains(message) == true, "\(json.output)", sourceLocation: sourceLocation)
        #expect(program.holds("run") == leavesOut, "the run folder", sourceLocation: sourceLocation)
    }

    // MARK: The base

    @Test(
        arguments: [
            ("nowhere.gguf", 2, "'nowhere.gguf' does not exist"), ("nowhere", 2, "There is no base 'nowhere'"),
            ("empty.gguf", 1, "'empty.gguf' is empty"),
            ("cut.gguf", 1, "cut.gguf cannot be used: the file is cut off: tensor 'token_embd.weight'"),
            ("header.gguf", 1, "header.gguf cannot be used: 512 elements of key 'tokenizer.ggml.tokens'"),
            ("text.gguf", 1, "'text.gguf' is not a GGUF file"),
            ("architecture.gguf", 1, "architecture.gguf cannot be used: The base's architecture is \"mamba\""),
            ("type.gguf", 1, "tensor 'blk.1.ffn_down.weight' has storage type 16 (IQ2_XXS), which is not supported"),
            ("unknown.gguf", 1, "tensor 'blk.1.ffn_down.weight' has storage type 4711, which is not supported"),
        ] as [(String, Int32, String)])
    func `a base that cannot be trained is refused by name and reason`(
        name: String, status: Int32, message: String
    ) throws {
        try writeBases()
        try expectRefusal(
            ["--base", name, "--tokens", Self.ids, "--steps", "1"], status: status, message: message)
    }

    private func writeBases() throws {
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.model)))
        try write([], "empty.gguf")
        try write(Array("This is a text and no model, whatever its name says.".utf8), "text.gguf")
        try write(Array(whole.prefix(100_000)), "cut.gguf")
        try write(Array(whole.prefix(3_000)), "header.gguf")
        var other = whole
        let key = try #require(Self.find("general.architecture", in: whole))
        let value = try #require(Self.find("qwen2", in: Array(whole[key...]))) + key
        other.replaceSubrange(value..<value + 5, with: Array("mamba".utf8))
        try write(other, "architecture.gguf")
        let name = "blk.1.ffn_down.weight"
        let end = try #require(Self.find(name, in: whole)) + name.utf8.count
        // After the name: the number of dimensions (two), the dimensions, the type.
        let type = end + 4 + 2 * 8
        for (number, file) in [(16, "type.gguf"), (4711, "unknown.gguf")] {
            var other = whole
            other.replaceSubrange(type..<type + 4, with: [UInt8(number & 0xFF), UInt8(number >> 8), 0, 0])
            try write(other, file)
        }
    }

    // MARK: The text

    @Test(
        arguments: [
            ("--corpus", "nowhere", 2, "There is no corpus \"nowhere\""),
            ("--corpus", "./nowhere.txt", 2, "There is no corpus at ./nowhere.txt."),
            ("--corpus", "empty.txt", 1, "empty.txt is empty"),
            ("--corpus", "latin.txt", 1, "latin.txt, line 2: byte 7 is not UTF-8 text"),
            ("--corpus", "row.jsonl", 1, "row.jsonl, line 2: \"text\" of the row must be a string."),
            ("--corpus", "broken.jsonl", 1, "broken.jsonl, line 3"),
            ("--corpus", "hollow", 1, "hollow"),
            ("--corpus", "short.txt", 1, "but one window of 16 tokens and their targets needs 17."),
            ("--corpus", "picture.png", 2, "picture.png"),
            ("--tokens", "nowhere.json", 2, "There is no token file at nowhere.json."),
            ("--tokens", "range.json", 1, "range.json: token id 512 at index 3 is outside the vocabulary, 0 to 511."),
            ("--tokens", "negative.json", 1, "negative.json: token id -3 at index 1 is outside the vocabulary"),
            ("--tokens", "few.json", 1, "The corpus has 3 tokens, but one window of 16 tokens"),
            ("--tokens", "cut.json", 1, "cut.json is not a JSON array of token ids: at byte 5"),
            ("--tokens", "none.json", 1, "none.json is empty"),
        ] as [(String, String, Int32, String)])
    func `text that cannot be trained on is refused with file and place`(
        option: String, path: String, status: Int32, message: String
    ) throws {
        for (name, text) in [
            ("empty.txt", ""), ("row.jsonl", "{\"text\": \"good\"}\n{\"text\": 7}\n"),
            ("broken.jsonl", "{\"text\": \"good\"}\n\n{\"text\": \"good\"\n"), ("short.txt", "Hi."),
            ("picture.png", "x"),
            ("range.json", "[1,2,3,512,5]"), ("negative.json", "[1,-3,2]"), ("few.json", "[1,2,3]"),
            ("cut.json", "[1,2,"), ("none.json", "[]"),
        ] { _ = try program.write(name, text) }
        try write(Array("Tide.\na".utf8) + [0xE9] + Array("b\n".utf8), "latin.txt")
        try FileManager.default.createDirectory(
            atPath: program.folder.path("hollow"), withIntermediateDirectories: true)
        try expectRefusal(
            ["--base", Self.model, option, path, "--steps", "1", "--seq-len", "16"], status: status, message: message)
    }

    // MARK: Options

    @Test(
        arguments: [
            (["--steps", "0"], "The value \"0\" of --steps must be a whole number, 1 or more."),
            (["--epochs", "0"], "The value \"0\" of --epochs must be a whole number, 1 or more."),
            (["--steps", "1", "--epochs", "1"], "--steps and --epochs cannot be given together"),
            (["--seq-len", "1025"], "--seq-len 1025 is longer than the base's context of 1024 tokens."),
            (["--seq-len", "0"], "The value \"0\" of --seq-len"),
            (["--batch-size", "0"], "The value \"0\" of --batch-size"),
            (["--learning-rate", "-1"], "The value \"-1\" of --learning-rate must be a number above 0."),
            (["--learning-rate", "0x10"], "The value \"0x10\" of --learning-rate"),
            (["--learning-rate", "nan"], "The value \"nan\" of --learning-rate"),
            (["--learning-rate", "inf"], "The value \"inf\" of --learning-rate"),
            (["--grad-clip", "-0.5"], "The value \"-0.5\" of --grad-clip"),
            (["--weight-decay", "-1"], "The value \"-1\" of --weight-decay"),
            (["--validation-fraction", "1"], "The value \"1\" of --validation-fraction"),
            (
                ["--scope", "middle"],
                "The value \"middle\" of --scope must be one of: norms, tail, all-norms, boundary."
            ),
            (["--optimizer", "lion"], "The value \"lion\" of --optimizer must be one of: adamw, sgd."),
            (["--schedule", "step"], "The value \"step\" of --schedule"),
            (["--compute", "int4"], "The value \"int4\" of --compute"),
            (["--threads", "0"], "The value \"0\" of --threads"),
            (["--seed", "-1"], "The value \"-1\" of --seed"),
        ] as [([String], String)])
    func `options that cannot be exit 2 before anything is written`(words: [String], message: String) throws {
        try expectRefusal(["--base", Self.model, "--tokens", Self.ids] + words, status: 2, message: message)
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path(name)))
    }

    private static func find(_ text: String, in bytes: [UInt8]) -> Int? {
        Data(bytes).range(of: Data(text.utf8))?.lowerBound
    }
}
