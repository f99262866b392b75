import Bytes
import Digest
import Foundation
import Seal
import TestSupport
import Testing

/// A file with records and tensors at known places, and the seal's view of it.
struct SampleFile {
    let folder = TemporaryFolder()
    let path: String
    let source: SealSource
    /// Which byte ranges the seal covers.
    let sealed: [Range<Int>]

    /// - Parameter tensors: names and byte counts in file order; tensors start at multiples of 32.
    init(
        tensors: [(name: String, byteCount: Int)], records: [(key: String, value: [UInt8])] = Self.records,
        seed: UInt64 = 1
    ) throws {
        path = folder.path("sample.bin")
        var random = CounterRandom(seed: seed, purpose: "sample")
        var bytes: [UInt8] = Array("head".utf8)
        var places: [(String, Range<Int>)] = []
        for (key, value) in records {
            let start = bytes.count
            bytes += Array(key.utf8) + value
            places.append((key, start..<bytes.count))
        }
        var ranges: [(String, Range<Int>)] = []
        for (name, count) in tensors {
            bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
            let start = bytes.count
            bytes.reserveCapacity(start + count)
            for _ in 0..<count { bytes.append(UInt8(truncatingIfNeeded: random.nextUInt64())) }
            ranges.append((name, start..<bytes.count))
        }
        bytes += [UInt8](repeating: 0, count: 7)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = try MappedFile(path: path)
        func region(_ range: Range<Int>) throws -> ByteRegion {
            try file.region.subregion(offset: range.lowerBound, byteCount: range.count)
        }
        source = SealSource(
            path: path, identity: file.identity, fileByteCount: file.byteCount, architecture: "qwen2",
            records: try places.map { SealSource.Record(key: $0.0, bytes: try region($0.1)) },
            tensors: try ranges.map { name, range in
                SealSource.Tensor(
                    name: name, type: 24, typeName: "I8", dimensions: [UInt64(range.count)],
                    offset: range.lowerBound, bytes: try region(range))
            })
        sealed = ranges.map(\.1) + places.filter { $0.0.hasPrefix("qwen2.") || $0.0.hasPrefix("tokenizer.") }.map(\.1)
    }

    static let records: [(key: String, value: [UInt8])] = [
        ("general.name", [1, 2, 3]), ("qwen2.block_count", [4, 0, 0, 0]), ("tokenizer.ggml.model", [5, 6]),
        ("qwen2x.other", [9]),
    ]

    /// Changes one byte on disk, as another process would.
    func flip(at offset: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([byte ^ 1]))
    }

    func watcher(workers: Int = 2, promisedBound: Int = SealGuard.coverageSteps) throws -> SealGuard {
        try SealGuard(
            manifest: SealManifest.compute(source, workers: workers), source: source, workers: workers,
            promisedBound: promisedBound)
    }
}
