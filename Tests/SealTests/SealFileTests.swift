import Bytes
import Digest
import Foundation
import Seal
import TestSupport
import Testing

/// `seal.json` as someone would edit it, and the hash list of another file.
@Suite struct SealFileTests {
    private func sample() throws -> SampleFile {
        try SampleFile(tensors: [("b.weight", 100), ("a.weight", 64), ("big", 2_500_000)])
    }

    /// Changes one member of the second tensor's entry.
    private func changed(_ manifest: SealManifest, _ name: String, to value: JSONValue?) throws -> JSONValue {
        var json = manifest.json
        var tensors = try #require(json["tensors"]?.asArray)
        tensors[1][name] = value
        json["tensors"] = .array(tensors)
        return json
    }

    @Test func `an edited digest, name, type, shape or root gives another root and is refused`() throws {
        let manifest = SealManifest.compute(try sample().source, workers: 1)
        #expect(manifest.tensors.map(\.name) == ["a.weight", "b.weight", "big"])
        let other = SHA256Digest.of([1]).hex
        for (name, value) in [
            ("sha256", .string(other)), ("name", "b.weighs"), ("ggmlType", 25), ("dimensions", [50, 2]),
        ] as [(String, JSONValue)] {
            let edited = try changed(manifest, name, to: value)
            let error = try #require(throws: SealError.self, "\(name)") { try SealManifest(json: edited) }
            guard case .rootMismatch(manifest.root.hex, let computed) = error, computed != manifest.root.hex else {
                throw error
            }
        }
        for name in ["root", "metadata"] {
            var edited = manifest.json
            edited[name] = .string(other)
            let error = try #require(throws: SealError.self) { try SealManifest(json: edited) }
            guard case .rootMismatch = error else { throw error }
        }
    }

    @Test func `an entry that is dropped, doubled, renamed out of order or moved is refused`() throws {
        let sample = try sample()
        let manifest = SealManifest.compute(sample.source, workers: 1)
        let entries = try #require(manifest.json["tensors"]?.asArray)
        for edited in [Array(entries.dropLast()), entries + [entries[2]], entries.reversed(), []] {
            var json = manifest.json
            json["tensors"] = .array(edited)
            #expect(throws: SealError.self) { try SealManifest(json: json) }
        }
        #expect(throws: SealError.self) { try SealManifest(json: self.changed(manifest, "name", to: "c.weight2")) }
        // The root does not know where a tensor lies; the guard does.
        for (name, value) in [("offset", 32), ("bytes", 99)] as [(String, JSONValue)] {
            let moved = try SealManifest(json: changed(manifest, name, to: value))
            let error = try #require(throws: SealError.self) {
                try SealGuard(manifest: moved, source: sample.source, workers: 1)
            }
            guard case .otherFile("tensor b.weight", _, _) = error else { throw error }
        }
    }

    @Test(
        arguments: [
            ("name", nil), ("name", 7), ("type", nil), ("ggmlType", -1), ("ggmlType", 5_000_000_000),
            ("dimensions", "100"), ("dimensions", [1, 1, 1, 1, 100]), ("offset", -32), ("bytes", 9_000_000_000),
            ("sha256", "beef"), ("sha256", nil), ("chunks", []),
        ] as [(String, JSONValue?)])
    func `a member that is missing or of another kind is named`(name: String, value: JSONValue?) throws {
        let manifest = SealManifest.compute(try sample().source, workers: 1)
        let edited = try changed(manifest, name, to: value)
        let error = try #require(throws: SealError.self) { try SealManifest(json: edited) }
        guard case .malformed(let member, _) = error else { throw error }
        #expect(member.hasPrefix("tensors[1]."))
    }

    @Test(arguments: ["format", "chunkBytes", "root", "metadata", "file", "tensors"])
    func `a seal without one of its members is refused`(name: String) throws {
        var json = SealManifest.compute(try sample().source, workers: 1).json
        json[name] = nil
        #expect(throws: SealError.self) { try SealManifest(json: json) }
        json[name] = "x"
        #expect(throws: SealError.self) { try SealManifest(json: json) }
    }

    // Chunk digests only locate damage, so the root does not cover them: a wrong one stops a run, it hides nothing.
    @Test func `an edited chunk digest is found by the rolling check, and hides no damage from the full one`() throws {
        let sample = try sample()
        let manifest = SealManifest.compute(sample.source, workers: 1)
        var json = manifest.json
        var tensors = try #require(json["tensors"]?.asArray)
        let chunks = try #require(tensors[2]["chunks"]?.asArray)
        tensors[2]["chunks"] = .array([.string(SHA256Digest.of([1]).hex)] + chunks.dropFirst())
        json["tensors"] = .array(tensors)
        let watcher = try SealGuard(manifest: SealManifest(json: json), source: sample.source, workers: 1)
        #expect(throws: SealViolation.self) {
            for _ in 0..<SealGuard.coverageSteps { try watcher.rollingCheck() }
        }
        try watcher.fullCheck()
        try sample.flip(at: try #require(manifest.tensor(named: "big")).offset + 7)
        #expect(throws: SealViolation.self) { try watcher.fullCheck() }
    }

    @Test func `without chunk digests the seal proves as much`() throws {
        let manifest = SealManifest.compute(try sample().source, workers: 1)
        let read = try SealManifest(json: manifest.json(withChunks: false))
        #expect(read.root == manifest.root)
        #expect(read.tensor(named: "big")?.chunkDigests == [])
        #expect(read.tensor(named: "a.weight")?.chunkDigests.count == 1)
    }
}

