import Foundation
import TestSupport
import Testing

@Suite struct DeterminismTests {
    /// One program is one user: the identity, made at its first run, signs all of them.
    let program = Program()

    private func train(_ scope: String, model: String, threads: String, out: String) throws -> Program.Outcome {
        let outcome = try program.run(
            ReferenceRun.words(
                model: model, scope: scope, optimizer: scope == "boundary" ? "sgd" : "adamw",
                rate: scope == "boundary" ? "0.1" : "0.01", steps: 2, out: out) + ["--threads", threads])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
        return outcome
    }

    @Test(
        arguments: [
            ("norms", "qwen2-tied-q4_k_m", "adapter.gguf"), ("tail", "qwen2-untied-q4_0", "adapter.gguf"),
            ("all-norms", "qwen2-tied-f32", "adapter.gguf"), ("boundary", "qwen2-tied-f32", "boundary.gguf"),
            ("boundary", "qwen2-untied-q4_0", "boundary.gguf"),
        ])
    func `threads and folders change no bit of losses or export`(scope: String, model: String, file: String) throws {
        let first = try train(scope, model: model, threads: "1", out: "first")
        let again = try train(scope, model: model, threads: "1", out: "deep/er/again")
        let wide = try train(scope, model: model, threads: "2", out: "wide")
        #expect(first.stepLosses.count == 2)
        // Losses are printed so that they read back as the same double.
        #expect(first.stepLosses == again.stepLosses && first.stepLosses == wide.stepLosses)
        let bytes = try #require(program.bytes("first/\(file)"))
        #expect(program.bytes("deep/er/again/\(file)") == bytes)
        #expect(program.bytes("wide/\(file)") == bytes)
        let ids = [first, again, wide].map { $0.object("run_finished")?["content_id"] as? String }
        #expect(try #require(ids[0]).count == 64)
        #expect(Set(ids).count == 1)
        let recipes = [first, again, wide].map { $0.object("run_started")?["recipe"] as? String }
        #expect(try #require(recipes[0]).count == 64)
        #expect(Set(recipes).count == 1)
    }

    @Test func `in bfloat16 threads change no bit, and the run says what it computed in`() throws {
        func run(_ threads: String, out: String) throws -> Program.Outcome {
            let words = ReferenceRun.words(model: "qwen2-tied-q4_k_m", steps: 3, out: out)
            return try program.run(words.map { $0 == "f32" ? "bf16" : $0 } + ["--threads", threads])
        }
        let one = try run("1", out: "one")
        #expect(one.status == 0, "\(one.error)")
        let two = try run("2", out: "two")
        let exact = try program.run(ReferenceRun.words(model: "qwen2-tied-q4_k_m", steps: 3, out: "exact"))
        #expect(one.stepLosses.count == 3 && one.stepLosses == two.stepLosses && one.stepLosses != exact.stepLosses)
        let bytes = try #require(program.bytes("one/adapter.gguf"))
        #expect(program.bytes("two/adapter.gguf") == bytes)
        let record = String(decoding: try #require(program.bytes("one/run.json")), as: UTF8.self)
        #expect(record.contains("\"compute\": \"bf16\"") && record.contains("bf16 polymath-"))
        let measured = try program.run([
            "eval", "--base", Repository.reference("qwen2-tied-q4_k_m.gguf"), "--adapter", "one/adapter.gguf",
            "--tokens",
            Repository.reference("tokens.json"), "--seq-len", "24", "--compute", "bf16", "--json",
        ])
        #expect(measured.status == 0 && measured.output.contains("\"compute\":\"bf16\""))
    }

    @Test func `what belongs to the recipe changes the content id`() throws {
        let runs = try [("0.01", 8), ("0.02", 8), ("0.01", 7)].enumerated().map { index, options in
            try program.run(
                ReferenceRun.words(rate: options.0, steps: 1, length: options.1, batch: 1, out: "run\(index)"))
        }
        let ids = runs.compactMap { $0.object("run_finished")?["content_id"] as? String }
        let recipes = runs.compactMap { $0.object("run_started")?["recipe"] as? String }
        #expect(ids.count == 3 && Set(ids).count == 3)
        #expect(recipes.count == 3 && Set(recipes).count == 3)
    }

    @Test func `the same seed writes the same tokens whatever the threads`() throws {
        let words = [
            "generate", "--base", Repository.reference("qwen2-tied-q4_k_m.gguf"), "--prompt", "The tide",
            "--max-tokens", "12", "--temperature", "0.9", "--json",
        ]
        let outcomes = try [["1", "7"], ["2", "7"], ["1", "7"], ["1", "8"]].map {
            try program.run(words + ["--threads", $0[0], "--seed", $0[1]])
        }
        #expect(outcomes[0].status == 0, "\(outcomes[0].output)\(outcomes[0].error)")
        let tokens = try outcomes.map { try #require($0.object("generation")?["tokens"] as? [Int]) }
        #expect(tokens[0].count == 12)
        #expect(tokens[1] == tokens[0] && tokens[2] == tokens[0])
        #expect(tokens[3] != tokens[0])
    }
}
