public import Tokenizer

/// What a text costs in tokens: how many per byte, per grapheme, per word, and beside a parallel text.
public struct Fertility: Equatable, Sendable {
    public private(set) var tokens = 0
    /// UTF-8 bytes of the text as it was given.
    public private(set) var bytes = 0
    public private(set) var graphemes = 0
    /// Words as `Words` cuts them.
    public private(set) var words = 0

    /// The figures of no text.
    public init() {}

    /// The figures of one text.
    public init(of text: String, tokenizer: Tokenizer) {
        add(text, tokenizer: tokenizer)
    }

    /// The figures of all texts of some documents; layout and end-of-text tokens are not counted.
    public init(of documents: Documents, tokenizer: Tokenizer) throws(CorpusError) {
        for file in documents.files {
            var reader = try DocumentReader(file, keepingWords: true)
            while let fragment = try reader.next() {
                switch fragment {
                case .row(let document): for text in document.texts { add(text, tokenizer: tokenizer) }
                // Stretches end where tokens, graphemes and words do, so their figures add up.
                case .stretch(let stretch): add(String(decoding: stretch, as: UTF8.self), tokenizer: tokenizer)
                case .end: break
                }
            }
        }
    }

    /// The figures of several texts together.
    public static func + (first: Fertility, second: Fertility) -> Fertility {
        var sum = first
        sum.tokens += second.tokens
        sum.bytes += second.bytes
        sum.graphemes += second.graphemes
        sum.words += second.words
        return sum
    }

    private mutating func add(_ text: String, tokenizer: Tokenizer) {
        tokens += tokenizer.encode(text).count
        bytes += text.utf8.count
        graphemes += text.count
        words += Words.words(of: text).count
    }

    /// Nil for a text of no bytes.
    public var tokensPerByte: Double? { Self.ratio(tokens, bytes) }
    /// Nil for a text of no graphemes.
    public var tokensPerGrapheme: Double? { Self.ratio(tokens, graphemes) }
    /// Nil for a text of no words.
    public var tokensPerWord: Double? { Self.ratio(tokens, words) }

    /// Tokens relative to a parallel text, the same said in another language: 2 means twice as many.
    public func relative(to parallel: Fertility) -> Double? { Self.ratio(tokens, parallel.tokens) }

    private static func ratio(_ count: Int, _ other: Int) -> Double? {
        other == 0 ? nil : Double(count) / Double(other)
    }
}
