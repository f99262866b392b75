import Foundation
import TestSupport
import Testing

@Suite struct GenerateTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    @Test func `the same seed gives the same text and another seed another`() throws {
        let words = ["generate", "--base", base, "--prompt", "The tide was", "--max-tokens", "8", "--temperature", "1"]
        let first = try program.run(words + ["--seed", "3"])
        #expect(first.status == 0)
        #expect(!first.output.isEmpty)
        #expect(try program.run(words + ["--seed", "3", "--threads", "1"]).output == first.output)
        #expect(try program.run(words + ["--seed", "4"]).output != first.output)
    }

    @Test func `with --json one object holds text and ids`() throws {
        let outcome = try program.run(
            ["generate", "--base", base, "--prompt", "The tide", "--max-tokens", "4", "--temperature", "0", "--json"])
        #expect(outcome.status == 0)
        #expect(outcome.error.isEmpty)
        let object = try #require(outcome.objects.first)
        #expect(outcome.objects.count == 1)
        #expect(object["event"] as? String == "generation")
        let tokens = try #require(object["tokens"] as? [Int])
        #expect(tokens.count == object["num_tokens"] as? Int)
        #expect(tokens.count <= 4)
    }

    @Test(
        arguments: [
            (["--prompt", ""], "The prompt holds no token"),
            (["--prompt", "x", "--temperature", "-1"], "--temperature must be a number 0 or more"),
            (["--prompt", "x", "--top-p", "0"], "--top-p must be a number above 0 and at most 1"),
            (["--prompt", "x", "--max-tokens", "many"], "--max-tokens must be a whole number"),
            (["--prompt"], "The option --prompt needs a value: --prompt TEXT."),
            ([], "The option --prompt TEXT is needed."),
        ] as [([String], String)])
    func `impossible options exit 2`(words: [String], message: String) throws {
        let outcome = try program.run(["generate", "--base", base] + words)
        #expect(outcome.status == 2)
        #expect(outcome.error.contains(message), "\(outcome.error)")
    }
}

@Suite struct TokenizeTests {
    let program = Program()
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    @Test func `text becomes one line of ids`() throws {
        let outcome = try program.run(["tokenize", "--base", base], input: "Hello")
        #expect(outcome.status == 0)
        #expect(outcome.output == "39 486 78\n")
    }

    @Test func `with --json each string becomes an array`() throws {
        let outcome = try program.run(["tokenize", "--base", base, "--json"], input: "\"Hello\"\n\"\"\n\"a\\nb\"")
        #expect(outcome.status == 0)
        #expect(outcome.output == "[39,486,78]\n[]\n[64,198,65]\n")
    }

    @Test func `a line that is no JSON string is named`() throws {
        let outcome = try program.run(["tokenize", "--base", base, "--json"], input: "\"Hello\"\n{}\n")
        #expect(outcome.status == 1)
        #expect(outcome.objects.last?["message"] as? String == "Line 2 of standard input is not a JSON string.")
    }

    @Test func `control tokens are text unless asked for`() throws {
        let text = try program.run(["tokenize", "--base", base], input: "<|im_end|>").output
        let control = try program.run(["tokenize", "--base", base, "--control-tokens"], input: "<|im_end|>").output
        #expect(text.split(separator: " ").count > 1)
        #expect(control.split(separator: " ").count == 1)
    }
}
