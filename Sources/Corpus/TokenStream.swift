internal import Bytes
public import Tokenizer

/// Documents laid end to end as tokens, each marked by whether it counts when it is the target.
///
/// - `text`: its tokens and the end-of-text token, all counted.
/// - `prompt`, `completion`: tokenized apart; the completion and the end-of-text token are counted.
/// - `messages`: ChatML; the assistant's content and its `<|im_end|>` are counted.
///
/// Attention crosses documents, and long ones are split between windows. Four bytes a token, where a ``TokenStorage``
/// puts them; no more than a stretch of the text is in memory while they are made.
public struct TokenStream: Sendable {
    /// The number of tokens.
    public let count: Int
    /// The number of tokens that count as targets, wherever they stand.
    public let countedCount: Int
    private let words: Words

    enum Words {
        case memory([UInt32])
        case file(ScratchFile)
    }

    init(count: Int, countedCount: Int, words: Words) {
        self.count = count
        self.countedCount = countedCount
        self.words = words
    }

    /// The stream of a part's documents, in their order.
    ///
    /// - Throws: `CorpusError.tokenizer` when the vocabulary lacks the token that a document's layout needs, `.changed`
    ///   where a file is no longer what it was, `.storage` for the disk.
    public init(
        _ documents: Documents, tokenizer: Tokenizer, storage: TokenStorage = TokenStorage()
    ) throws(CorpusError) {
        var packer = TokenPacker(storage)
        for file in documents.files {
            var reader = try DocumentReader(file)
            var encoder = StreamingEncoder(tokenizer)
            while let fragment = try reader.next() {
                switch fragment {
                case .row(let document): try packer.append(Self.parts(of: document, tokenizer), tokenizer)
                case .stretch(let stretch):
                    var tokens: [Int32] = []
                    encoder.append(stretch: stretch, to: &tokens)
                    try packer.append(tokens, counted: true)
                case .end:
                    try packer.append([try Self.endOfText(tokenizer)], counted: true)
                }
            }
        }
        self = try packer.finish()
    }

    /// The stream of documents that are in memory already.
    public init(_ documents: [Document], tokenizer: Tokenizer) throws(CorpusError) {
        var packer = TokenPacker(TokenStorage())
        for document in documents { try packer.append(Self.parts(of: document, tokenizer), tokenizer) }
        self = try packer.finish()
    }

    /// A stream of bare tokens, as one document in which every token counts.
    ///
    /// - Precondition: no token is negative.
    public init(tokens: [Int32]) {
        self.init(
            count: tokens.count, countedCount: tokens.count, words: .memory(tokens.map { UInt32(bitPattern: $0) }))
    }

    /// Some of the tokens, and which of them count.
    ///
    /// - Precondition: the range lies within the stream.
    /// - Throws: `CorpusError.storage` where the file that holds them cannot be read.
    public func masked(_ range: Range<Int>) throws(CorpusError) -> MaskedTokens {
        var result = MaskedTokens()
        result.tokens.reserveCapacity(range.count)
        result.counted.reserveCapacity(range.count)
        for word in try packed(range) {
            result.tokens.append(PackedToken.id(word))
            result.counted.append(PackedToken.isCounted(word))
        }
        return result
    }

    /// All tokens at once, for short streams.
    public var tokens: [Int32] { get throws(CorpusError) { try masked(0..<count).tokens } }

    /// As long as `tokens`.
    public var counted: [Bool] { get throws(CorpusError) { try masked(0..<count).counted } }

    func packed(_ range: Range<Int>) throws(CorpusError) -> ArraySlice<UInt32> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "tokens \(range) of \(count)")
        switch words {
        case .memory(let words): return words[range]
        case .file(let file):
            var words = [UInt32](repeating: 0, count: range.count)
            do throws(BytesError) {
                var span = words.mutableSpan
                try file.read(words: &span, at: range.lowerBound * 4)
            } catch {
                throw .storage(error)
            }
            return words[...]
        }
    }

    /// One document's tokens, and which of them count.
    public static func layout(_ document: Document, tokenizer: Tokenizer) throws(CorpusError) -> MaskedTokens {
        tokenizer.encode(try parts(of: document, tokenizer))
    }

    private static func parts(
        of document: Document, _ tokenizer: Tokenizer
    ) throws(CorpusError) -> [(part: LayoutPart, counted: Bool)] {
        switch document.content {
        case .text(let text): return [(.text(text), true), (.token(try endOfText(tokenizer)), true)]
        case .completion(let prompt, let completion):
            return [(.text(prompt), false), (.text(completion), true), (.token(try endOfText(tokenizer)), true)]
        case .messages(let messages):
            do throws(TokenizerError) {
                return try tokenizer.chatLayout(messages)
            } catch {
                throw .tokenizer(error)
            }
        }
    }

    private static func endOfText(_ tokenizer: Tokenizer) throws(CorpusError) -> Int32 {
        guard let token = tokenizer.eosToken else { throw .tokenizer(.missingEndOfText) }
        return token
    }
}
