import Bytes
import Foundation
import TestSupport
import Tokenizer

/// Vocabularies that several tests use.
enum TestVocabularies {
    /// The reference models' 512 tokens and the small base's 8,192, both in the repository.
    static let reference = Result { try tokenizer(path: Repository.reference("qwen2-tied-f32.gguf")) }
    static let nano = Result { try tokenizer(path: Repository.checkpoint("nano-q4_k_m.gguf")) }

    /// The folder of the real Qwen2 vocabulary and its expected ids, or nil when it is not on this machine.
    static let qwen2Folder: String? = {
        var folder = Repository.root + "/../shared/tokenizer"
        if let path = ProcessInfo.processInfo.environment["POLYMATH_QWEN2_VOCAB"] {
            folder = path.hasSuffix(".gguf") ? (path as NSString).deletingLastPathComponent : path
        }
        return FileManager.default.fileExists(atPath: folder + "/qwen2-vocab.gguf") ? folder : nil
    }()

    static let qwen2 = Result { try tokenizer(path: (qwen2Folder ?? "") + "/qwen2-vocab.gguf") }

    static func tokenizer(path: String) throws -> Tokenizer {
        try Tokenizer(vocabulary: vocabulary(path: path))
    }

    /// The 256 bytes in GPT-2's spelling, in the order of their characters, as ids 0 to 255.
    static let byteSpellings: [[UInt8]] = {
        let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
        let characters = printable + (0..<68).map { 0x100 + $0 }
        return characters.map { value in Array(String(UnicodeScalar(UInt32(value))!).utf8) }
    }()

    /// Bytes, `merged` (pairs of strings in the stored spelling), and three control tokens.
    static func small(_ merged: [(String, String)] = []) -> TokenizerVocabulary {
        let controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        let tokens = byteSpellings + merged.map { Array(($0.0 + $0.1).utf8) } + controls.map { Array($0.utf8) }
        let types = [Int32](repeating: 1, count: tokens.count - 3) + [3, 3, 3]
        return TokenizerVocabulary(
            model: "gpt2", pre: "qwen2", tokens: ByteStrings(tokens), types: types,
            merges: ByteStrings(merged.map { Array("\($0.0) \($0.1)".utf8) }), eosToken: Int32(tokens.count - 3))
    }
}
