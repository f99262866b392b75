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
