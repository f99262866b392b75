import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct NamelessFileTests {
    @Test func `what was written is read back, and no name shows it`() throws {
        let folder = TemporaryFolder()
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let region = try NamelessFile.write(in: folder.path) { sink in
            try sink.write(Array(bytes[..<5]))
            try sink.write(Array(bytes[5...]))
        }
        #expect(region.array == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `nothing written is no bytes`() throws {
        let folder = TemporaryFolder()
        #expect(try NamelessFile.write(in: folder.path) { _ in }.byteCount == 0)
    }

    @Test func `what the writer throws leaves nothing behind`() throws {
        let folder = TemporaryFolder()
        #expect(throws: BytesError.noSpace(path: "a")) {
            try NamelessFile.write(in: folder.path) { _ in throw BytesError.noSpace(path: "a") }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `a folder that is not there is named`() {
        #expect(throws: BytesError.self) { try NamelessFile.write(in: "/no/such/folder") { _ in } }
    }
}
