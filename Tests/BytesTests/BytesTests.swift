import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct BytesTests {
    @Test func `a region gives no byte outside itself`() throws {
        let region = ByteRegion([1, 2, 3, 4])
        #expect(try region.subregion(offset: 1, byteCount: 2).array == [2, 3])
        #expect(throws: BytesError.outOfBounds(offset: 3, count: 2, available: 1)) {
            try region.subregion(offset: 3, byteCount: 2)
        }
        #expect(throws: BytesError.self) { try region.subregion(offset: Int.max, byteCount: Int.max) }
    }

    @Test func `a cursor reads little-endian values and stops at the end`() throws {
        var cursor = ByteCursor(ByteRegion([1, 2, 0, 0, 0, 9]))
        #expect(try cursor.readUInt8() == 1)
        #expect(try cursor.readUInt32() == 2)
        #expect(throws: BytesError.outOfBounds(offset: 5, count: 2, available: 1)) { try cursor.readUInt16() }
        #expect(try cursor.readUInt8() == 9)
    }

    @Test func `an atomic write that fails leaves the old file and no other`() throws {
        struct Stop: Error {}
        let folder = TemporaryFolder()
        try AtomicFile.write([1, 2], to: folder.path("a"))
        #expect(throws: Stop.self) {
            try AtomicFile.write(to: folder.path("a")) { sink in
                try sink.write([3])
                throw Stop()
            }
        }
        #expect(try WholeFile.read(folder.path("a")) == [1, 2])
        #expect(folder.names == ["a"])
    }

    @Test func `a missing file, a folder and an empty file are told apart`() throws {
        let folder = TemporaryFolder()
        try AtomicFile.write([], to: folder.path("empty"))
        #expect(try MappedFile(path: folder.path("empty")).region.array == [])
        #expect(throws: BytesError.notFound(path: folder.path("no"))) { try MappedFile(path: folder.path("no")) }
        #expect(throws: BytesError.notARegularFile(path: folder.path)) { try MappedFile(path: folder.path) }
    }

    @Test func `an append file grows, and can be cut`() throws {
        let folder = TemporaryFolder()
        let log = try AppendFile(path: folder.path("log"))
        try log.append([1, 2, 3])
        try log.append([4])
        try log.truncate(to: 2)
        try AppendFile(path: folder.path("log")).append([5])
        #expect(try WholeFile.read(folder.path("log")) == [1, 2, 5])
    }

    @Test func `nothing is written in the place of a pipe, or of a link to one`() throws {
        let folder = TemporaryFolder()
        let pipe = folder.path("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: pipe)
        for path in [pipe, folder.path("link")] {
            #expect(throws: BytesError.notARegularFile(path: path)) { try AtomicFile.write([1], to: path) }
            #expect(PathKind.at(path) == .other)
        }
        #expect(throws: BytesError.notARegularFile(path: pipe)) { try WholeFile.readToEnd(pipe, limit: 9) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
    }

    @Test func `a file is read as a stream up to where it ended, and one without a known size to its end`() throws {
        let folder = TemporaryFolder()
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
        let path = folder.path("long")
        try AtomicFile.write(bytes, to: path)
        let file = try FileStream(path: path)
        var read: [UInt8] = []
        while true {
            let piece = try file.next()
            if piece.isEmpty { break }
            if read.isEmpty { try AppendFile(path: path).append([1, 2, 3]) }
            read += piece
        }
        #expect(read == bytes && file.byteCount == bytes.count)
        #expect(try WholeFile.readToEnd(path, limit: 200_003).count == 200_003)
        #expect(throws: BytesError.self) { try WholeFile.readToEnd(path, limit: 100) }
        if FileManager.default.fileExists(atPath: "/proc/self/status") {
            #expect(try !WholeFile.readToEnd("/proc/self/status", limit: 1 << 16).isEmpty)
        }
    }

    @Test func `an append file takes nothing once its path leads elsewhere`() throws {
        let folder = TemporaryFolder()
        let log = try AppendFile(path: folder.path("log"))
        try log.append([1])
        try FileManager.default.moveItem(atPath: folder.path("log"), toPath: folder.path("old"))
        #expect(throws: BytesError.moved(path: folder.path("log"))) { try log.append([2]) }
        try AtomicFile.write([], to: folder.path("log"))
        #expect(throws: BytesError.moved(path: folder.path("log"))) { try log.append([2]) }
        #expect(try WholeFile.read(folder.path("old")) == [1])
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
    func `a full disk is told with what is needed and what is free, and nothing is left`() throws {
        let folder = TemporaryFolder()
        let disk = try SmallDisk(kilobytes: 16, at: folder.path("disk"))
        let log = try AppendFile(path: disk.path + "/log")
        try log.append([UInt8](repeating: 1, count: 4096))
        let full = BytesError.noSpace(path: disk.path + "/a", needed: 20_000, free: 12_288)
        #expect(throws: full) { try AtomicFile.write([UInt8](repeating: 2, count: 20_000), to: disk.path + "/a") }
        #expect(throws: BytesError.noSpace(path: disk.path + "/log", needed: 20_000, free: 12_288)) {
            try log.append([UInt8](repeating: 3, count: 20_000))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["log"])
        #expect(try WholeFile.read(disk.path + "/log").count == 4096)
        #expect(full.description.hasSuffix("/a': at least 20000 bytes are needed and 12288 are free"))
    }

    @Test func `foreign text cannot steer a terminal`() {
        #expect(escaped("a\u{1B}[2J\n\u{202E}b") == "a\\u{1b}[2J\\u{a}\\u{202e}b")
        #expect(escaped("abcdef", limit: 3) == "abc…")
    }
}
