import Foundation
import TestSupport
import Testing

/// Text that is larger than what a run may hold: it is read as a stream, or refused before anything is exceeded.
@Suite struct LargeTextTests {
    let program = Program()
    private static let nano = Repository.checkpoint("nano-q4_k_m.gguf")

    /// Runs its arguments and writes the most anonymous memory that they held, in bytes, to `peak`.
    private func sampled() throws -> [String] {
        let script = """
            "$@" & p=$!; m=0
            while kill -0 $p 2>/dev/null; do
              v=$(sed -n 's/^RssAnon:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$p/status 2>/dev/null)
              [ -n "$v" ] && [ "$v" -gt $m ] && m=$v; sleep 0.005
            done
            echo $((m * 1024)) > '\(program.folder.path("peak"))'; wait $p
            """
        return ["/bin/bash", "-c", script, "bash"]
    }

    private func peak() throws -> Int {
        let text = try String(contentsOfFile: program.folder.path("peak"), encoding: .utf8)
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Lines of made-up words.
    private func words(byteCount: Int) -> String {
        var random = SeededGenerator(seed: 8)
        let words = (0..<2_000).map { _ in
            String(
                (0..<Int.random(in: 2...8, using: &random)).map { _ in "etaoinshrdlu".randomElement(using: &random)! })
        }
        var text = ""
        text.reserveCapacity(byteCount + 100)
        var size = 0
        while size < byteCount {
            let line = (0..<12).map { _ in words[Int.random(in: 0..<2_000, using: &random)] }.joined(separator: " ")
            text += line + ".\n"
            size += line.utf8.count + 2
        }
        return text
    }

    @Test func `a text larger than the budget is planned within it`() throws {
        let budget = 40 << 20
        // Read whole, it took nine times its size.
        _ = try program.write("big.txt", words(byteCount: 8 << 20))
        let outcome = try program.run(
            [
                "train", "--base", Self.nano, "--corpus", "big.txt", "--memory-budget", "\(budget)", "--threads", "1",
                "--dry-run", "--json",
            ], under: sampled())
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
        let most = try peak()
        #expect(most > 2 << 20 && most < budget, "\(most) bytes")
        let plan = try #require(outcome.objects.last?["memory"] as? [String: Any])
        #expect(try #require(plan["total"] as? Int) <= budget)
    }

    @Test func `a run on tokens in a file keeps to its plan and leaves no file`() throws {
        _ = try program.write("text.txt", words(byteCount: 6 << 20))
        let options = ["--base", Self.nano, "--steps", "2", "--seq-len", "32", "--compute", "f32", "--json"]
        // More tokens than memory holds; the windows of the run are those of the whole text all the same.
        let long = try program.run(
            ["train", "--corpus", "text.txt", "--validation-fraction", "0", "--out", "long"] + options, under: sampled()
        )
        #expect(long.status == 0, "\(long.output)")
        let plan = try #require(long.objects.first?["memory"] as? [String: Any])
        let (most, planned) = (try peak(), try #require(plan["total"] as? Int))
        #expect(most < planned, "\(most) bytes")
        let left = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
        #expect(!left.contains { $0.hasPrefix(".kept") })
    }

    @Test(arguments: [("big.txt", "--corpus"), ("big.jsonl", "--corpus"), ("big.json", "--tokens")])
    func `a sparse file of 200 GB exits 1 with a sentence`(name: String, option: String) throws {
        _ = try program.write(name, "")
        try #require(truncate(program.folder.path(name), 200 << 30) == 0)
        for words in [["train", "--dry-run"], ["eval"]] {
            let outcome = try program.run(
                words + ["--base", Self.nano, option, name], under: ["/usr/bin/timeout", "60"])
            #expect(outcome.status == 1, "\(outcome.error)")
            #expect(outcome.error.contains(name) && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
        }
    }

    @Test func `under a limit on data a long text is read, or refused before it is`() throws {
        _ = try program.write("big.txt", words(byteCount: 4 << 20))
        let words = ["train", "--base", Self.nano, "--corpus", "big.txt", "--threads", "1", "--dry-run", "--json"]
        func limited(_ kilobytes: Int) -> [String] {
            ["/bin/bash", "-c", "ulimit -d \(kilobytes); exec \"$@\"", "bash"]
        }
        let fits = try program.run(words, under: limited(450_000))
        #expect(fits.status == 0, "\(fits.output)")
        let refused = try program.run(words, under: limited(150_000))
        #expect(refused.status == 5 && refused.errorMessage?.contains("refused") == true, "\(refused.output)")
    }
}
