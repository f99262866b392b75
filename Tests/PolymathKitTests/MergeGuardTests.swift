import Conventions
import Digest
import Foundation
import GGUF
import PolymathKit
import Seal
import Synchronization
import TensorCore
import TestSupport
import Testing

/// Merges of a base that somebody changes meanwhile.
@Suite struct MergeGuardTests {
    let folder = TemporaryFolder()
    let base: String
    let adapter: String

    private final class Listener: RunListener {
        func event(_ name: String, _ members: [String: JSONValue]) {}
        func progress(_ title: String, done: Int, of total: Int) {}
    }

    init() throws {
        base = folder.path("base.gguf")
        adapter = folder.path("run/adapter.gguf")
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: base)
        var request = TrainingRequest(base: base)
        request.tokens = Repository.reference("tokens.json")
        request.steps = 1
        request.sequenceLength = 8
        request.validationFraction = 0
        request.identityPath = folder.path("identity.pem")
        request.out = folder.path("run")
        _ = try TrainingRun(request, home: Home(root: folder.path), listener: Listener()).run()
    }

    /// Merges, and calls `change` once, when the base has been hashed and nothing has been copied.
    private func merge(_ change: @escaping @Sendable () -> Void) throws -> MergeRun {
        let loaded = try LoadedBase(base, home: Home(root: folder.path), workers: Workers(count: 1))
        let total = loaded.gguf.tensors.reduce(0) { $0 + $1.byteCount }
        let isDone = Mutex(false)
        return try MergeRun.run(loaded, adapter: adapter, out: folder.path("merged.gguf")) { done in
            guard done == total else { return }
            isDone.withLock { isDone in
                if !isDone { change() }
                isDone = true
            }
        }
    }

    @Test func `a whole base is merged, and nothing frozen differs`() throws {
        let merged = try merge {}
        #expect(merged.frozenChanges == 0 && merged.frozenTensors > 40)
    }

    @Test func `a byte that changes under a merge refuses it, and leaves no file`() throws {
        let tensor = try #require(try GGUFFile(path: base).tensor(named: "blk.1.attn_q.weight"))
        let path = base
        let error = try #require(
            #expect(throws: SealViolation.self) {
                _ = try merge {
                    guard let handle = FileHandle(forUpdatingAtPath: path) else { return }
                    try? handle.seek(toOffset: UInt64(tensor.offset + 1))
                    try? handle.write(contentsOf: [0x5A])
                    try? handle.close()
                }
            })
        #expect(error.tensor == "blk.1.attn_q.weight")
        #expect(ExitStatus(for: error) == .sealViolation)
        #expect(!FileManager.default.fileExists(atPath: folder.path("merged.gguf")))
    }

    @Test func `a base that is replaced under a merge refuses it`() throws {
        let path = base
        let error = try #require(
            #expect(throws: SealViolation.self) {
                _ = try merge {
                    try? FileManager.default.copyItem(atPath: path, toPath: path + ".new")
                    try? FileManager.default.removeItem(atPath: path)
                    try? FileManager.default.moveItem(atPath: path + ".new", toPath: path)
                }
            })
        #expect(error.kind == .replaced)
        #expect(!FileManager.default.fileExists(atPath: folder.path("merged.gguf")))
    }
}
