import Bytes
import Tokenizer

extension TestVocabularies {
    /// The vocabulary of a GGUF file, read with a bare cursor: no other room takes part in these tests.
    static func vocabulary(path: String) throws -> TokenizerVocabulary {
        var cursor = ByteCursor(try MappedFile(path: path).region)
        try cursor.skip(16)
        var vocabulary = TokenizerVocabulary(model: "", pre: "", tokens: [], types: [], merges: [])
        for _ in 0..<(try cursor.readUInt64()) {
            let key = String(decoding: try string(&cursor), as: UTF8.self)
            let type = try cursor.readUInt32()
            switch key {
            case "tokenizer.ggml.model": vocabulary.model = String(decoding: try string(&cursor), as: UTF8.self)
            case "tokenizer.ggml.pre": vocabulary.pre = String(decoding: try string(&cursor), as: UTF8.self)
            case "tokenizer.ggml.tokens": vocabulary.tokens = try array(&cursor, string)
            case "tokenizer.ggml.merges": vocabulary.merges = try array(&cursor, string)
            case "tokenizer.ggml.token_type": vocabulary.types = try array(&cursor) { try $0.readInt32() }
            case "tokenizer.ggml.eos_token_id": vocabulary.eosToken = try cursor.readInt32()
            default: try skip(type, &cursor)
            }
        }
        return vocabulary
    }

    private static func string(_ cursor: inout ByteCursor) throws -> [UInt8] {
        let count = try cursor.readUInt64()
        return try cursor.readBytes(Int(count))
    }

    private static func array<Element>(
        _ cursor: inout ByteCursor, _ element: (inout ByteCursor) throws -> Element
    ) throws -> [Element] {
        try cursor.skip(4)
        let count = try cursor.readUInt64()
        return try (0..<count).map { _ in try element(&cursor) }
    }

    private static func skip(_ type: UInt32, _ cursor: inout ByteCursor) throws {
        switch type {
        case 0, 1, 7: try cursor.skip(1)
        case 2, 3: try cursor.skip(2)
        case 4, 5, 6: try cursor.skip(4)
        case 8: _ = try string(&cursor)
        case 9:
            let element = try cursor.readUInt32()
            for _ in 0..<(try cursor.readUInt64()) { try skip(element, &cursor) }
        default: try cursor.skip(8)
        }
    }
}
