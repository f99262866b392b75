import Foundation
import TestSupport
import Testing

/// Files that somebody cuts short while a program reads them: exit 1 and a sentence, never a signal.
@Suite struct CutFileTests {
    let program = Program()

    /// A base of one F32 tensor whose zeros take no room on the disk, and long to read.
    private func sparseBase(_ name: String, gigabytes: Int) throws {
        var bytes = Array("GGUF".utf8)
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) } }
        func append(_ text: String) {
            append(UInt64(text.utf8.count))
            bytes += Array(text.utf8)
        }
        append(UInt32(3))
        append(UInt64(1))
        append(UInt64(1))
        append("general.architecture")
        append(UInt32(8))
        append("qwen2")
        append("blk.0.attn_norm.weight")
        append(UInt32(1))
        append(UInt64(gigabytes) << 28)
        append(UInt32(0))
        append(UInt64(0))
        while bytes.count % 32 != 0 { bytes.append(0) }
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path(name)))
        try #require(truncate(program.folder.path(name), off_t(bytes.count) + off_t(gigabytes) << 30) == 0)
    }

    /// Runs a command and cuts a file to its first MiB shortly after it began.
    private func cutting(_ file: String, _ words: [String], of name: String) throws -> Program.Outcome {
        let path = program.folder.path(file)
        let began = Date()
        return try program.run(
            words,
            watch: { _ in
                guard Date().timeIntervalSince(began) > 0.5 else { return false }
                truncate(path, 1 << 20)
                return true
            }, of: name, under: ["/usr/bin/timeout", "--kill-after=1", "120"])
    }

    @Test(arguments: ["polymath", "polymath-verify"])
    func `a base that is cut while it is hashed is told, and no seal is written`(name: String) throws {
        try sparseBase("big.gguf", gigabytes: 4)
        let outcome = try cutting("big.gguf", ["audit", "seal", "big.gguf", "--out", "seal.json"], of: name)
        #expect(outcome.status == 1, "\(outcome.error)")
        #expect(outcome.output.isEmpty && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
        #expect(outcome.error.contains("big.gguf"), "\(outcome.error)")
        #expect(!program.holds("seal.json"))
    }

    @Test(arguments: ["polymath", "polymath-verify"], ["one.gguf", "other.gguf"])
    func `of two bases that are compared either may be cut`(name: String, file: String) throws {
        for base in ["one.gguf", "other.gguf"] { try sparseBase(base, gigabytes: 4) }
        let outcome = try cutting(file, ["audit", "seal", "one.gguf", "--compare", "other.gguf", "--json"], of: name)
        #expect(outcome.status == 1, "\(outcome.output)")
        // What was compared with zeros is no verdict.
        #expect(outcome.objects.count == 1, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains(file) == true, "\(outcome.output)")
    }
}
