import Bytes
import TestSupport
import Testing

@Suite struct ScratchFileTests {
    private func read(_ file: ScratchFile, _ count: Int, at offset: Int) throws -> [Float] {
        var values = [Float](repeating: 0, count: count)
        var span = values.mutableSpan
        try file.read(into: &span, at: offset)
        return values
    }

    @Test func `what was written comes back, and no name is left in the folder`() throws {
        let folder = TemporaryFolder()
        let file = try ScratchFile(in: folder.path)
        #expect(folder.names.isEmpty)
        let values: [Float] = [1, -0.0, .infinity, Float(bitPattern: 7)]
        try file.write(values.span, at: 0)
        try file.write([9].span, at: 100)
        #expect(try read(file, 4, at: 0).map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try read(file, 1, at: 100) == [9] && read(file, 2, at: 8).map(\.bitPattern) == [0x7F80_0000, 7])
        #expect(throws: BytesError.self) { try read(file, 2, at: 100) }
        #expect((file.availableByteCount ?? 0) > 0)
    }

    @Test func `a folder that is not there is refused`() {
        #expect(throws: BytesError.self) { try ScratchFile(in: "/nowhere/at/all") }
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
    func `a full disk is told as such, and what was written before stays`() throws {
        let folder = TemporaryFolder()
        let disk = try SmallDisk(kilobytes: 16, at: folder.path("disk"))
        let file = try ScratchFile(in: disk.path)
        let values = (0..<2048).map(Float.init)
        try file.write(values.span, at: 0)
        #expect((file.availableByteCount ?? .max) < 16 << 10)
        let error = #expect(throws: BytesError.self) {
            try file.write([Float](repeating: 1, count: 4096).span, at: 8192)
        }
        guard case .noSpace = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try read(file, 2048, at: 0) == values)
    }
}
