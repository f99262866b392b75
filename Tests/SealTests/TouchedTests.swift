import Bytes
import Foundation
import GGUF
import Seal
import TestSupport
import Testing

/// What the guard sees of a file beside its tensors' bytes.
@Suite struct `A guarded base` {
    let folder = TemporaryFolder()
    private var path: String { folder.path("base.gguf") }

    private func watch(copying: Bool = false) throws -> (SealGuard, GGUFFile) {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: path)
        // Its times must lie a tick behind those of what follows.
        Thread.sleep(forTimeInterval: 0.02)
        let gguf = try GGUFFile(path: path, copying: copying)
        let manifest = try SealManifest.compute(gguf, workers: 1)
        return (try SealGuard(manifest: manifest, gguf: gguf, workers: 1), gguf)
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: bytes)
        try handle.close()
    }

    private func violation(_ body: () throws -> Void) -> SealViolation? {
        do { try body() } catch { return error as? SealViolation }
        return nil
    }

    @Test func `that is written to and put back is a violation at the next look, rolling or whole`() throws {
        for isWhole in [false, true] {
            let (watcher, gguf) = try watch()
            let tensor = gguf.tensors[3]
            let old = gguf.region(of: tensor).array
            try watcher.rollingCheck()
            try write([old[0] ^ 1], at: tensor.offset)
            try write([old[0]], at: tensor.offset)
            let found = violation { if isWhole { try watcher.fullCheck() } else { try watcher.rollingCheck() } }
            #expect(found?.kind == .touched)
        }
    }

    @Test func `that was written to and not put back is told by what was written`() throws {
        let (watcher, gguf) = try watch()
        let tensor = try #require(gguf.tensors.last)
        try write([gguf.region(of: tensor).array[0] ^ 1], at: tensor.offset)
        let found = violation { try watcher.rollingCheck() }
        #expect(found?.kind == .tensor && found?.tensor == tensor.name)
    }

    @Test func `covers records and the table of tensors that the root does not stand for`() throws {
        let (watcher, gguf) = try watch()
        let name = try #require(gguf.records.first { $0.key.hasPrefix("general.") && $0.key != "general.architecture" })
        let place = name.rawBytes.baseOffset + name.rawBytes.byteCount - 1
        try write([gguf.header.array[place] ^ 1], at: place)
        #expect(violation { try watcher.fullCheck() }?.kind == .header)
        let again = try GGUFFile(parsing: ByteRegion(gguf.region.array))
        #expect(try SealManifest.compute(again, workers: 1).root == watcher.manifest.root)

        let (other, file) = try watch()
        let table = try #require(file.header.array.firstRange(of: Array("blk.1.ffn_up.weight".utf8)))
        try write(Array("x".utf8), at: table.lowerBound)
        #expect(violation { try other.fullCheck() }?.kind == .header)
    }

    @Test func `tells how many steps lie between two looks at a byte`() throws {
        let (watcher, _) = try watch()
        // A whole pass at any price takes 64 steps at most.
        var worst = 0
        for _ in 0..<130 {
            try watcher.rollingCheck()
            worst = max(worst, watcher.longestUnchecked)
        }
        #expect(worst > 1 && worst <= 65)
        try watcher.fullCheck()
        try watcher.rollingCheck()
        #expect(watcher.longestUnchecked == 1)
    }

    @Test func `that is a private copy is whole whatever is written to its file, and the file is watched all the same`()
        throws
    {
        let (watcher, gguf) = try watch(copying: true)
        #expect(watcher.standing["private_copy"]?.asBool == true)
        let tensor = gguf.tensors[0]
        let old = gguf.region(of: tensor).array
        try write([old[0] ^ 1], at: tensor.offset)
        #expect(violation { try watcher.fullCheck() }?.kind == .touched)
        #expect(gguf.region(of: tensor).array == old)
    }
}
