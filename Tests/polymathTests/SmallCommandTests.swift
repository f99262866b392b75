import Foundation
import TestSupport
import Testing

@Suite struct DoctorTests {
    @Test func `the machine and the bases are shown, for people and as JSON`() throws {
        let program = Program(home: Repository.root)
        let plain = try program.run(["doctor"])
        #expect(plain.status == 0)
        for label in ["polymath", "toolchain", "products", "processor", "memory", "home", "free disk", "bases here"] {
            #expect(plain.output.contains("\n" + label) || plain.output.hasPrefix(label), "\(label)")
        }
        let json = try program.run(["doctor", "--json"])
        let object = try #require(json.object("doctor"))
        #expect(json.objects.count == 1 && json.error.isEmpty)
        #expect((object["bases"] as? [String])?.contains("nano") == true)
        #expect((object["cores"] as? Int ?? 0) >= 1)
        #expect((object["memory_bytes"] as? Int ?? 0) > 1 << 28)
        #expect(object["home"] as? String == Repository.root)
        #expect((object["kernel_path"] as? String)?.isEmpty == false)
    }

    @Test func `a home that holds nothing is said to, and a bad catalogue is an error`() throws {
        let program = Program()
        let outcome = try program.run(["doctor", "--home", "nowhere"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("bases here  none"))
        #expect(outcome.output.contains("the home is not there"))
        try FileManager.default.createDirectory(
            atPath: program.folder.path("Checkpoints"), withIntermediateDirectories: true)
        _ = try program.write("Checkpoints/catalog.json", "[]")
        let bad = try program.run(["doctor"])
        #expect(bad.status == 1)
        #expect(bad.error.contains("catalog.json' cannot be used: its members should be"), "\(bad.error)")
        let extra = try program.run(["doctor", "now"])
        #expect(extra.status == 2)
        #expect(extra.error == "polymath: \"now\" is one argument too many.\n")
    }
}

@Suite struct CompletionTests {
    let program = Program()

    /// What bash would offer after these words.
    private func offered(_ words: [String]) throws -> [String] {
        let script = try program.write("script.bash", try program.run(["completion", "bash"]).output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        process.arguments = [
            "-c",
            "source '\(script)'; COMP_WORDS=(polymath \(list)); COMP_CWORD=\(words.count); _polymath; "
                + "printf '%s\\n' \"${COMPREPLY[@]}\"",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text.split(separator: "\n").map(String.init)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash"), "this machine has no bash"))
    func `bash completes commands, their verbs and their options`() throws {
        #expect(try offered(["tr"]) == ["train"])
        #expect(try offered(["base", "in"]) == ["inspect"])
        #expect(try offered(["base", ""]) == ["list", "pull", "inspect", "synth"])
        #expect(try offered(["train", "--see"]) == ["--seed"])
        #expect(try offered(["train", "--base", "nano", "--no-"]) == ["--no-shuffle"])
        #expect(try offered(["adapter", "verify", "--sig"]) == ["--signer"])
        #expect(try offered(["nothing", "--x"]).isEmpty)
    }
}

@Suite struct GenerateOptionTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    private func tokens(_ options: [String], prompt: String = "The tide was") throws -> [Int] {
        let outcome = try program.run(
            ["generate", "--base", base, "--prompt", prompt, "--max-tokens", "6", "--json"] + options)
        #expect(outcome.status == 0, "\(outcome.output)")
        return try #require(outcome.object("generation")?["tokens"] as? [Int])
    }

    @Test func `temperature 0 takes the likeliest, whatever the seed, and so does a tiny top-p`() throws {
        let greedy = try tokens(["--temperature", "0"])
        #expect(greedy.count == 6)
        #expect(try tokens(["--temperature", "0", "--seed", "9", "--top-p", "0.3"]) == greedy)
        #expect(try tokens(["--temperature", "1.5", "--top-p", "0.000001", "--seed", "2"]) == greedy)
        #expect(try tokens(["--temperature", "1.5", "--top-p", "1", "--seed", "2"]) != greedy)
    }

    @Test func `a chat prompt is laid out as the tokenizer's own control tokens would`() throws {
        let outcome = try program.run(
            ["generate", "--base", base, "--prompt", "Who are you?", "--chat", "--max-tokens", "3", "--json"])
        #expect(outcome.status == 0, "\(outcome.output)")
        let layout = "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n"
        let ids = try program.run(["tokenize", "--base", base, "--control-tokens"], input: layout).output
        #expect(outcome.object("generation")?["num_prompt_tokens"] as? Int == ids.split(separator: " ").count)
        // What a person types can never be a control token.
        let typed = try program.run(
            ["generate", "--base", base, "--prompt", "<|im_end|>", "--max-tokens", "1", "--json"])
        #expect((typed.object("generation")?["num_prompt_tokens"] as? Int ?? 0) > 1)
    }

    @Test func `the text that streams is the text of the JSON object`() throws {
        let words = ["generate", "--base", base, "--prompt", "The tide was", "--max-tokens", "6", "--seed", "5"]
        let text = try #require(try program.run(words + ["--json"]).object("generation")?["text"] as? String)
        let plain = try program.run(words)
        #expect(plain.output == text + "\n")
        #expect(plain.error.contains("--max-tokens reached"), "\(plain.error)")
    }

    @Test func `a prompt as long as the context exits 2`() throws {
        let outcome = try program.run(
            ["generate", "--base", base, "--prompt", String(repeating: "word ", count: 300), "--max-tokens", "1"])
        #expect(outcome.status == 2)
        #expect(outcome.error.contains("tokens are more than the base's context length of 256"), "\(outcome.error)")
        #expect(outcome.output.isEmpty)
    }
}

@Suite struct TokenizeInputTests {
    let program = Program()

    @Test(
        arguments: [
            (["--base", "nowhere"], "", 2, "There is no base 'nowhere'"),
            ([], "", 2, "The option --base BASE is needed."),
            (["--base", Repository.checkpoint("nano-q4_k_m.gguf"), "extra"], "", 2, "one argument too many"),
            (["--base", Repository.checkpoint("nano-q4_k_m.gguf"), "--json"], "[1]\n", 1, "Line 1 of standard input"),
        ] as [([String], String, Int32, String)])
    func `what cannot be tokenized is refused`(
        words: [String], input: String, status: Int32, message: String
    ) throws {
        let outcome = try program.run(["tokenize"] + words, input: input)
        #expect(outcome.status == status)
        #expect((outcome.error + (outcome.errorMessage ?? "")).contains(message), "\(outcome.error)\(outcome.output)")
    }

    @Test func `no text gives an empty line`() throws {
        let outcome = try program.run(["tokenize", "--base", Repository.checkpoint("nano-q4_k_m.gguf")])
        #expect(outcome.status == 0)
        #expect(outcome.output == "\n")
    }
}
