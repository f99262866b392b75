import Foundation
import TestSupport
import Testing

/// `audit export`: that what is handed on verifies, and tells nothing of the text, the person or the machine.
@Suite struct ExportTests {
    private static let person = "annemarie-quintus"
    let program = Program()

    /// A run whose every path leads through a folder with a person's name, by a text of their own.
    private func train() throws -> [String] {
        let home = Self.person
        try FileManager.default.createDirectory(
            atPath: program.folder.path(home + "/letters"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.checkpoint("nano-q4_k_m.gguf"), toPath: program.folder.path(home + "/model.gguf"))
        let words = (0..<240).map { "\(["tide", "gauge", "lamp", "mole", "rope", "log"][$0 * $0 % 6])\($0)" }
        let texts = stride(from: 0, to: words.count, by: 60).map { words[$0..<$0 + 60].joined(separator: " ") }
        let rows = texts.map { "{\"text\": \"\($0)\"}" }.joined(separator: "\n")
        let corpus = try program.write(home + "/letters/train.jsonl", rows + "\n")
        let outcome = try program.run([
            "train", "--base", program.folder.path(home + "/model.gguf"), "--corpus", corpus, "--steps", "2",
            "--seq-len", "32", "--scope", "tail", "--checkpoint-every", "1", "--identity",
            program.folder.path(home + "/key.pem"), "--out", program.folder.path(home + "/run"),
        ])
        #expect(outcome.status == 0, "\(outcome.error)")
        return words
    }

    @Test func `a place inside the run folder is refused`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")).status == 0)
        for out in ["run/copy", "run/../run/checkpoints"] {
            let outcome = try program.run(["audit", "export", "run", "--out", out])
            #expect(outcome.status == 2 && outcome.error.contains("lies inside the run folder"), "\(outcome.error)")
        }
        #expect(!program.holds("run/copy"))
    }

    @Test func `the copy holds what may be handed on, verifies, and tells nothing else`() throws {
        let words = try train()
        let run = Self.person + "/run"
        let outcome = try program.run(["audit", "export", run, "--out", "copy", "--json"])
        #expect(outcome.status == 0, "\(outcome.error)\(outcome.output)")
        let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path("copy")).sorted()
        #expect(
            names == [
                "adapter.gguf", "attestation.dsse.json", "audit.jsonl", "events.jsonl", "report.html", "run.json",
                "seal.json",
            ])
        let files = try #require(outcome.object("exported")?["files"] as? [[String: Any]])
        #expect(files.compactMap { $0["name"] as? String } == names)

        // Byte for byte the run's own, so chain and attestation hold for the copy.
        for name in names { #expect(program.bytes("copy/" + name) == program.bytes(run + "/" + name), "\(name)") }
        let model = Self.person + "/model.gguf"
        let verified = try program.run(["audit", "verify", "copy", "--base", "./" + model, "--any-signer"])
        #expect(verified.status == 0, "\(verified.output)\(verified.error)")
        #expect(try program.run(["audit", "report", "copy", "--out", "again.html"]).status == 0)
        #expect(program.bytes("again.html") == program.bytes("copy/report.html"))

        let ids = try tokens(of: words, base: program.folder.path(model))
        let secret = try #require(program.bytes(Self.person + "/key.pem"))
        let key = String(decoding: secret, as: UTF8.self).split(separator: "\n")[1]
        for name in names {
            let text = String(decoding: try #require(program.bytes("copy/" + name)), as: UTF8.self)
            #expect(!text.contains(Self.person), "\(name) names the person's folder")
            #expect(!text.contains(program.folder.path), "\(name) names a path of this machine")
            #expect(!text.contains(key), "\(name) holds the key")
            for start in 0...words.count - 8 {
                let gram = words[start..<start + 8].joined(separator: " ")
                #expect(!text.contains(gram), "\(name) holds text")
            }
            for start in stride(from: 0, to: ids.count - 8, by: 4) {
                let gram = ids[start..<start + 8].map(String.init).joined(separator: ",")
                #expect(!text.contains(gram), "\(name) holds tokens")
            }
        }
        // What is looked for is there to be found: in what stays behind.
        let local = String(decoding: try #require(program.bytes(run + "/local.json")), as: UTF8.self)
        #expect(local.contains(Self.person))
        #expect(program.holds(run + "/checkpoints"))
    }

    private func tokens(of words: [String], base: String) throws -> [Int] {
        let line = "\"" + words.joined(separator: " ") + "\"\n"
        let outcome = try program.run(["tokenize", "--base", base, "--json"], input: line)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [Int], "\(outcome.output)")
    }

    @Test func `nothing that exists is overwritten, and only a verified run is handed on`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")).status == 0)
        _ = try program.write("taken", "mine")
        #expect(try program.run(["audit", "export", "run", "--out", "taken"]).status == 2)
        #expect(try program.run(["audit", "export", "run"]).status == 2)
        #expect(try program.run(["audit", "export", "run", "--out", "no/where"]).status == 2)
        #expect(program.bytes("taken") == Array("mine".utf8))

        let path = program.folder.path("run/adapter.gguf")
        var bytes = try #require(program.bytes("run/adapter.gguf"))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let outcome = try program.run(["audit", "export", "run", "--out", "copy"])
        #expect(outcome.status == 4)
        #expect(outcome.error.contains("adapter.gguf"), "\(outcome.error)")
        #expect(!program.holds("copy"))
        try FileManager.default.removeItem(atPath: path)
        #expect(try program.run(["audit", "export", "run", "--out", "copy"]).status == 2)
    }

    @Test func `a page edited by hand is not handed on`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")).status == 0)
        let page = try #require(program.bytes("run/report.html"))
        _ = try program.write("run/report.html", "<h1>Verified by everyone</h1>")
        #expect(try program.run(["audit", "export", "run", "--out", "copy"]).status == 0)
        #expect(program.bytes("copy/report.html") == page)
    }
}
