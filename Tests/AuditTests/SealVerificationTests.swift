import Audit
import Digest
import Foundation
import Seal
import TestSupport
import Testing

@Suite struct `A record of a seal` {
    /// Tensors in no order; digests are those of their names.
    private func manifest(_ count: Int, metadata: String = "metadata") -> SealManifest {
        let tensors = ["b", "a", "\u{e9}", "B", "a.9", "a.10"].prefix(count).enumerated().map { index, name in
            SealedTensor(
                name: name, type: UInt32(index), typeName: "F32", dimensions: [UInt64(index) + 1, 2],
                offset: 64 * index, byteCount: 8, digest: SHA256Digest.of(Array(name.utf8)), chunkDigests: [])
        }
        return SealManifest(
            metadataDigest: SHA256Digest.of(Array(metadata.utf8)), tensors: tensors, fileName: "base.gguf",
            fileByteCount: 1024)
    }

    // Trees of 1, 2, 3 and 7 leaves; by `python3 Integrations/interop/seal.py --vectors`, which shares no code with us.
    @Test(arguments: [
        (0, "44db22bf0019f0214e1fce9954a908d6088973bb5b49cb611c4a5c2e1079a311"),
        (1, "0b00f2a2b282ddec07dff833dd93a5493683eb95cedb0905e786c3991d305f5f"),
        (2, "56b8d6c14168684e21bbc0df1295b6190f0923e83498848e83814cb04cd6e7fb"),
        (6, "0caa1a741f777a756312d6b24011d376cceb9d8a9f97f7ca775565d4f46845d1"),
    ])
    func `has the root that another implementation computes`(tensors: Int, root: String) {
        #expect(manifest(tensors).root.hex == root)
    }

    private func failures(_ record: [UInt8], _ found: SealManifest) throws -> [String] {
        try SealVerification(record).judge(found).checks.filter { $0.result == .failed }.map(\.name)
    }

    @Test func `is a list or a manifest, and passes for the base that it is of`() throws {
        let base = manifest(6)
        let list = Array((["# a remark", ""] + HashList.lines(of: base)).joined(separator: "\n").utf8)
        #expect(try failures(list, base) == [])
        #expect(try SealVerification(list).judge(base).isPassed)
        #expect(try failures(base.json.canonicalBytes, base) == [])
        #expect(try SealVerification(base.json.canonicalBytes).judge(base).isPassed)
        // A list knows no metadata; a manifest does.
        let retold = manifest(6, metadata: "another")
        #expect(try failures(list, retold) == [])
        #expect(try failures(base.json.canonicalBytes, retold) == ["root"])
    }

    @Test func `names tensors that differ, are missing, or are not listed`() throws {
        let base = manifest(6)
        let lines = HashList.lines(of: base)
        func list(_ lines: [String]) -> [UInt8] { Array(lines.joined(separator: "\n").utf8) }
        #expect(try failures(list(Array(lines.dropFirst())), base) == ["tensors-unlisted"])
        #expect(try failures(list(lines), manifest(5)) == ["tensors-missing"])
        let wrong = lines[0].replacingOccurrences(
            of: SHA256Digest.of(Array("b".utf8)).hex, with: String(repeating: "0", count: 64))
        #expect(wrong != lines[0])
        #expect(try failures(list([wrong] + lines.dropFirst()), base) == ["tensors-different"])
        #expect(try failures(manifest(5).json.canonicalBytes, base) == ["tensors-unlisted", "root"])
    }

    @Test(arguments: ["", "sha1      00  base.gguf:b", "sha256    00  base.gguf:b", "{}", "{", "base.gguf"])
    func `that is neither is refused`(text: String) {
        #expect(throws: (any Error).self) { try SealVerification(Array(text.utf8)) }
    }
}
