import Bytes
import Digest
import Foundation
import GGUF
import Seal
import TestSupport
import Testing

struct SealTests {
    @Test func `insertion order and the number of workers do not matter`() throws {
        let sample = try SampleFile(tensors: (0..<20).map { ("t\($0)", $0 * 37) } + [("big", 2_500_000)])
        let source = sample.source
        let manifest = SealManifest.compute(source, workers: 1)
        let reordered = SealSource(
            path: source.path, identity: source.identity, fileByteCount: source.fileByteCount, architecture: "qwen2",
            records: source.records.reversed(), tensors: source.tensors.reversed())
        for workers in [1, 2, 8] { #expect(SealManifest.compute(reordered, workers: workers) == manifest) }
        #expect(try SealManifest(json: JSONValue.parse(manifest.json.canonicalBytes)) == manifest)
    }

    @Test func `the root is the tree over metadata and tensors in name order`() throws {
        let sample = try SampleFile(tensors: [("b.weight", 100), ("a.weight", 64), ("a.bias", 3), ("é", 1)])
        let manifest = SealManifest.compute(sample.source, workers: 1)
        #expect(manifest.tensors.map(\.name) == ["a.bias", "a.weight", "b.weight", "é"])
        // Written out by hand from the design, not with the code under test.
        let metadata = SHA256Digest.of(
            Array("qwen2.block_count".utf8) + [4, 0, 0, 0] + Array("tokenizer.ggml.model".utf8) + [5, 6])
        #expect(manifest.metadataDigest == metadata)
        let leaves = sample.source.tensors.map { tensor -> [UInt8] in
            let name = Array(tensor.name.utf8)
            let head: [UInt8] = [UInt8(name.count), 0, 0, 0] + name + [24, 0, 0, 0, 1, 0, 0, 0]
            let length: [UInt8] = [UInt8(tensor.bytes.byteCount), 0, 0, 0, 0, 0, 0, 0]
            return head + length + SHA256Digest.of(tensor.bytes.array).bytes
        }
        #expect(manifest.root == MerkleTree.root(leaves: [metadata.bytes] + leaves))
    }

    @Test func `every flipped byte of a sealed range changes the root and is located, and no other byte matters`()
        throws
    {
        let sample = try SampleFile(tensors: [("b", 40), ("a", 33)])
        let manifest = SealManifest.compute(sample.source, workers: 1)
        let watcher = try sample.watcher()
        try watcher.fullCheck()
        for offset in 0..<sample.source.fileByteCount {
            try sample.flip(at: offset)
            let isSealed = sample.sealed.contains { $0.contains(offset) }
            #expect((SealManifest.compute(sample.source, workers: 1).root != manifest.root) == isSealed)
            if isSealed {
                let found = try #require(#expect(throws: SealViolation.self) { try watcher.fullCheck() })
                #expect((found.fileOffset..<found.fileOffset + found.byteCount).contains(offset), "byte \(offset)")
            } else {
                try watcher.fullCheck()
            }
            try sample.flip(at: offset)
        }
    }

    @Test(arguments: [0, 1_048_575, 1_048_576, 2_097_152, 2_499_999])
    func `damage is located to its chunk`(place: Int) throws {
        let sample = try SampleFile(tensors: [("first", 50), ("big", 2_500_000)])
        let watcher = try sample.watcher()
        let big = try #require(watcher.manifest.tensor(named: "big"))
        try sample.flip(at: big.offset + place)
        let violation = try #require(#expect(throws: SealViolation.self) { try watcher.fullCheck() })
        let chunk = place / 1_048_576
        #expect(violation.tensor == "big")
        #expect(violation.fileOffset == big.offset + chunk * 1_048_576)
        #expect(violation.byteCount == (chunk == 2 ? 2_500_000 - 2_097_152 : 1_048_576))
        #expect(violation.expected == big.chunkDigests[chunk].hex)
    }

    @Test(arguments: [0, 1, 17, 63, 64, 100])
    func `the rolling check finds a change within the bound`(warmUp: Int) throws {
        let sample = try SampleFile(tensors: (0..<30).map { ("t\($0)", 1_000 + 999 * $0) } + [("big", 1_200_000)])
        var random = CounterRandom(seed: UInt64(warmUp), purpose: "damage")
        for _ in 0..<4 {
            let watcher = try sample.watcher()
            for _ in 0..<warmUp { try watcher.rollingCheck() }
            let range = sample.sealed[random.nextInt(below: sample.sealed.count)]
            let offset = range.lowerBound + random.nextInt(below: range.count)
            try sample.flip(at: offset)
            var found: SealViolation?
            for _ in 0..<SealGuard.coverageSteps where found == nil {
                do { try watcher.rollingCheck() } catch { found = error }
            }
            let violation = try #require(found, "byte \(offset)")
            #expect((violation.fileOffset..<violation.fileOffset + violation.byteCount).contains(offset))
            try sample.flip(at: offset)
        }
    }

    @Test func `a replaced, cut or removed file is told apart`() throws {
        let sample = try SampleFile(tensors: [("a", 5_000)])
        let watcher = try sample.watcher()
        let url = URL(fileURLWithPath: sample.path)
        let content = try Data(contentsOf: url)
        let handle = try FileHandle(forUpdating: url)
        try handle.truncate(atOffset: 100)
        #expect(try #require(#expect(throws: SealViolation.self) { try watcher.fullCheck() }).kind == .resized)
        try FileManager.default.removeItem(at: url)
        #expect(try #require(#expect(throws: SealViolation.self) { try watcher.rollingCheck() }).kind == .missing)
        try content.write(to: url)
        #expect(try #require(#expect(throws: SealViolation.self) { try watcher.rollingCheck() }).kind == .replaced)
        try handle.close()
    }

    @Test func `the small base model is sealed and guarded`() throws {
        let folder = try #require(
            try FileManager.default.contentsOfDirectory(atPath: Repository.root + "/Checkpoints")
                .first { $0.hasSuffix(".gguf") })
        let gguf = try GGUFFile(path: Repository.checkpoint(folder))
        let manifest = try SealManifest.compute(gguf, workers: 2)
        #expect(manifest.tensors.count == gguf.tensors.count)
        let watcher = try SealGuard(manifest: manifest, gguf: gguf, workers: 2)
        try watcher.fullCheck()
        #expect(
            HashList.compare(manifest, with: try HashList.parse(HashList.lines(of: manifest).joined(separator: "\n")))
                .isComplete)
    }
}
