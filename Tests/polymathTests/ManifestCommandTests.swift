import Foundation
import TestSupport
import Testing

/// `federation manifest make | verify`, in both programs where both have it.
@Suite struct ManifestCommandTests {
    let program = Program()
    let base = Repository.reference("qwen2-tied-f32.gguf")

    private func make(_ out: String = "m.json", url: String = "https://example.org/b.gguf") throws -> Program.Outcome {
        try program.run([
            "federation", "manifest", "make", "--base", base, "--model-id", "small", "--url", url, "--out", out,
        ])
    }

    private func both(
        _ words: [String], status: Int32, says: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for name in ["polymath", "polymath-verify"] {
            let outcome = try program.run(["federation", "manifest", "verify"] + words, of: name)
            let text = outcome.output + outcome.error
            #expect(outcome.status == status, "\(name) \(words): \(text)", sourceLocation: sourceLocation)
            #expect(text.contains(says), "\(name) \(words): \(text)", sourceLocation: sourceLocation)
        }
    }

    @Test func `a manifest is made, and verified by whoever trusts its signer`() throws {
        let made = try make()
        #expect(made.status == 0, "\(made.error)")
        #expect(made.output.contains("takes         norms in q8_0"))
        try both(["m.json"], status: 0, says: "verified: its form and signature hold; the base is not at hand.")
        try both(["m.json", "--base", base], status: 0, says: "verified: everything that it says of its base is so")
        let other = Program()
        let copied = try other.write(
            "m.json", String(contentsOfFile: program.folder.path("m.json"), encoding: .utf8))
        #expect(try other.run(["federation", "manifest", "verify", copied]).status == 4)
        let intact = try other.run(["federation", "manifest", "verify", copied, "--any-signer"])
        #expect(intact.status == 0 && intact.output.contains("intact, signer unknown: "))
        try both(["m.json", "--signer", String(repeating: "0", count: 64)], status: 4, says: "is not one you named")
        let again = try make()
        #expect(again.status == 2 && again.error.contains("exists already"))
        #expect(try make("copy.json").status == 0)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: program.folder.path("m.json")))
                == Data(contentsOf: URL(fileURLWithPath: program.folder.path("copy.json"))))
    }

    @Test func `hostile manifests end with the designed status`() throws {
        #expect(try make().status == 0)
        let text = try String(contentsOfFile: program.folder.path("m.json"), encoding: .utf8)
        for (name, content, status, says) in [
            ("changed", text.replacingOccurrences(of: "\"small\"", with: "\"other\""), 4, "changed or forged"),
            ("spaced", text + "\n", 4, "not in canonical form"),
            ("words", "hello", 1, "not JSON"),
            ("large", String(repeating: " ", count: 5_000), 1, "has 5000 bytes; one has at most 4095"),
        ] as [(String, String, Int32, String)] {
            _ = try program.write(name, content)
            try both([name], status: status, says: says)
        }
        let other = Repository.checkpoint("nano-q4_k_m.gguf")
        try both(["m.json", "--base", other], status: 4, says: "is of another base: it states the root ")
        try both(["nowhere.json"], status: 2, says: "There is no manifest at nowhere.json.")
        try both([], status: 2, says: "MANIFEST is missing")
    }

    @Test func `options that cannot be are told before the base is opened`() throws {
        for url in ["http://example.org/b", "https://example.org", "https://example.org/a,https://example.org/a", ","] {
            let outcome = try make("none.json", url: url)
            #expect(outcome.status == 2, "\(url): \(outcome.error)")
            #expect(outcome.error.contains("--url"))
        }
        #expect(!program.holds("none.json"))
        for accept in ["norms", "boundary:q8_0", "norms:q8_0,norms:q8_0", ""] {
            let outcome = try program.run([
                "federation", "manifest", "make", "--base", "nowhere", "--model-id", "x", "--url",
                "https://example.org/b", "--out", "none.json", "--accept", accept,
            ])
            #expect(outcome.status == 2 && outcome.error.contains("--accept"), "\(outcome.error)")
        }
    }

    @Test func `a group inside a group has its own help`() throws {
        let help = try program.run(["help", "federation", "manifest"])
        #expect(help.status == 0 && help.output.contains("federation manifest make"))
        #expect(try program.run(["federation", "manifest"]).status == 2)
        let wrong = try program.run(["federation", "manifest", "mak"])
        #expect(wrong.status == 2 && wrong.error.contains("did you mean make"))
        // The verifier signs nothing.
        let verifier = try program.run(["federation", "manifest", "make"], of: "polymath-verify")
        #expect(verifier.status == 2 && verifier.error.contains("it has: verify"))
    }
}
