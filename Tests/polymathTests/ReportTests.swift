import Foundation
import TestSupport
import Testing

/// `audit report` and what it is made of, on real runs.
@Suite struct ReportTests {
    let program = Program()

    private func train(_ out: String = "run", scope: String = "norms", steps: Int = 3) throws -> Program.Outcome {
        try program.run(ReferenceRun.words(scope: scope, steps: steps, length: 8, batch: 1, out: out))
    }

    @Test(arguments: ["norms", "boundary"])
    func `made again from the folder alone it is the one that the run wrote`(scope: String) throws {
        #expect(try train(scope: scope).status == 0)
        let page = try #require(program.bytes("run/report.html"))
        // Elsewhere, without what the rest of the machine could tell.
        try FileManager.default.createDirectory(atPath: program.folder.path("else"), withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: program.folder.path("run"), toPath: program.folder.path("else/where"))
        try FileManager.default.removeItem(atPath: program.folder.path("config"))
        for file in ["local.json", "report.html"] {
            try FileManager.default.removeItem(atPath: program.folder.path("else/where/" + file))
        }
        let outcome = try program.run(["audit", "report", program.folder.path("else/where"), "--out", "again.html"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("verified"))
        #expect(program.bytes("again.html") == page)
        #expect(
            try program.run(["audit", "report", "else/where", "--json"]).object("report")?["verified"] as? Bool == true)
        #expect(program.bytes("else/where/report.html") == page)
        let text = String(decoding: page, as: UTF8.self)
        #expect(text.contains(">Verified from the run’s own files</h2>"))
        #expect(text.contains("output_norm.weight") && text.contains("exported: step 3"))
        // What left and what did not: every file that is there, and every byte of the exported one.
        let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path("else/where"))
        for name in names { #expect(text.contains("<code>\(name)"), "\(name)") }
        let exported = scope == "norms" ? "adapter.gguf" : "boundary.gguf"
        let rows = try #require(text.components(separatedBy: "<h3>Every byte of \(exported)</h3>").last)
            .components(separatedBy: "</table>")[0].matches(of: /<td>([0-9,]+)<\/td>/)
            .compactMap { Int($0.1.replacing(",", with: "")) }
        #expect(rows.count == 7 && rows.dropLast().reduce(0, +) == rows.last)
        #expect(rows.last == program.bytes("else/where/" + exported)?.count)
        #expect(!text.contains(program.folder.path))
    }

    @Test func `a resumed run's page tells every step once`() throws {
        let words = ReferenceRun.words(steps: 60, length: 8, batch: 1, out: "run") + ["--checkpoint-every", "2"]
        let killed = try program.run(words, watch: { $0.contains("\"step\":5,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        let open = try program.run(["audit", "report", "run", "--out", "open.html"])
        #expect(open.status == 0, "\(open.error)")
        #expect(open.output.contains("not verified"))
        let page = String(decoding: try #require(program.bytes("open.html")), as: UTF8.self)
        #expect(page.contains("Not verified: the run has no end"))
        #expect(page.contains("events.jsonl begins with the"))

        #expect(try program.run(["train", "--resume", "run"]).status == 0)
        let whole = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        #expect(whole.contains("Training loss of 60 steps"))
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 0)
        #expect(program.bytes("again.html") == program.bytes("run/report.html"))
    }

    @Test func `a paused run's page says where it stands`() throws {
        let words = ReferenceRun.words(steps: 5000, length: 8, batch: 1, out: "run")
        #expect(try program.run(words, watch: { $0.contains("\"step\":2,") }, signal: SIGTERM).status == 143)
        #expect(try program.run(["audit", "report", "run"]).status == 0)
        let page = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        #expect(page.contains("Not verified: paused after step"))
        #expect(page.contains("There is no attestation: it is written when a run is closed."))
        #expect(page.contains("and no byte more"))
    }

    @Test func `a run that a changed base stopped has a page that says which byte range`() throws {
        let base = program.folder.path("base.gguf")
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: base)
        var words = ReferenceRun.words(steps: 5000, length: 8, batch: 1, out: "run")
        words[2] = base
        let outcome = try program.run(words) { output in
            guard output.contains("\"event\":\"step\"") else { return false }
            // In place: a file that is cut and written anew would fault instead.
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: base))
            defer { try? handle.close() }
            let offset = try handle.seekToEnd() - 64
            try handle.seek(toOffset: offset)
            let byte = try #require(try handle.read(upToCount: 1)?.first)
            try handle.seek(toOffset: offset)
            try handle.write(contentsOf: [byte ^ 1])
            return true
        }
        #expect(outcome.status == 3, "\(outcome.error)")
        let violation = try #require(outcome.object("seal_violation"))
        let page = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        #expect(page.contains("Stopped: a sealed byte changed"))
        for name in ["expected", "actual", "tensor"] {
            if let text = violation[name] as? String { #expect(page.contains(text), "\(name)") }
        }
        #expect(!page.contains(program.folder.path))
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 0)
        #expect(program.bytes("again.html") == program.bytes("run/report.html"))
        #expect(try program.run(["audit", "export", "run", "--out", "copy"]).status == 4)
        #expect(!program.holds("copy"))
    }

