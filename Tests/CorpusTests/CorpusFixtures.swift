import Corpus
import Digest
import Foundation
import TestSupport
import Tokenizer

/// Byte tokens 0 to 255 in the order of their values, then end-of-text 256, `<|im_start|>` 257 and `<|im_end|>` 258.
enum Bytewise {
    static let end: Int32 = 256
    static let imStart: Int32 = 257
    static let imEnd: Int32 = 258

    static let tokenizer = Result { try Tokenizer(vocabulary: vocabulary) }

    static let vocabulary: TokenizerVocabulary = {
        var next: UInt32 = 0x100
        let bytes = (0..<256).map { (byte: UInt32) -> [UInt8] in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Array(String(UnicodeScalar(byte)!).utf8)
            default:
                next += 1
                return Array(String(UnicodeScalar(next - 1)!).utf8)
            }
        }
        let controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map { Array($0.utf8) }
        return TokenizerVocabulary(
            model: "gpt2", pre: "qwen2", tokens: ByteStrings(bytes + controls),
            types: [Int32](repeating: 1, count: 256) + [3, 3, 3], merges: [], eosToken: end)
    }()

    static func ids(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }
}

extension TemporaryFolder {
    /// Writes a file, making the folders on its way, and gives its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return path(name)
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// Writes a `corpus.json` for files that are already there.
    func writeRecord(of names: [String], change: (inout CorpusRecord) -> Void = { _ in }) throws {
        var record = CorpusRecord(
            name: "Test", licence: "CC0-1.0", languages: ["en"], description: "A test.", author: "Nobody", files: [:])
        for name in names {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
            record.files[name] = CorpusRecord.File(digest: SHA256Digest.of(bytes), byteCount: bytes.count)
        }
        change(&record)
        try write("corpus.json", record.json.prettyBytes)
    }
}