@Suite struct HashListTests {
    private func manifest() throws -> SealManifest {
        SealManifest.compute(
            try SampleFile(tensors: [("b.weight", 100), ("a.weight", 64), ("c.weight", 7)]).source, workers: 1)
    }

    @Test func `a list is in the file's order and reads back`() throws {
        let manifest = try manifest()
        let lines = HashList.lines(of: manifest, fileName: "base.gguf")
        #expect(lines.map { $0.split(separator: ":").last } == ["b.weight", "a.weight", "c.weight"])
        let digest = try #require(manifest.tensor(named: "b.weight")).digest
        #expect(lines[0] == "sha256    \(digest.hex)  base.gguf:b.weight")
        let read = try HashList.parse(lines.joined(separator: "\n") + "\n")
        let comparison = HashList.compare(manifest, with: read)
        #expect(comparison.matching == 3 && comparison.isComplete)
    }

    @Test func `what differs, what is missing and what is not listed are told apart`() throws {
        let manifest = try manifest()
        var lines = try HashList.parse(HashList.lines(of: manifest).joined(separator: "\n"))
        lines[0] = .init(fileName: "x", tensor: "b.weight", digest: SHA256Digest.of([9]))
        lines[1] = .init(fileName: "x", tensor: "z.weight", digest: lines[1].digest)
        let comparison = HashList.compare(manifest, with: lines)
        #expect(comparison.different == ["b.weight"])
        #expect(comparison.missing == ["z.weight"])
        #expect(comparison.unlisted == ["a.weight"])
        #expect(comparison.matching == 1 && !comparison.isComplete)
        #expect(!HashList.compare(manifest, with: []).isComplete)
        #expect(!HashList.compare(manifest, with: [lines[2]]).isComplete)
    }

    @Test func `comments, other digests and the whole file's line are passed over`() throws {
        let hex = SHA256Digest.of([1]).hex
        let lines = try HashList.parse(
            "# made by hand\n\nxxh64     0123456789abcdef  f.gguf:t\nsha1      00  f.gguf:t\n"
                + "sha256    \(hex)  a:b.gguf:t\r\nsha256    \(hex)  f.gguf\n")
        #expect(lines.map(\.tensor) == ["t", nil])
        #expect(lines[0] == HashList.Line(fileName: "a:b.gguf", tensor: "t", digest: SHA256Digest.of([1])))
        #expect(HashList.compare(try manifest(), with: [lines[1]]).missing == [])
    }

    @Test(arguments: [
        "sha256    beef  f.gguf:t", "sha256", "md5       00  f.gguf:t",
        "sha256    \(String(repeating: "0", count: 64)) f.gguf:t",
        "sha256    \(String(repeating: "0", count: 64))  ",
    ])
    func `a line that is none is refused with its number`(line: String) throws {
        let error = try #require(throws: SealError.self) { try HashList.parse("# one\n" + line) }
        guard case .malformed("line 2", _) = error else { throw error }
    }
}

/// The bound that the rolling check states, where a step is too short to pay for a 64th.
@Suite struct RollingBoundTests {
    // Slices stay below 64 KiB, so that the assumed speed of hashing, and with it the bound, is never measured anew.
    @Test(
        arguments: [
            (0, 9_000, 40), (1e-7, 9_000, 40), (2e-6, 30_000, 300), (1e-4, 200_000, 5_000), (1, 200_000, 5_000),
            (.infinity, 200_000, 5_000), (.nan, 200_000, 5_000), (-1, 200_000, 5_000),
        ] as [(Double, Int, Int)])
    func `whatever a step takes, every byte is looked at within the bound that is stated`(
        seconds: Double, total: Int, piece: Int
    ) throws {
        let sample = try SampleFile(tensors: (0..<total / piece).map { ("t\($0)", piece) })
        var random = CounterRandom(seed: UInt64(total), purpose: "damage")
        for warmUp in [0, 1, 97] {
            let watcher = try sample.watcher(workers: 1, promisedBound: 1_000_000)
            for _ in 0..<warmUp { try watcher.rollingCheck(stepSeconds: seconds) }
            let range = sample.sealed[random.nextInt(below: sample.sealed.count)]
            let offset = range.lowerBound + random.nextInt(below: range.count)
            try sample.flip(at: offset)
            defer { try? sample.flip(at: offset) }
            var calls = 0
            var found: SealViolation?
            repeat {
                calls += 1
                do { try watcher.rollingCheck(stepSeconds: seconds) } catch { found = error }
            } while found == nil && calls < watcher.coverageBound
            let violation = try #require(found, "byte \(offset) within \(watcher.coverageBound) steps")
            #expect((violation.fileOffset..<violation.fileOffset + violation.byteCount).contains(offset))
        }
    }

