import Foundation
import TestSupport
import Testing

@Suite struct CorpusCommandTests {
    let program = Program(home: Repository.root)
    let base = Repository.checkpoint("nano-q4_k_m.gguf")

    @Test func `the collections of the repository are listed and clean`() throws {
        let list = try program.run(["corpus", "list", "--json"])
        #expect(list.status == 0)
        let names = list.objects.compactMap { $0["name"] as? String }
        #expect(names.count >= 3)
        for name in names {
            let check = try program.run(["corpus", "check", name, "--json"])
            #expect(check.status == 0)
            #expect(check.objects.last?["clean"] as? Bool == true)
        }
    }

    @Test func `text in two parts is shown and exits 4`() throws {
        let shared = "{\"text\": \"one two three four five six seven eight nine\"}\n"
        _ = try program.write("train.jsonl", shared)
        _ = try program.write("test.jsonl", shared)
        let outcome = try program.run(["corpus", "check", "."])
        #expect(outcome.status == 4)
        #expect(outcome.output.contains("one two three four five six seven eight"))
    }

    @Test func `the mask marks what counts`() throws {
        let row = "{\"prompt\": \"Hello\", \"completion\": \"Hello\"}\n"
        let corpus = try program.write("rows.jsonl", row)
        let outcome = try program.run(["corpus", "check", corpus, "--base", base, "--seq-len", "3", "--show-mask"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("7 tokens, 4 counted"))
        #expect(outcome.output.split(separator: "\n").count { $0.hasPrefix("  +") } == 4)
        let bare = try program.run(["corpus", "check", corpus, "--show-mask"])
        #expect(bare.status == 2)
    }

    @Test func `fertility is relative to a parallel text`() throws {
        let text = try program.write("a.txt", "Hello Hello Hello")
        let outcome = try program.run(["corpus", "fertility", text, "--base", base, "--parallel", text, "--json"])
        #expect(outcome.status == 0)
        #expect(outcome.objects.last?["tokens_relative"] as? Double == 1)
        #expect(outcome.objects.last?["words"] as? Int == 3)
    }
}

@Suite struct AuditCommandTests {
    let program = Program(home: Repository.root)

    @Test func `the seal of the embedded base is written and the same every time`() throws {
        let first = try program.run(["audit", "seal", "--base", "nano", "--out", "seal.json", "--json"])
        #expect(first.status == 0)
        #expect(first.objects.last?["event"] as? String == "seal")
        #expect(
            try program.run(["audit", "seal", "--base", "nano", "--threads", "1", "--json"]).output == first.output)
        let again = try program.run(["audit", "seal", "--base", "nano", "--out", "seal.json"])
        #expect(again.status == 2)
    }

    @Test func `a missing run folder exits 2 and an empty one 4`() throws {
        #expect(try program.run(["audit", "verify", "nowhere"]).status == 2)
        let empty = try program.run(["audit", "verify", "."])
        #expect(empty.status == 4)
        #expect(empty.output.contains("FAILED"))
    }

    @Test func `a head that is no digest exits 2`() throws {
        let outcome = try program.run(["audit", "verify", ".", "--head", "beef"])
        #expect(outcome.status == 2)
        #expect(outcome.error.contains("64 hexadecimal digits"))
    }
}
