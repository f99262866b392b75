import Foundation
import TestSupport
import Testing

@Suite struct GenerateMixtureTests {
    let program = Program()
    var sample: SampleAdapter { SampleAdapter(program: program) }

    private func words(_ adapters: [String], _ more: [String] = []) -> [String] {
        ["generate", "--base", sample.base, "--prompt", "The tide was", "--max-tokens", "5", "--seed", "3"]
            + adapters.flatMap { ["--adapter", $0] } + more
    }

    @Test func `copies of one adapter write its text, and the order of adapters changes nothing`() throws {
        let first = try sample.write("first.gguf", delta: 0.1)
        let copy = try sample.write("copy.gguf", delta: 0.1)
        let second = try sample.write("second.gguf", delta: -0.1)
        let alone = try program.run(words([first]))
        #expect(alone.status == 0, "\(alone.error)")
        #expect(try program.run(words([first], ["--mixture"])).output == alone.output)
        #expect(try program.run(words([first, copy, first], ["--mixture"])).output == alone.output)
        let attributed = ["--mixture", "--attribute"]
        let mixed = try program.run(words([first, second, copy], attributed))
        #expect(mixed.status == 0, "\(mixed.error)")
        #expect(try program.run(words([copy, second, first], attributed)).output == mixed.output)
        #expect(try program.run(words([second, first], attributed)).output != mixed.output)
    }

    @Test func `--attribute shows every token's log-probability and shares, in text and in JSON`() throws {
        let adapters = try [sample.write("first.gguf", delta: 0.1), sample.write("second.gguf", delta: -0.1)]
        let text = try program.run(words(adapters, ["--mixture", "--attribute"]))
        let lines = text.output.split(separator: "\n", omittingEmptySubsequences: false)
        let object = try #require(
            try program.run(words(adapters, ["--mixture", "--attribute", "--json"])).object("generation"))
        let specialists = try #require(object["specialists"] as? [[String: String]])
        for (place, specialist) in specialists.enumerated() {
            let (file, id) = try (#require(specialist["file"]), #require(specialist["content_id"]))
            #expect(lines[place] == "[\(place + 1)] \(file)  \(id)")
            #expect(id.count == 64 && adapters.contains(file))
        }
        #expect(specialists.compactMap { $0["content_id"] } == specialists.compactMap { $0["content_id"] }.sorted())
        let tokens = try #require(object["attribution"] as? [[String: Any]])
        #expect(tokens.count == object["num_tokens"] as? Int && tokens.count == 5)
        #expect(tokens.compactMap { $0["token"] as? Int } == object["tokens"] as? [Int])
        for token in tokens {
            let shares = try #require(token["shares"] as? [Double])
            let parts = try #require(token["specialist_log_probabilities"] as? [Double])
            let logProbability = try #require(token["log_probability"] as? Double)
            #expect(shares.count == 2 && abs(shares.reduce(0, +) - 1) < 1e-9 && logProbability < 0)
            #expect(abs(log(parts.reduce(0) { $0 + exp($1) } / 2) - logProbability) < 1e-9)
            #expect(abs(exp(parts[0] - parts[1]) - shares[0] / shares[1]) < 1e-6)
            let row = "\"\(try #require(token["text"] as? String))\""
            #expect(lines.contains { $0.hasPrefix(row) && $0.contains(String(format: "%.4f", logProbability)) })
        }
        #expect(text.output.hasSuffix("\n\n" + (try #require(object["text"] as? String)) + "\n"))
    }

    @Test(
        arguments: [
            (0, ["--mixture"], "--mixture needs adapters"), (2, [], "as a mixture: give --mixture"),
            (1, ["--attribute"], "--attribute shows the shares"), (1, ["--mixture", "--mixture"], "given twice"),
        ] as [(Int, [String], String)])
    func `options that do not go together exit 2`(count: Int, more: [String], message: String) throws {
        let outcome = try program.run(words(Array(repeating: "a.gguf", count: count), more))
        #expect(outcome.status == 2)
        #expect(outcome.error.contains(message), "\(outcome.error)")
    }

    @Test func `an adapter that the base refuses is refused in a mixture too`() throws {
        let good = try sample.write("good.gguf")
        let other = Repository.root + "/Tests/Vectors/norms-q8_0.gguf"
        #expect(try program.run(words([good, other], ["--mixture"])).status == 4)
    }
}