    @Test(arguments: ["run.json", "events.jsonl", "seal.json", "audit.jsonl", "adapter.gguf", "attestation.dsse.json"])
    func `a missing file exits 2 and is named`(file: String) throws {
        #expect(try train(steps: 1).status == 0)
        try FileManager.default.removeItem(atPath: program.folder.path("run/" + file))
        let outcome = try program.run(["audit", "report", "run", "--out", "again.html"])
        #expect(outcome.status == 2, "\(outcome.error)")
        #expect(outcome.error.contains(file) && outcome.error.split(separator: "\n").count == 1)
        #expect(!program.holds("again.html"))
    }

    @Test func `an edited or torn file exits 4 and nothing is written`() throws {
        #expect(try train(steps: 2).status == 0)
        let files = ["run.json", "events.jsonl", "seal.json", "audit.jsonl", "adapter.gguf", "attestation.dsse.json"]
        for file in files {
            let good = try #require(program.bytes("run/" + file))
            for bad in [
                good.map { $0 == UInt8(ascii: "1") ? UInt8(ascii: "2") : $0 }, Array(good.prefix(good.count / 2)),
            ] {
                try Data(bad).write(to: URL(fileURLWithPath: program.folder.path("run/" + file)))
                let outcome = try program.run(["audit", "report", "run", "--out", "again.html"])
                // A chain cut at its end is that of an open run, which exports nothing; here the export is left over.
                #expect(outcome.status == 4, "\(file): \(outcome.status) \(outcome.error)\(outcome.output)")
                #expect(!program.holds("again.html"), "\(file)")
                try Data(good).write(to: URL(fileURLWithPath: program.folder.path("run/" + file)))
            }
        }
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 0)
    }

    @Test func `audit verify sees events that are not the recorded ones, as the report does`() throws {
        #expect(try train(steps: 2).status == 0)
        let path = program.folder.path("run/events.jsonl")
        let good = try #require(program.bytes("run/events.jsonl"))
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        for bad in [good.map { $0 == UInt8(ascii: "1") ? UInt8(ascii: "2") : $0 }, Array(good.prefix(9)), [], nil] {
            if let bad {
                try Data(bad).write(to: URL(fileURLWithPath: path))
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
            for name in ["polymath", "polymath-verify"] {
                let outcome = try program.run(["audit", "verify", "run"], of: name)
                #expect(outcome.status == 4, "\(outcome.output)")
                #expect(outcome.error.contains("The run is not verified: events.jsonl"), "\(outcome.error)")
            }
        }
        try Data(good).write(to: URL(fileURLWithPath: path))
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
    }

    @Test func `a folder that is not there, holds no run, or a page in the way exits 2`() throws {
        #expect(try program.run(["audit", "report", "nowhere"]).status == 2)
        #expect(try program.run(["audit", "report", "."]).status == 2)
        #expect(try train(steps: 1).status == 0)
        _ = try program.write("mine.html", "mine")
        #expect(try program.run(["audit", "report", "run", "--out", "mine.html"]).status == 2)
        #expect(program.bytes("mine.html") == Array("mine".utf8))
    }
}
