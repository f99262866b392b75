/// A byte-level BPE tokenizer with Qwen2's split pattern and NFC, exactly as the base was trained with.
///
/// It knows no file and no template language: the model room fills a `TokenizerVocabulary` from a GGUF.
/// Text that looks like a control token is text, unless the caller asks for control tokens to be parsed.
public final class Tokenizer: Sendable {
    /// The number of token ids; ids run from 0 to this, exclusive.
    public let vocabularySize: Int
    /// The token that ends a document.
    public let eosToken: Int32?
    /// The token that would begin a document; never inserted by `encode`.
    public let bosToken: Int32?

    /// The bytes that each id stands for, one after the other; id i has `offsets[i]..<offsets[i + 1]`.
    private let tokenBytes: [UInt8]
    private let offsets: [Int]
    private let kinds: [TokenKind]
    private let merges: MergeTable
    private let controlTokens: [[UInt8]: Int32]
    /// Control tokens' bytes, the longest first, so that no shorter one hides a longer.
    private let controlSpellings: [(bytes: [UInt8], id: Int32)]

    /// Checks a stored vocabulary and builds the tables to encode with it.
    ///
    /// - Throws: `TokenizerError` naming the first thing that is wrong or not supported.
    public init(vocabulary: TokenizerVocabulary) throws(TokenizerError) {
        guard vocabulary.model == "gpt2" else { throw .unsupportedModel(vocabulary.model) }
        guard vocabulary.pre == "qwen2" else { throw .unsupportedSplitPattern(vocabulary.pre) }
        let tables = try VocabularyTables(vocabulary)
        vocabularySize = vocabulary.tokens.count
        for (name, id) in [("end-of-text", vocabulary.eosToken), ("beginning-of-text", vocabulary.bosToken)] {
            if let id, id < 0 || id >= vocabularySize {
                throw .specialTokenOutOfRange(name: name, id: id, vocabularySize: vocabularySize)
            }
        }
        eosToken = vocabulary.eosToken
        bosToken = vocabulary.bosToken
        tokenBytes = tables.bytes
        offsets = tables.offsets
        kinds = tables.kinds
        merges = tables.merges
        controlTokens = tables.controlTokens
        controlSpellings = tables.controlTokens.map { (bytes: $0.key, id: $0.value) }
            .sorted { ($1.bytes.count, $0.id) < ($0.bytes.count, $1.id) }
    }

    // MARK: Encoding

    /// The token ids of `text`, after NFC.
    ///
    /// - Parameter parsingControlTokens: whether `<|im_end|>` and its like, written out, become control tokens.
    /// - Complexity: O(n log n) in the bytes of the longest word, O(n) otherwise.
    public func encode(_ text: String, parsingControlTokens: Bool = false) -> [Int32] {
        encode(utf8: Array(text.utf8), parsingControlTokens: parsingControlTokens)
    }

    /// The token ids of UTF-8 text, after NFC; bytes that are not UTF-8 are read as U+FFFD.
    public func encode(utf8: [UInt8], parsingControlTokens: Bool = false) -> [Int32] {
        var tokens: [Int32] = []
        guard parsingControlTokens, !controlSpellings.isEmpty else {
            append(utf8[...], to: &tokens)
            return tokens
        }
        var start = 0
        var index = 0
        while index < utf8.count {
            if let control = controlToken(in: utf8, at: index) {
                append(utf8[start..<index], to: &tokens)
                tokens.append(control.id)
                index += control.bytes.count
                start = index
            } else {
                index += 1
            }
        }
        append(utf8[start...], to: &tokens)
        return tokens
    }

    private func controlToken(in utf8: [UInt8], at index: Int) -> (bytes: [UInt8], id: Int32)? {
        controlSpellings.first { control in
            utf8[index] == control.bytes[0] && utf8.count - index >= control.bytes.count
                && utf8[index..<index + control.bytes.count].elementsEqual(control.bytes)
        }
    }

    private func append(_ utf8: ArraySlice<UInt8>, to tokens: inout [Int32]) {
        var encoder = StreamingEncoder(self, stretches: TextStretches(longest: .max))
        // It refuses no stretch, however long.
        try? encoder.append(utf8, to: &tokens)
        encoder.finish(to: &tokens)
    }

    /// Normalizes, splits and merges one stretch of text.
    func append(_ utf8: [UInt8], to tokens: inout [Int32], using work: inout MergeTable.Workspace) {
        let normalized = Normalization.composed(utf8)
        var words = SplitPattern(normalized)
        while let word = words.next() {
            merges.append(normalized, word, to: &tokens, using: &work)
        }
    }

    // MARK: Decoding

    /// The text of some ids. Bytes that are not UTF-8 become U+FFFD; ids outside the vocabulary stand for nothing.
    public func decode(_ ids: [Int32]) -> String {
        var bytes: [UInt8] = []
        for id in ids { bytes.append(contentsOf: self.bytes(of: id)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes that an id stands for; none for an id outside the vocabulary.
    public func bytes(of id: Int32) -> [UInt8] {
        guard id >= 0, id < vocabularySize else { return [] }
        return Array(tokenBytes[offsets[Int(id)]..<offsets[Int(id) + 1]])
    }

    // MARK: Control tokens

    /// The id of a control token by its exact spelling, such as `<|im_end|>`.
    public func controlToken(named name: String) -> Int32? {
        controlTokens[Array(name.utf8)]
    }

    /// Whether an id is a control token: one that text never gives unless asked.
    public func isControl(_ id: Int32) -> Bool {
        id >= 0 && id < vocabularySize && kinds[Int(id)] == .control
    }

    /// Every control token's id, ascending.
    public var controlTokenIDs: [Int32] { controlTokens.values.sorted() }
}
