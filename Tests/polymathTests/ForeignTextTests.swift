import Foundation
import TestSupport
import Testing

/// Strings of other people, on their way to a terminal.
@Suite struct ForeignTextTests {
    let program = Program()

    /// A title, a colour, a cursor, an eight-bit control, and a turn of the direction of text.
    static let steering = "\u{1B}]0;PWNED\u{07}\u{1B}[31mRED\r\u{9B}2J\u{202E}\u{2028}"

    private func expectQuiet(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let bad = text.unicodeScalars.filter { scalar in
            scalar != "\n" && scalar != "\t"
                && (scalar.properties.generalCategory == .control || (0x2028...0x202E).contains(scalar.value)
                    || (0x2066...0x2069).contains(scalar.value))
        }
        #expect(bad.isEmpty, "\(text.debugDescription)", sourceLocation: sourceLocation)
    }

    @Test(arguments: ["identity", "base", "tokens", "home", "presence", "sensors", "corpus", "catalog"])
    func `local.json of a stranger's run steers no terminal`(member: String) throws {
        let trained = try program.run(ReferenceRun.words(steps: 2, length: 8, batch: 1, out: "run"))
        #expect(trained.status == 0, "\(trained.output)")
        try FileManager.default.removeItem(atPath: program.folder.path("run/report.html"))
        try FileManager.default.removeItem(atPath: program.folder.path("run/attestation.dsse.json"))
        let path = program.folder.path("run/local.json")
        var local = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
        local[member] = "/nope/" + Self.steering
        try JSONSerialization.data(withJSONObject: local).write(to: URL(fileURLWithPath: path))
        for json in [[], ["--json"]] {
            let outcome = try program.run(["train", "--resume", "run"] + json)
            expectQuiet(outcome.error)
            expectQuiet(outcome.output)
        }
    }

    @Test func `names on the command line and in files come out escaped, in one line`() throws {
        let name = "a\n" + Self.steering
        for words in [
            ["train", "--base", name + ".gguf"], ["adapter", "inspect", name], ["audit", "verify", name],
            ["generate", "--base", "nano", "--prompt", "x", "--identity", name, "--audit", "d"], [name],
            ["train", "--" + name], ["corpus", "check", name], ["federation", "check", name, "--adapter", name],
            ["train", "--base", "x", "--config", name], ["base", "inspect", name], ["train", "--resume", name],
        ] {
            let outcome = try program.run(words)
            #expect(outcome.status != 0)
            expectQuiet(outcome.error + outcome.output)
            #expect(outcome.error.split(separator: "\n").count == 1, "\(words): \(outcome.error)")
        }
    }
}
