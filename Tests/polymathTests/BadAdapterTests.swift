import Foundation
import TestSupport
import Testing

/// Adapters that no command may take: each with its sentence, its exit status, and nothing written.
@Suite struct BadAdapterTests {
    let program = Program()
    static let base = Repository.reference("qwen2-tied-f32.gguf")

    init() throws {
        let trained = try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run"))
        #expect(trained.status == 0, "\(trained.output)")
        let whole = try #require(program.bytes("run/adapter.gguf"))
        var flipped = whole
        // A byte of the recipe: 16 bytes of types and count stand between the key and its value.
        flipped[try #require(Data(whole).range(of: Data("adapter.run.recipe".utf8))?.upperBound) + 20] ^= 1
        var renamed = whole
        let name = try #require(Data(whole).range(of: Data("output_norm".utf8))?.lowerBound)
        renamed.replaceSubrange(name..<name + 11, with: Array("output_morn".utf8))
        for (name, bytes) in [
            ("whole", whole), ("empty", []), ("magic", Array(whole.prefix(3))), ("header", Array(whole.prefix(100))),
            ("keys", Array(whole.prefix(500))), ("short", Array(whole.dropLast())), ("long", whole + [0]),
            ("flipped", flipped), ("renamed", renamed), ("text", Array("Dear diary, today I was no adapter.".utf8)),
        ] { try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path("\(name).gguf"))) }
    }

    @Test(
        arguments: [
            (base, "nowhere.gguf", 2, "There is no adapter at nowhere.gguf."),
            (base, "empty.gguf", 1, "The adapter is no readable GGUF container: "),
            (base, "magic.gguf", 1, "The adapter is no readable GGUF container: "),
            (base, "text.gguf", 1, "the file does not begin with 'GGUF'"),
            (base, "header.gguf", 1, "which is cut off or damaged"),
            (base, "keys.gguf", 1, "the file is cut off: "),
            (base, "short.gguf", 4, "bytes; its header asks for exactly "),
            (base, "long.gguf", 4, "bytes; its header asks for exactly "),
            (base, "flipped.gguf", 4, "changed or forged"),
            (base, "renamed.gguf", 4, "output_morn"),
            (base, base, 4, "Key 2 is “general.name”; it must be “general.type”."),
            (Repository.reference("qwen2-untied-q4_0.gguf"), "whole.gguf", 4, "was trained on another base: it names"),
        ] as [(String, String, Int32, String)])
    func `an adapter that is not this base's is refused by every command that takes one`(
        base: String, adapter: String, status: Int32, message: String
    ) throws {
        let tokens = ["--tokens", Repository.reference("tokens.json"), "--seq-len", "8"]
        for words in [
            ["adapter", "verify"], ["adapter", "merge", "--out", "merged.gguf"], ["generate", "--prompt", "a"],
            ["eval"] + tokens,
        ] {
            let outcome = try program.run(words + ["--base", base, "--adapter", adapter])
            #expect(outcome.status == status, "\(words[0]): \(outcome.error)")
            #expect(outcome.error.contains(message), "\(words[0]): \(outcome.error)")
            #expect(outcome.error.hasPrefix("polymath: ") && outcome.error.hasSuffix(".\n"), "\(outcome.error)")
            #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
            #expect(outcome.output.isEmpty)
        }
        #expect(!program.holds("merged.gguf"))
    }

    @Test func `the one that was written is taken by all of them`() throws {
        let words = ["--base", Self.base, "--adapter", "whole.gguf"]
        #expect(try program.run(["adapter", "verify"] + words).status == 0)
        #expect(try program.run(["adapter", "merge", "--out", "merged.gguf"] + words).status == 0)
        #expect(try program.run(["generate", "--prompt", "a", "--max-tokens", "1"] + words).status == 0)
    }
}

/// `seal.json` in a run folder, edited after the fact.
@Suite struct EditedSealTests {
    let program = Program()

    @Test func `an edited seal fails the audit with exit status 4`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")).status == 0)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        let good = String(decoding: try #require(program.bytes("run/seal.json")), as: UTF8.self)
        let digest = try #require(good.firstMatch(of: /"sha256":"([0-9a-f]{64})"/)).output.1
        let root = try #require(good.firstMatch(of: /"root":"([0-9a-f]{64})"/)).output.1
        let zeros = String(repeating: "0", count: 64)
        for (edited, message) in [
            (good.replacing(digest, with: zeros), "but its entries give"),
            (good.replacing(root, with: zeros), "but its entries give"),
            (good.replacing("blk.0.attn_k.bias", with: "blk.0.attn_k.bia"), "but its entries give"),
            (String(good.dropLast(20)), "seal.json is refused"),
        ] {
            #expect(edited != good)
            _ = try program.write("run/seal.json", edited)
            let outcome = try program.run(["audit", "verify", "run"])
            #expect(outcome.status == 4)
            #expect(outcome.output.contains(message), "\(outcome.output)")
        }
        _ = try program.write("run/seal.json", good)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
    }
}
