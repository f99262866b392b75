import Foundation
import TestSupport
import Testing

/// Lines that somebody adds to the events of a run after its end was signed.
@Suite struct ClosedEventsTests {
    let program = Program()

    private func append(_ line: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: program.folder.path("run/events.jsonl")))
        try file.seekToEnd()
        try file.write(contentsOf: Data(line.utf8))
        try file.close()
    }

    @Test func `the close covers all of them: a line more fails verification, report and export`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 2, length: 8, batch: 1, out: "run")).status == 0)
        let whole = try #require(program.bytes("run/events.jsonl"))
        #expect(String(decoding: whole, as: UTF8.self).contains("\"event\":\"run_finished\""))
        let verified = try program.run(["audit", "verify", "run"])
        #expect(verified.status == 0)
        #expect(
            verified.output.contains(
                "events.jsonl is the file of \(whole.count) bytes that the chain records, and no byte more"))
        for line in [
            "\n", "{", #"{"event":"note","message":"audited by somebody","time":"2027-01-05T08:00:00.000Z"}"# + "\n",
        ] {
            try append(line)
            for words in [
                ["audit", "verify", "run"], ["audit", "report", "run", "--out", "again.html"],
                ["audit", "export", "run", "--out", "handed-on"],
            ] {
                let outcome = try program.run(words)
                #expect(outcome.status == 4, "\(words): \(outcome.output)\(outcome.error)")
                let text = outcome.output + outcome.error
                #expect(
                    text.contains("\(line.utf8.count) bytes after the \(whole.count) that the chain vouches for"),
                    "\(text)")
            }
            #expect(try program.run(["audit", "verify", "run", "--any-signer"], of: "polymath-verify").status == 4)
            #expect(!program.holds("again.html") && !program.holds("handed-on"))
            try Data(whole).write(to: URL(fileURLWithPath: program.folder.path("run/events.jsonl")))
        }
        #expect(try program.run(["audit", "export", "run", "--out", "handed-on"]).status == 0)
    }

    @Test func `a pause covers all of them too`() throws {
        let outcome = try program.run(
            ReferenceRun.words(steps: 5_000, length: 8, batch: 1, out: "run"),
            watch: { $0.contains("\"step\":2,") }, signal: SIGTERM)
        #expect(outcome.status == 128 + SIGTERM)
        let before = try program.run(["audit", "verify", "run"])
        #expect(before.output.contains("and no byte more"), "\(before.output)")
        try append("{\"event\":\"note\"}\n")
        let after = try program.run(["audit", "verify", "run"])
        #expect(after.output.contains("they were added after it was signed"), "\(after.output)")
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 4)
    }
}
