/// The stored tables of a tokenizer, as they stand in a model file's `tokenizer.ggml.*` records.
///
/// It is plain data: nothing is checked until `Tokenizer.init(vocabulary:)` reads it.
public struct TokenizerVocabulary: Equatable, Sendable {
    /// The tokenizer family, `tokenizer.ggml.model`; only `gpt2` (byte-level BPE) is understood.
    public var model: String
    /// The split pattern's name, `tokenizer.ggml.pre`; only `qwen2` is understood.
    public var pre: String
    /// Each token as stored: ordinary tokens in GPT-2's byte-to-character spelling, the others as literal UTF-8.
    public var tokens: ByteStrings
    /// Each token's kind, as long as `tokens`; see `TokenKind`. Empty means that every token is ordinary.
    public var types: [Int32]
    /// Merge rules in order of rank, each two stored tokens with one space between them.
    public var merges: ByteStrings
    /// The token that ends a document, `tokenizer.ggml.eos_token_id`.
    public var eosToken: Int32?
    /// The token that begins a document, `tokenizer.ggml.bos_token_id`; known, never inserted by itself.
    public var bosToken: Int32?

    public init(
        model: String, pre: String, tokens: ByteStrings, types: [Int32], merges: ByteStrings, eosToken: Int32? = nil,
        bosToken: Int32? = nil
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.types = types
        self.merges = merges
        self.eosToken = eosToken
        self.bosToken = bosToken
    }
}

/// The kinds of token that `tokenizer.ggml.token_type` distinguishes.
public enum TokenKind: Int32, Sendable {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
}
