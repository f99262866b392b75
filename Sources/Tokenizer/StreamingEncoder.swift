/// Turns a text that arrives in pieces, cut anywhere, into the tokens of the whole.
///
/// It holds back what a later piece could still change and encodes the rest in stretches that end at a ``TextCut``, so
/// memory is bounded by the longest stretch without one, whatever the text's length.
public struct StreamingEncoder {
    private let tokenizer: Tokenizer
    private var work = MergeTable.Workspace()
    private var pending: [UInt8] = []
    /// Bytes of `pending` in which no place to cut was found.
    private var searched = 0
    /// Bytes that have been encoded.
    private var done = 0
    private let stretch: Int
    private let longestStretch: Int

    /// From how many bytes on a stretch is encoded.
    static let stretchByteCount = 1 << 16
    /// A stretch without any place to cut is no longer than this: a word of n bytes takes some 60 n of memory.
    public static let longestStretch = 1 << 18

    /// - Parameter longestStretch: bytes without a place to cut that are taken.
    public init(_ tokenizer: Tokenizer, longestStretch: Int = Self.longestStretch) {
        self.init(tokenizer, stretch: Self.stretchByteCount, longestStretch: longestStretch)
    }

    /// - Parameter stretch: from how many bytes on a stretch is encoded; `.max` encodes the whole text at once.
    package init(_ tokenizer: Tokenizer, stretch: Int, longestStretch: Int) {
        self.tokenizer = tokenizer
        self.stretch = stretch
        self.longestStretch = longestStretch
    }

    /// Takes the next bytes of the text's UTF-8 and appends the tokens that have become certain.
    ///
    /// - Throws: `TokenizerError.noPlaceToCut`, with the offset of the stretch that is too long.
    public mutating func append(_ utf8: ArraySlice<UInt8>, to tokens: inout [Int32]) throws(TokenizerError) {
        var rest = utf8
        while !rest.isEmpty {
            pending.append(contentsOf: rest.prefix(Self.stretchByteCount))
            rest = rest.dropFirst(Self.stretchByteCount)
            guard pending.count >= stretch else { continue }
            if let place = TextCut.last(in: pending, after: searched) {
                tokenizer.append(Array(pending[..<place]), to: &tokens, using: &work)
                pending.removeSubrange(..<place)
                done += place
                searched = 0
            } else {
                // A character may end in the next piece, and then be a place's right side.
                searched = max(0, pending.count - 4)
                guard pending.count <= longestStretch else {
                    throw .noPlaceToCut(offset: done, limit: longestStretch)
                }
            }
        }
    }

    /// Appends the tokens of what is left; the encoder can then take another text.
    public mutating func finish(to tokens: inout [Int32]) {
        tokenizer.append(pending, to: &tokens, using: &work)
        pending.removeAll(keepingCapacity: true)
        searched = 0
        done = 0
    }
}
