import Adapter
import Digest
import Foundation
import TestSupport
import Testing

/// `polymath-verify` beside `polymath`: what it is made of, and that both say the same.
@Suite struct VerifierTests {
    let program = Program()

    private func both(
        _ words: [String], status: Int32, says: String, in program: Program? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let program = program ?? self.program
        let first = try program.run(words)
        let second = try program.run(words, of: "polymath-verify")
        let text = first.output + first.error
        #expect(first.status == status, "\(words): \(text)", sourceLocation: sourceLocation)
        #expect(text.contains(says), "\(words): \(text)", sourceLocation: sourceLocation)
        #expect(second.status == first.status, "\(words): \(second.error)", sourceLocation: sourceLocation)
        #expect(second.output == first.output, "\(words)", sourceLocation: sourceLocation)
        #expect(
            second.error.replacingOccurrences(of: "polymath-verify: ", with: "polymath: ") == first.error, "\(words)",
            sourceLocation: sourceLocation)
    }

    /// A run of one step on a reference model; returns the base's path.
    private func train(_ out: String = "run", scope: String = "norms") throws -> String {
        let words = ReferenceRun.words(scope: scope, steps: 1, length: 8, batch: 1, out: out)
        let outcome = try program.run(words)
        #expect(outcome.status == 0, "\(outcome.output)")
        return words[2]
    }

    private func change(_ name: String, _ body: (inout Data) throws -> Void) throws {
        let url = URL(fileURLWithPath: program.folder.path(name))
        var data = try Data(contentsOf: url)
        try body(&data)
        try data.write(to: url)
    }

    #if os(Linux)
        @Test func `it holds no trainer and asks for no BLAS`() throws {
            let path = try #require(Program.binary("polymath-verify"))
            let file = program.folder.path("ldd")
            _ = FileManager.default.createFile(atPath: file, contents: nil)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["ldd", path]
            process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            try process.run()
            process.waitUntilExit()
            let libraries = try String(contentsOfFile: file, encoding: .utf8)
            #expect(libraries.contains("libcrypto"))
            #expect(!libraries.lowercased().contains("blas"), "\(libraries)")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            // Where a Swift module is linked in, the names of its symbols are: length, then name.
            #expect(bytes.range(of: Data("5Audit".utf8)) != nil)
            for module in ["10TensorCore", "8Training", "11PolymathKit"] {
                #expect(bytes.range(of: Data(module.utf8)) == nil, "\(module) is linked in")
            }
        }
    #endif

    @Test func `both programs say the same of a run and its parts`() throws {
        let base = try train()
        try both(["adapter", "inspect", "run/adapter.gguf"], status: 0, says: "signature     valid")
        try both(
            ["adapter", "verify", "--base", base, "--adapter", "run/adapter.gguf"], status: 0,
            says: "verified: it holds the deltas")
        try both(["audit", "verify", "run", "--base", base], status: 0, says: "run: closed")
        try both(["audit", "verify", "run", "--base", base, "--json"], status: 0, says: "\"status\":\"closed\"")
        try both(
            [
                "audit", "attestation", "run/attestation.dsse.json", "--base", base, "--adapter", "run/adapter.gguf",
            ], status: 0, says: "verified: 5 checks passed\n")
        try both(["audit", "seal", "--base", base], status: 0, says: "# root ")
        try both(["audit", "seal", base, "--check", "run/seal.json"], status: 0, says: "has the recorded root")
        try both(["audit", "seal", base, "--base", base], status: 2, says: "given twice")
        try both(["adapter", "verify", "--base", base], status: 2, says: "--adapter FILE is needed")
        try both(["audit", "verify", "nowhere"], status: 2, says: "There is no run folder at nowhere.")

        try change("run/audit.jsonl") { $0.removeLast(20) }
        try both(["audit", "verify", "run"], status: 4, says: "run: open")
        try change("run/adapter.gguf") { $0[$0.count - 40] ^= 1 }
        try both(["adapter", "verify", "--base", base, "--adapter", "run/adapter.gguf"], status: 4, says: "polymath: ")
        try change("run/attestation.dsse.json") { $0[200] ^= 1 }
        try both(["audit", "attestation", "run/attestation.dsse.json"], status: 4, says: "not verified")
    }

    @Test func `a boundary file is verified like an adapter`() throws {
        let base = try train(scope: "boundary")
        let words = ["adapter", "verify", "--base", base, "--adapter", "run/boundary.gguf"]
        try both(words, status: 0, says: "trained tensors of this base's boundary and nothing else")
        try both(["adapter", "inspect", "run/boundary.gguf"], status: 0, says: "output.weight")
        try both(
            ["audit", "attestation", "run/attestation.dsse.json", "--adapter", "run/boundary.gguf"], status: 0,
            says: "verified: 4 checks passed, 1 not checked")
        try both(words + ["--signer", String(repeating: "0", count: 64)], status: 4, says: "is not one you named")
        try change("run/boundary.gguf") { $0[$0.count - 9] ^= 1 }
        try both(words, status: 4, says: "was changed or forged")
    }

    @Test func `only a trusted signer exits 0`() throws {
        let base = try train()
        let other = Program()
        for file in ["run"] {
            try FileManager.default.copyItem(
                atPath: program.folder.path(file), toPath: other.folder.path(file))
        }
        let signer = try NormAdapter.read(path: program.folder.path("run/adapter.gguf")).signer
        try Data(signer.pem.utf8).write(to: URL(fileURLWithPath: other.folder.path("maker.pem")))
        _ = try other.write("by-key.txt", "# who may\n\nmaker.pem  # the maker\n")
        _ = try other.write("by-print.txt", "\(signer.fingerprint)\n")
        _ = try other.write("others.txt", "SHA256:\(String(repeating: "0", count: 64))\n")
        _ = try other.write("bad.txt", "SHA256:xyz\n")
        let commands = [
            ["adapter", "verify", "--base", base, "--adapter", "run/adapter.gguf"],
            ["audit", "verify", "run"],
            ["audit", "attestation", "run/attestation.dsse.json"],
        ]
        for words in commands {
            try both(words, status: 4, says: "its signer \(signer.fingerprint) is unknown here", in: other)
            try both(words + ["--any-signer"], status: 0, says: "intact, signer unknown: ", in: other)
            try both(words + ["--signer", signer.fingerprint], status: 0, says: "verified: ", in: other)
            try both(words + ["--trusted", "by-key.txt"], status: 0, says: "verified: ", in: other)
            try both(words + ["--trusted", "by-print.txt"], status: 0, says: "verified: ", in: other)
            try both(words + ["--trusted", "others.txt"], status: 4, says: "is not one you named", in: other)
            try both(words + ["--trusted", "bad.txt"], status: 1, says: "Line 1 of “bad.txt” is neither", in: other)
            try both(words + ["--signer", "me"], status: 2, says: "must be SHA256:", in: other)
            try both(words + ["--any-signer", "--trusted", "others.txt"], status: 2, says: "together", in: other)
            // One's own word counts only where nobody else was named.
            try both(words + ["--trusted", other.folder.path("others.txt")], status: 4, says: "is not one you named")
        }
        // Looking for oneself makes no identity.
        #expect(!other.holds("config"))
    }

    @Test func `a list of digests is printed, checked, and any difference named`() throws {
        let base = program.folder.path("base.gguf")
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: base)
        let printed = try program.run(["audit", "seal", base])
        #expect(printed.status == 0)
        let lines = printed.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("sha256    ") && $0.hasSuffix("  base.gguf:blk.1.ffn_down.weight") })
        _ = try program.write("list", printed.output)
        try both(["audit", "seal", base, "--check", "list"], status: 0, says: "tensors have the SHA-256")
        _ = try program.write("short", lines.filter { !$0.contains("ffn_down") }.joined(separator: "\n"))
        try both(["audit", "seal", base, "--check", "short"], status: 4, says: "no line in the list")
        _ = try program.write("none", "sha1      0000  base.gguf:x\n")
        try both(["audit", "seal", base, "--check", "none"], status: 1, says: "at least one line")
        try program.run(["audit", "seal", base, "--out", "seal.json"])
        try change("base.gguf") { $0[$0.count - 9] ^= 1 }
        try both(["audit", "seal", base, "--check", "list"], status: 4, says: "another SHA-256 than the list records")
        try both(
            ["audit", "seal", base, "--check", "seal.json"], status: 4, says: "(the first of 2 checks that failed)")
    }
}
