/// Cuts a text that arrives in pieces, themselves cut anywhere, into stretches that end at a ``TextCut``.
///
/// It holds back what a later piece could still change, so memory is bounded by the longest stretch without a place to
/// cut, whatever the text's length.
public struct TextStretches: Sendable {
    private var pending: [UInt8] = []
    /// Bytes of `pending` in which no place to cut was found.
    private var searched = 0
    /// Bytes that have been given out.
    private var done = 0
    private let shortest: Int
    private let longest: Int
    private let keepingWords: Bool

    /// From how many bytes on a stretch is given out.
    public static let shortest = 1 << 16
    /// A stretch without any place to cut is no longer than this: a word of n bytes takes some 60 n of memory.
    public static let longest = 1 << 18

    /// - Parameters:
    ///   - longest: bytes without a place to cut that are taken.
    ///   - keepingWords: whether a stretch ends where a grapheme and a word of the corpus room end too.
    public init(shortest: Int = Self.shortest, longest: Int = Self.longest, keepingWords: Bool = false) {
        self.shortest = shortest
        self.longest = longest
        self.keepingWords = keepingWords
    }

    /// Takes the next bytes of a text's UTF-8.
    ///
    /// - Returns: a stretch, where one has become certain.
    /// - Throws: `TokenizerError.noPlaceToCut`, with the offset at which the stretch that is too long begins.
    public mutating func add(_ piece: ArraySlice<UInt8>) throws(TokenizerError) -> [UInt8]? {
        pending.append(contentsOf: piece)
        guard pending.count >= shortest else { return nil }
        if let place = TextCut.last(in: pending, after: searched, keepingWords: keepingWords) {
            let stretch = Array(pending[..<place])
            pending.removeSubrange(..<place)
            done += place
            searched = 0
            return stretch
        }
        // A character may end in the next piece, and then be a place's right side.
        searched = max(0, pending.count - 4)
        guard pending.count <= longest else { throw .noPlaceToCut(offset: done, limit: longest) }
        return nil
    }

    /// What is left of the text; another one may follow.
    public mutating func finish() -> [UInt8] {
        defer { (pending, searched, done) = ([], 0, 0) }
        return pending
    }
}
