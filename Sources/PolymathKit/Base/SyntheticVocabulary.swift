import GGUF

/// The tokenizer records of a synthetic base.
enum SyntheticVocabulary {
    /// All `tokenizer.*` records of another GGUF file, as stored there.
    ///
    /// - Parameter count: tokens the shape has; the file must have as many.
    static func records(from path: String, count: Int) throws -> [GGUFRecord] {
        let file: GGUFFile
        do {
            file = try GGUFFile(path: path)
        } catch let error as GGUFError {
            throw BaseError.badVocabulary(path: path, reason: "\(error)")
        }
        guard case .array(let tokens)? = file["tokenizer.ggml.tokens"], tokens.elementType == .string else {
            throw BaseError.badVocabulary(path: path, reason: "it has no 'tokenizer.ggml.tokens'")
        }
        guard tokens.count == count else {
            throw BaseError.badVocabulary(
                path: path, reason: "it has \(tokens.count) tokens where this shape needs \(count)")
        }
        return file.records.filter { $0.key.hasPrefix("tokenizer.") }
    }

    /// A vocabulary that spells every text byte by byte: 256 byte tokens, three control tokens, unused fillers.
    static func ofBytes(count: Int) -> [(String, GGUFValue)] {
        let endOfText = 256
        let control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        let fillers = (endOfText + control.count..<count).map { "<|unused_\($0)|>" }
        let tokens = byteAlphabet.map { Array(String($0).utf8) } + (control + fillers).map { Array($0.utf8) }
        // 1 normal, 3 control, 5 unused.
        let types = tokens.indices.map { Int32($0 < 256 ? 1 : $0 < 256 + control.count ? 3 : 5) }
        return [
            ("tokenizer.ggml.model", .string("gpt2")),
            ("tokenizer.ggml.pre", .string("qwen2")),
            ("tokenizer.ggml.tokens", .array(GGUFArray(strings: tokens))),
            ("tokenizer.ggml.token_type", .array(GGUFArray(int32: types))),
            ("tokenizer.ggml.merges", .array(GGUFArray(strings: []))),
            ("tokenizer.ggml.bos_token_id", .uint32(UInt32(endOfText))),
            ("tokenizer.ggml.eos_token_id", .uint32(UInt32(endOfText + 2))),
            ("tokenizer.ggml.padding_token_id", .uint32(UInt32(endOfText))),
            ("tokenizer.ggml.add_bos_token", .bool(false)),
        ]
    }

    /// The printable stand-ins of byte-level BPE, in the order of GPT-2's vocabulary: printable Latin-1 first.
    private static var byteAlphabet: [Unicode.Scalar] {
        let printable = Array(33...126) + Array(161...172) + Array(174...255) as [UInt8]
        let shifted = (0..<(256 - printable.count)).compactMap { Unicode.Scalar(256 + UInt32($0)) }
        return printable.map { Unicode.Scalar($0) } + shifted
    }
}
