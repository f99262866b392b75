import GGUF
import Testing
import Tokenizer

extension TestVocabularies {
    /// The vocabulary of a GGUF file.
    static func vocabulary(path: String) throws -> TokenizerVocabulary {
        let file = try GGUFFile(path: path)
        func array(_ key: String) throws -> GGUFArray { try #require(file[key]?.asArray) }
        return TokenizerVocabulary(
            model: try #require(file["tokenizer.ggml.model"]?.asString),
            pre: try #require(file["tokenizer.ggml.pre"]?.asString),
            tokens: ByteStrings(try array("tokenizer.ggml.tokens").strings()),
            types: try array("tokenizer.ggml.token_type").integers().map { Int32($0) },
            merges: ByteStrings(try array("tokenizer.ggml.merges").strings()),
            eosToken: file["tokenizer.ggml.eos_token_id"]?.asInt.map { Int32($0) },
            bosToken: file["tokenizer.ggml.bos_token_id"]?.asInt.map { Int32($0) })
    }
}
