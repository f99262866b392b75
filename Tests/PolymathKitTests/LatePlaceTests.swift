import Bytes
import Conventions
import Digest
import Foundation
import PolymathKit
import Synchronization
import TensorCore
import TestSupport
import Testing

/// Places that were free when a command looked, and are somebody else's when it is done.
@Suite struct LatePlaceTests {
    let folder = TemporaryFolder()

    /// Calls `change` once, when the base has been hashed and nothing has been written.
    private final class Listener: RunListener {
        let change: () -> Void
        private var isDone = false

        init(_ change: @escaping () -> Void) { self.change = change }

        func event(_ name: String, _ members: [String: JSONValue]) {}
        func progress(_ title: String, done: Int, of total: Int) {
            guard title == "seal", done == total, !isDone else { return }
            isDone = true
            change()
        }
    }

    private func train(_ out: String, _ change: @escaping () -> Void = {}) throws -> RunSummary {
        var request = TrainingRequest(base: Repository.reference("qwen2-tied-f32.gguf"))
        request.tokens = Repository.reference("tokens.json")
        request.steps = 1
        request.sequenceLength = 8
        request.validationFraction = 0
        request.identityPath = folder.path("identity.pem")
        request.out = folder.path(out)
        return try TrainingRun(request, home: Home(root: folder.path), listener: Listener(change)).run()
    }

    private func put(_ name: String) {
        let path = folder.path(name)
        try? FileManager.default.createDirectory(
            atPath: PathName.folder(of: path), withIntermediateDirectories: true)
        try? Data("mine".utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test(arguments: [false, true], ["run", "run/letter", "run/seal.json"])
    func `a run finds its folder taken and leaves it`(wasThere: Bool, name: String) throws {
        if wasThere {
            guard name != "run" else { return }
            try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: false)
        }
        let error = try #require(throws: (any Error).self) { try train("run") { put(name) } }
        #expect(ExitStatus(for: error) == .usage, "\(error)")
        #expect("\(error)".contains(folder.path("run")) && !"\(error)".contains(".part"), "\(error)")
        #expect(folder.names == ["identity.pem", "run"])
        #expect(try WholeFile.read(folder.path(name)) == Array("mine".utf8))
        if name != "run" { #expect(TemporaryListing.names(folder.path("run")) == [PathName.last(of: name)]) }
    }

    @Test func `a merge, an export and a handover find their place taken and leave it`() throws {
        _ = try train("run")
        let base = try LoadedBase(
            Repository.reference("qwen2-tied-f32.gguf"), home: Home(root: folder.path), workers: Workers(count: 1))
        let adapter = folder.path("run/adapter.gguf")
        let before = folder.names
        for (name, body) in [
            ("merged", { try MergeRun.run(base, adapter: adapter, out: $0) { _ in self.put("merged") } }),
            ("peft", { try ExportRun.peft(base, adapter: adapter, folder: $0, baseModel: nil) }),
            ("handed", { try RunHandover(runFolder: folder.path("run")).write(to: $0) }),
        ] as [(String, (String) throws -> Any)] {
            put(name)
            let error = try #require(throws: BytesError.self) { _ = try body(folder.path(name)) }
            #expect(error == .exists(path: folder.path(name)) && ExitStatus(for: error) == .usage)
            #expect(try WholeFile.read(folder.path(name)) == Array("mine".utf8))
        }
        #expect(folder.names == (before + ["merged", "peft", "handed"]).sorted())
    }
}

private enum TemporaryListing {
    static func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
