import Digest
import Foundation
import PolymathKit
import TestSupport
import Testing

@Suite(.serialized) struct BaseDownloadTests {
    static let content: [UInt8] = {
        var generator = SeededGenerator(seed: 5)
        return Array("GGUF".utf8) + (0..<300_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }()

    let folder = TemporaryFolder()

    func home(port: UInt16, bytes: Int = content.count, digest: SHA256Digest = .of(content)) throws -> Home {
        let entry = CatalogEntry(
            name: "toy", title: "a toy", architecture: "qwen2", file: "toy.gguf", licence: "CC0-1.0",
            source: .init(url: "http://127.0.0.1:\(port)/toy.gguf", revision: "1"), byteCount: bytes, sha256: digest,
            root: nil)
        let path = folder.path("list.json")
        try Data(Catalog(entries: [entry]).json.canonicalBytes).write(to: URL(fileURLWithPath: path))
        return Home(root: folder.path, catalog: path)
    }

    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path("Checkpoints"))) ?? []).sorted()
    }

    func pull(_ home: Home) throws -> BaseDownload.Outcome {
        try BaseDownload(name: "toy", home: home, idleTimeout: 10).run()
    }

    @Test func `a complete transfer gets its name, and a second pull fetches nothing`() throws {
        let server = try LoopbackServer.serving(Self.content)
        let home = try home(port: server.port)
        let first = try pull(home)
        #expect(first.byteCount == Self.content.count && !first.wasThere && first.resumedFrom == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == Data(Self.content))
        #expect(files == ["toy.gguf"])
        #expect(try pull(home).wasThere)
        #expect(server.requests.count == 1)
    }

    @Test(arguments: [true, false])
    func `an interrupted transfer is kept and gone on from, also when the server knows no ranges`(ranges: Bool) throws {
        let server = try LoopbackServer.serving(Self.content, breakAfter: 100_000, ranges: ranges)
        let home = try home(port: server.port)
        do {
            _ = try pull(home)
            Issue.record("a broken transfer passed")
        } catch let error as BaseError {
            guard case .interrupted(_, 100_000, Self.content.count, _, _) = error else { throw error }
            #expect(error.exitStatus == .failure)
            #expect(error.description.contains("goes on from there"))
        }
        #expect(files == ["toy.gguf.part", "toy.gguf.part.etag"])
        let outcome = try pull(home)
        #expect(outcome.resumedFrom == 100_000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: outcome.path)) == Data(Self.content))
        #expect(files == ["toy.gguf"])
        let second = try #require(server.requests.last?.lowercased())
        #expect(second.contains("range: bytes=100000-"))
        #expect(second.contains("if-range: \"one\""))
    }

    @Test func `wrong content exits 4 and leaves nothing`() throws {
        let server = try LoopbackServer.serving(Self.content)
        let home = try home(port: server.port, digest: .of([1]))
        let error = try #require(throws: BaseError.self) { try pull(home) }
        guard case .digestDiffers = error else { throw error }
        #expect(error.exitStatus == .mismatch)
        #expect(files == [])
    }

    @Test func `another size exits 4 and leaves nothing`() throws {
        let server = try LoopbackServer.serving(Self.content)
        let error = try #require(throws: BaseError.self) { try pull(home(port: server.port, bytes: 1000)) }
        guard case .wrongLength(_, 1000, Self.content.count) = error else { throw error }
        #expect(error.exitStatus == .mismatch)
        #expect(files == [])
    }

    @Test(arguments: [0, 300, 400_000])
    func `bytes that no transfer of this program left are neither gone on from nor removed`(count: Int) throws {
        let server = try LoopbackServer.serving(Self.content)
        let home = try home(port: server.port)
        let mine = Data(repeating: 7, count: count)
        try FileManager.default.createDirectory(
            atPath: folder.path("Checkpoints"), withIntermediateDirectories: true)
        for name in ["toy.gguf.part", "toy.gguf.part.etag"] {
            try mine.write(to: URL(fileURLWithPath: folder.path("Checkpoints/" + name)))
            let error = try #require(throws: BaseError.self) { try pull(home) }
            #expect(error == .foreignPart(part: folder.path("Checkpoints/" + name)) && error.exitStatus == .usage)
            #expect(files == [name] && FileManager.default.contents(atPath: folder.path("Checkpoints/" + name)) == mine)
            try FileManager.default.removeItem(atPath: folder.path("Checkpoints/" + name))
        }
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: ["toy.gguf.part", "toy.gguf.part.etag"])
    func `a link, a pipe or a folder where bytes should go is one sentence`(name: String) throws {
        let home = try home(port: 1)
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path("Checkpoints"), withIntermediateDirectories: true)
        let path = folder.path("Checkpoints/" + name)
        let target = folder.path("target")
        try Data([1, 2]).write(to: URL(fileURLWithPath: target))
        let makers: [() throws -> Void] = [
            { try files.createSymbolicLink(atPath: path, withDestinationPath: target) },
            { mkfifo(path, 0o600) }, { try files.createDirectory(atPath: path, withIntermediateDirectories: false) },
        ]
        for make in makers {
            try make()
            let error = try #require(throws: BaseError.self) { try pull(home) }
            #expect(error == .irregularPart(part: path) && error.exitStatus == .usage)
            #expect(self.files == [name])
            try files.removeItem(atPath: path)
        }
        #expect(files.contents(atPath: target) == Data([1, 2]))
    }

    @Test func `what takes the name while the bytes come is left, and so are they`() throws {
        let server = try LoopbackServer.serving(Self.content)
        let home = try home(port: server.port)
        let path = folder.path("Checkpoints/toy.gguf")
        let error = try #require(throws: BaseError.self) {
            try BaseDownload(name: "toy", home: home, idleTimeout: 10).run { done, total in
                if done == total { try? Data("mine".utf8).write(to: URL(fileURLWithPath: path)) }
            }
        }
        #expect(error == .taken(path: path, part: path + ".part") && error.exitStatus == .usage)
        #expect(FileManager.default.contents(atPath: path) == Data("mine".utf8))
        #expect(FileManager.default.contents(atPath: path + ".part") == Data(Self.content))
    }

    @Test func `no server and a refusal exit 1 with the reason`() throws {
        let server = try LoopbackServer { _ in .init(head: ["HTTP/1.1 404 Not Found", "Content-Length: 0"]) }
        let refusal = try #require(throws: BaseError.self) { try pull(home(port: server.port)) }
        guard case .refused(_, 404) = refusal else { throw refusal }
        // Port 1 needs privileges that nobody has used here.
        let silence = try #require(throws: BaseError.self) { try pull(home(port: 1)) }
        guard case .noServer = silence else { throw silence }
        #expect(refusal.exitStatus == .failure && silence.exitStatus == .failure)
        #expect(files == [])
    }
}
