import Bytes
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

/// `polymath base …` through the real binary, in a home of its own.
@Suite struct BaseCommandTests {
    let program = Program()
    static let model = Repository.reference("qwen2-tied-f32.gguf")

    init() throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("Checkpoints"), withIntermediateDirectories: true)
    }

    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: program.folder.path("Checkpoints"))) ?? []).sorted()
    }

    // MARK: list and inspect

    @Test func `the bases of the repository are listed and inspected, for people and as JSON`() throws {
        let here = Program(home: Repository.root)
        let plain = try here.run(["base", "list"])
        #expect(plain.status == 0)
        #expect(plain.output.contains("nano  here, 4,796,096 bytes\n"))
        #expect(plain.output.contains("qwen-1.5b-q4  "))
        let list = try here.run(["base", "list", "--json"])
        #expect(list.objects.compactMap { $0["name"] as? String }.prefix(3) == ["nano", "nano-f16", "qwen-1.5b-q4"])
        #expect(list.objects.allSatisfy { $0["event"] as? String == "base" })
        #expect(list.objects.first?["present"] as? Bool == true)

        let inspected = try here.run(["base", "inspect", "nano"])
        #expect(inspected.status == 0)
        for part in ["Q6_K: 5 tensors", "layers 6, width 256, heads 4", "the embedding is the head too", "root  "] {
            #expect(inspected.output.contains(part), "\(part)")
        }
        let json = try #require(try here.run(["base", "inspect", "nano", "--json"]).object("base"))
        #expect(json["tensors"] as? Int == 74)
        #expect(json["tied"] as? Bool == true)
        #expect(json["synthetic"] as? Bool == false)
        let seal = try #require(try here.run(["audit", "seal", "--base", "nano", "--json"]).object("seal"))
        #expect(json["root"] as? String == seal["root"] as? String)
    }

    @Test func `an empty home knows the catalogue and holds nothing`() throws {
        let list = try program.run(["base", "list", "--json"])
        #expect(list.status == 0)
        #expect(list.objects.count == 3)
        #expect(list.objects.allSatisfy { $0["present"] as? Bool == false })
        _ = try program.write("Checkpoints/mine.gguf", "no GGUF at all")
        let others = try program.run(["base", "list", "--json"]).objects
        #expect(others.last?["name"] as? String == "mine")
        #expect(others.last?["present"] as? Bool == true)
    }

    @Test(
        arguments: [
            (["inspect", "nowhere"], 2, "There is no base 'nowhere'; known are 'nano', 'nano-f16', 'qwen-1.5b-q4'"),
            (["inspect", "./nowhere.gguf"], 2, "The base file './nowhere.gguf' does not exist"),
            (["inspect", "text.gguf"], 1, "'text.gguf' is not a GGUF file: it begins with"),
            (["inspect", "empty.gguf"], 1, "The base file 'empty.gguf' is empty"),
            (["inspect", "short.gguf"], 1, "'short.gguf' is truncated: it holds 8 bytes"),
            (["inspect", "qwen-1.5b-q4"], 2, "fetch it with 'polymath base pull qwen-1.5b-q4', or make one"),
            (["inspect", "qwen-1.5b-q4-synthetic"], 2, "make it with 'polymath base synth qwen-1.5b-q4'"),
            (["inspect"], 2, "BASE is missing."),
            (["list", "--catalog", "nowhere.json"], 1, "The catalogue 'nowhere.json' cannot be used"),
            (
                ["list", "--catalog", "list.json"], 1,
                "The catalogue 'list.json' cannot be used: its 'version' should be"
            ),
            (["synth", "nano"], 2, "No shape is known for 'nano'; synthetic weights can be made for 'qwen-1.5b-q4'"),
            (
                ["synth", "qwen-1.5b-q4", "--layout", "q3"], 2,
                "The value \"q3\" of --layout must be one of: q4_k_m, q4_0."
            ),
            (["synth", "qwen-1.5b-q4", "--seed", "-1"], 2, "The value \"-1\" of --seed"),
            (["synth", "qwen-1.5b-q4", "--vocab", "nowhere.gguf"], 2, "'nowhere.gguf' does not exist"),
            (["synth", "qwen-1.5b-q4", "--vocab", model], 1, "it has 512 tokens where this shape needs 151936"),
            (["synth", "qwen-1.5b-q4", "--out", "text.gguf"], 2, "'text.gguf' exists already"),
            (["pull", "nano"], 2, "comes with the repository"),
            (["pull", "nothing"], 2, "The catalogue has no base 'nothing'; it has 'nano'"),
            (["pull"], 2, "NAME is missing."),
            (["push"], 2, "\"polymath base\" has no \"push\"; it has: list, pull, inspect, synth."),
        ] as [([String], Int32, String)])
    func `what cannot be is refused with its reason`(words: [String], status: Int32, message: String) throws {
        _ = try program.write("text.gguf", "This is a text and no model, whatever its name says.")
        _ = try program.write("empty.gguf", "")
        _ = try program.write("short.gguf", "GGUF\u{3}\0\0\0")
        _ = try program.write("list.json", "{\"version\": 2, \"bases\": []}")
        let outcome = try program.run(["base"] + words)
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        let json = try program.run(["base"] + words + ["--json"])
        #expect(json.status == status && json.error.isEmpty)
        #expect(json.errorMessage?.contains(message) == true, "\(json.output)")
        #expect(files.isEmpty)
    }

    @Test func `without a verb the verbs are named`() throws {
        let outcome = try program.run(["base"])
        #expect(outcome.status == 2)
        #expect(outcome.error == "polymath: \"polymath base\" needs one of: list, pull, inspect, synth.\n")
    }

    // MARK: pull

    private static let content: [UInt8] = (try? WholeFile.read(model)) ?? []

    /// A catalogue in the home that names a server on this machine.
    private func catalogue(
        port: UInt16, bytes: Int = content.count, sha256: SHA256Digest = .of(content), root: String? = nil
    ) throws {
        let root = root.map { "\"\($0)\"" } ?? "null"
        _ = try program.write(
            "Checkpoints/catalog.json",
            """
            {"version": 1, "bases": [{"name": "toy", "title": "a toy", "architecture": "qwen2", "file": "toy.gguf",
             "licence": "CC0-1.0", "source": {"url": "http://127.0.0.1:\(port)/toy.gguf", "revision": "1"},
             "bytes": \(bytes), "sha256": "\(sha256.hex)", "root": \(root)}]}
            """)
    }

    @Test func `a base is pulled once, and can then be called by its name`() throws {
        let server = try LoopbackServer.serving(Self.content)
        try catalogue(port: server.port)
        let pulled = try program.run(["base", "pull", "toy", "--json"])
        #expect(pulled.status == 0, "\(pulled.output)")
        let object = try #require(pulled.object("base_pulled"))
        #expect(object["bytes"] as? Int == Self.content.count)
        #expect(object["sha256"] as? String == SHA256Digest.of(Self.content).hex)
        #expect(object["resumed_from"] as? Int == 0 && object["was_there"] as? Bool == false)
        #expect(files == ["catalog.json", "toy.gguf"])
        #expect(program.bytes("Checkpoints/toy.gguf") == Self.content)
        let again = try program.run(["base", "pull", "toy"])
        #expect(again.status == 0)
        #expect(again.output.contains("toy was here already: "))
        #expect(server.requests.count == 1)
        let words = ["train", "--base", "toy", "--tokens", Repository.reference("tokens.json"), "--dry-run", "--json"]
        #expect(try program.run(words).object("plan")?["base"] as? String == "toy")
        #expect(try program.run(["base", "list"]).output.contains("toy  here"))
    }

    @Test func `a transfer that broke off exits 1, and the same command goes on from there`() throws {
        let server = try LoopbackServer.serving(Self.content, breakAfter: 100_000)
        try catalogue(port: server.port)
        let broken = try program.run(["base", "pull", "toy"])
        #expect(broken.status == 1)
        #expect(broken.error.contains("broke off after 100000 of \(Self.content.count) bytes"), "\(broken.error)")
        #expect(broken.error.contains("the same command goes on from there"))
        #expect(files == ["catalog.json", "toy.gguf.part", "toy.gguf.part.etag"])
        let resumed = try program.run(["base", "pull", "toy", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.object("base_pulled")?["resumed_from"] as? Int == 100_000)
        #expect(server.requests.last?.lowercased().contains("range: bytes=100000-") == true)
        #expect(files == ["catalog.json", "toy.gguf"])
        #expect(program.bytes("Checkpoints/toy.gguf") == Self.content)
    }

    @Test func `wrong content and another size exit 4 and leave nothing`() throws {
        let server = try LoopbackServer.serving(Self.content)
        try catalogue(port: server.port, sha256: .of([1]))
        let wrong = try program.run(["base", "pull", "toy"])
        #expect(wrong.status == 4)
        #expect(wrong.error.contains("its SHA-256 is \(SHA256Digest.of(Self.content).hex)"), "\(wrong.error)")
        #expect(wrong.error.contains("the bytes were removed"))
        try catalogue(port: server.port, bytes: 1000)
        let longer = try program.run(["base", "pull", "toy"])
        #expect(longer.status == 4)
        #expect(longer.error.contains("has \(Self.content.count) bytes where the catalogue says 1000"))
        #expect(files == ["catalog.json"])
    }

    @Test func `no server, a refusal and a full disk are told apart`() throws {
        // Port 1 needs privileges that nobody has used here.
        try catalogue(port: 1)
        let silence = try program.run(["base", "pull", "toy"])
        #expect(silence.status == 1)
        #expect(silence.error.contains("No answer from 'http://127.0.0.1:1/toy.gguf'"), "\(silence.error)")
        let server = try LoopbackServer { _ in .init(head: ["HTTP/1.1 404 Not Found", "Content-Length: 0"]) }
        try catalogue(port: server.port)
        let refusal = try program.run(["base", "pull", "toy"])
        #expect(refusal.status == 1)
        #expect(refusal.error.contains("The server answered 404"), "\(refusal.error)")
        try catalogue(port: server.port, bytes: 9_000_000_000_000_000)
        let full = try program.run(["base", "pull", "toy"])
        #expect(full.status == 5)
        #expect(full.error.contains("needs 9000000000000000 bytes and its file system has"), "\(full.error)")
        #expect(server.requests.count == 1)
        #expect(!files.contains("toy.gguf"))
    }

    @Test(arguments: [false, true])
    func `an answer that ends within its head ends with one sentence, though the network library traps on it`(
        isJSON: Bool
    ) throws {
        let server = try LoopbackServer { _ in
            var answer = LoopbackServer.Answer(head: ["HTTP/1.1 200 OK"])
            answer.breaksInHead = true
            return answer
        }
        try catalogue(port: server.port)
        let outcome = try program.run(["base", "pull", "toy"] + (isJSON ? ["--json"] : []))
        #expect(outcome.status == 1, "\(outcome.error)")
        let said = isJSON ? try #require(outcome.errorMessage) : outcome.error
        #expect(said.contains("cannot be read as HTTP"), "\(said)")
        #expect(outcome.error.split(separator: "\n").count == (isJSON ? 0 : 1), "\(outcome.error)")
        #expect(!files.contains("toy.gguf"))
    }

    @Test func `a named base that differs from its record exits 4`() throws {
        try catalogue(port: 1, root: SHA256Digest.of([1]).hex)
        let path = program.folder.path("Checkpoints/toy.gguf")
        try Data(Self.content).write(to: URL(fileURLWithPath: path))
        let tokens = ["--tokens", Repository.reference("tokens.json"), "--steps", "1", "--seq-len", "8"]
        for words in [["base", "inspect", "toy"], ["train", "--base", "toy", "--out", "run"] + tokens] {
            let outcome = try program.run(words)
            #expect(outcome.status == 4, "\(outcome.error)")
            #expect(outcome.error.contains("The base 'toy' differs from its record: its root is"), "\(outcome.error)")
        }
        #expect(!program.holds("run"))
        try Data(Self.content.dropLast()).write(to: URL(fileURLWithPath: path))
        let short = try program.run(["base", "inspect", "toy"])
        #expect(short.status == 4)
        #expect(short.error.contains("it holds \(Self.content.count - 1) bytes where the record says"))
        var other = Self.content
        other[other.count - 40] ^= 1
        try Data(other).write(to: URL(fileURLWithPath: path))
        let changed = try program.run(["base", "pull", "toy"])
        #expect(changed.status == 4)
        #expect(changed.error.contains("is not the catalogue's 'toy': its SHA-256 is"), "\(changed.error)")
        #expect(program.bytes("Checkpoints/toy.gguf") == other)
    }
}
