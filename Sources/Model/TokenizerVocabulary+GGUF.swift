public import GGUF
public import Tokenizer

extension TokenizerVocabulary {
    /// The vocabulary in a base's `tokenizer.ggml.*` metadata.
    ///
    /// - Throws: `ModelError.noTokenizer` when the base has none, `.badKey` for an entry of another type.
    public init(_ base: GGUFFile) throws(ModelError) {
        guard let model = base["tokenizer.ggml.model"]?.asString else { throw .noTokenizer }
        func array(_ key: String) throws(ModelError) -> GGUFArray {
            guard let stored = base["tokenizer.ggml.\(key)"] else { throw .missingKey("tokenizer.ggml.\(key)") }
            guard let array = stored.asArray else {
                throw .badKey(key: "tokenizer.ggml.\(key)", reason: "it is not an array")
            }
            return array
        }
        func read<T>(_ key: String, _ body: (GGUFArray) throws(GGUFError) -> T) throws(ModelError) -> T {
            let stored = try array(key)
            do {
                return try body(stored)
            } catch {
                throw .badKey(key: "tokenizer.ggml.\(key)", reason: "\(error)")
            }
        }
        let tokens = try read("tokens") { stored throws(GGUFError) in try stored.joinedStrings() }
        let types =
            base["tokenizer.ggml.token_type"] == nil
            ? [Int](repeating: 1, count: tokens.ends.count)
            : try read("token_type") { stored throws(GGUFError) in try stored.integers() }
        let merges = try read("merges") { stored throws(GGUFError) in try stored.joinedStrings() }
        func token(_ key: String) -> Int32? { base["tokenizer.ggml.\(key)"]?.asInt.flatMap { Int32(exactly: $0) } }
        self.init(
            model: model, pre: base["tokenizer.ggml.pre"]?.asString ?? "",
            tokens: ByteStrings(bytes: tokens.bytes, ends: tokens.ends), types: types.map { Int32(clamping: $0) },
            merges: ByteStrings(bytes: merges.bytes, ends: merges.ends), eosToken: token("eos_token_id"),
            bosToken: token("bos_token_id"))
    }
}