    @Test func `the bound is 64 where steps pay for it, what 1 % of the step pays where not, and the promise at most`()
        throws
    {
        let sample = try SampleFile(tensors: (0..<100).map { ("t\($0)", 1_000) })
        let watcher = try sample.watcher(workers: 1, promisedBound: 1_000_000)
        #expect(watcher.coverageBound == 1_000_000)
        try watcher.rollingCheck(stepSeconds: 10)
        #expect(watcher.coverageBound <= 64)
        // 1 % of 40 µs at the assumed 5e8 bytes a second: 200 bytes.
        try watcher.rollingCheck(stepSeconds: 4e-5)
        #expect(watcher.coverageBound == (watcher.sealedByteCount + 199) / 200)
        let promising = try sample.watcher(workers: 1, promisedBound: 100)
        for _ in 0..<300 {
            try promising.rollingCheck(stepSeconds: 0)
            #expect(promising.coverageBound <= 100)
        }
        #expect(promising.lastCompleteCheck != nil)
    }

    @Test func `64 steps are promised to steps of usual length, more to shorter ones`() {
        // 1.5 billion weights in 1.1 GB, 128 tokens forward and back; then a single token of it.
        #expect(SealGuard.bound(sealedBytes: 1_117_000_000, operationsPerStep: 7.9e11) == 64)
        #expect(SealGuard.bound(sealedBytes: 1_117_000_000, operationsPerStep: 6e9) == 6_206)
        #expect(SealGuard.bound(sealedBytes: 1_000, operationsPerStep: 0) > 1_000_000)
    }

    @Test func `what was made from sealed bytes is covered by full and rolling checks`() throws {
        final class Box { var bytes: [UInt8] = Array(0..<200) }
        let sample = try SampleFile(tensors: [("a", 5_000), ("b", 70_000)])
        for isFull in [true, false] {
            let box = Box()
            let watcher = try sample.watcher()
            let sealed = watcher.sealedByteCount
            try watcher.cover(DerivedBuffer(name: "a", byteCount: 200) { SHA256Digest.of(box.bytes) })
            #expect(watcher.sealedByteCount == sealed && watcher.bufferByteCount == 200)
            try watcher.fullCheck()
            for _ in 0..<65 { try watcher.rollingCheck() }
            box.bytes[7] ^= 1
            let found = try #require(
                #expect(throws: SealViolation.self) {
                    if isFull { try watcher.fullCheck() } else { for _ in 0..<64 { try watcher.rollingCheck() } }
                })
            #expect(found.kind == .derived && found.tensor == "a" && found.byteCount == 200)
            #expect(found.actual == SHA256Digest.of(box.bytes).hex)
            // A digest taken earlier is held against the buffer as it is.
            let other = try sample.watcher()
            try other.cover(
                DerivedBuffer(name: "cache", byteCount: 200) { SHA256Digest.of(box.bytes) },
                expected: SHA256Digest.of(Array(0..<200)))
            #expect(throws: SealViolation.self) { try other.fullCheck() }
        }
        // What is made from a tensor that is no longer the sealed one is refused at once.
        let watcher = try sample.watcher()
        try sample.flip(at: try #require(watcher.manifest.tensor(named: "b")).offset + 9)
        #expect(throws: SealViolation.self) {
            try watcher.cover(DerivedBuffer(name: "b", byteCount: 1) { SHA256Digest.of([1]) })
        }
    }

    @Test func `a check's cost is processor time on every thread`() throws {
        let sample = try SampleFile(tensors: (0..<40).map { ("t\($0)", 600_000) })
        // One slice of many chunks, by one thread and by four: the same work costs about the same.
        var seconds: [Double] = []
        for workers in [1, 4] {
            let watcher = try sample.watcher(workers: workers)
            for _ in 0..<64 { try watcher.rollingCheck() }
            try watcher.fullCheck()
            #expect(watcher.rollingCPUSeconds > 0 && watcher.rollingCPUSeconds < watcher.cpuSeconds)
            seconds.append(watcher.cpuSeconds - watcher.rollingCPUSeconds)
        }
        #expect(seconds[1] > 0.75 * seconds[0], "\(seconds)")
    }

    @Test func `a whole pass of slices is a complete check, dated to its beginning`() throws {
        let sample = try SampleFile(tensors: (0..<100).map { ("t\($0)", 1_000) })
        let watcher = try sample.watcher(workers: 1)
        #expect(watcher.lastCompleteCheck == nil)
        var bytes = 0
        for _ in 0..<64 { bytes += try watcher.rollingCheck() }
        #expect(bytes >= watcher.sealedByteCount)
        #expect(watcher.lastCompleteCheck?.beganAtStep == 0)
        for _ in 0..<64 { try watcher.rollingCheck() }
        #expect((watcher.lastCompleteCheck?.beganAtStep ?? 0) > 0)
        #expect(watcher.rollingSteps == 128)
    }
}
