import TestSupport
import Testing
import Tokenizer

@Suite struct StreamingEncoderTests {
    /// The tokens of the whole, encoded in one piece.
    private static func whole(_ text: [UInt8], _ tokenizer: Tokenizer) throws -> [Int32] {
        var encoder = StreamingEncoder(tokenizer, stretches: TextStretches(shortest: .max))
        var tokens: [Int32] = []
        try encoder.append(text[...], to: &tokens)
        encoder.finish(to: &tokens)
        return tokens
    }

    private static func pieces(
        _ text: [UInt8], stretch: Int, _ tokenizer: Tokenizer, using random: inout SeededGenerator
    ) throws -> [Int32] {
        var encoder = StreamingEncoder(tokenizer, stretches: TextStretches(shortest: stretch, longest: .max))
        var tokens: [Int32] = []
        var start = 0
        while start < text.count {
            let end = min(text.count, start + Int.random(in: 1...9, using: &random))
            try encoder.append(text[start..<end], to: &tokens)
            start = end
        }
        encoder.finish(to: &tokens)
        return tokens
    }

    @Test func `text cut anywhere gives the tokens of the whole`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        var random = SeededGenerator(seed: 21)
        for _ in 0..<600 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) { text += Array(RandomText.make(using: &random).utf8) }
            // Bytes that are no UTF-8 are repaired in the same way on both sides of a cut.
            if Int.random(in: 0..<6, using: &random) == 0 {
                text.insert(
                    UInt8.random(in: 0x80...0xFF, using: &random), at: Int.random(in: 0...text.count, using: &random))
            }
            let stretch = Int.random(in: 1...24, using: &random)
            #expect(
                try Self.pieces(text, stretch: stretch, tokenizer, using: &random) == Self.whole(text, tokenizer),
                "\(text), stretches of \(stretch)")
        }
    }

    @Test func `at a place to cut, normal form and words of both sides are those of the whole`() {
        // Every pair of characters of every kind that the rules tell apart, in every surrounding of one on each side.
        let kinds: [String] = [
            "a", "Z", "é", "ß", "ſ", "日", "か", "ハ", "각", "가", "\u{1112}", "\u{1161}", "\u{11AB}", "ا", "न", "\u{958}",
            "\u{D4E}", "1", "9", "²", "٣", "Ⅷ", " ", "  ", "\n", "\r", "\n\n", "\t", "\u{A0}", "\u{3000}", "\u{2028}",
            "\u{85}",
            "\u{2000}", "'", "\"", ".", "-", "、", "。", "「", "！", "\u{301}", "\u{323}", "\u{93C}", "\u{3099}", "\u{345}",
            "\u{9BE}",
            "\u{200D}", "\u{FE0F}", "😀", "\u{1F3FB}", "\u{0}", "\u{FEFF}", "<", "\u{338}", "s", "re", "ll",
        ]
        var places = 0
        for (index, before) in kinds.enumerated() {
            for after in kinds {
                let (far, near) = (kinds[(index * 7 + 3) % kinds.count], kinds[(index * 11 + 5) % kinds.count])
                for text in [before + after, far + before + after + near, "'" + before + after, before + after + "\n"] {
                    places += Self.checkCuts(Array(text.utf8))
                }
            }
        }
        #expect(places > 5_000)
    }

    private static func checkCuts(_ text: [UInt8]) -> Int {
        let whole = words(text)
        var count = 0
        for end in 2...max(2, text.count) where end <= text.count {
            // As much as a stream has at hand: what follows is not known yet.
            guard let place = TextCut.last(in: Array(text[..<end]), after: 0) else { continue }
            count += 1
            let parts = words(Array(text[..<place])) + words(Array(text[place...]))
            #expect(parts == whole, "\(text) at \(place)")
        }
        return count
    }

    private static func words(_ text: [UInt8]) -> [[UInt8]] {
        let bytes = Normalization.composed(text)
        var pattern = SplitPattern(bytes)
        var words: [[UInt8]] = []
        while let range = pattern.next() { words.append(Array(bytes[range])) }
        return words
    }

    @Test func `places that keep words never part a grapheme`() {
        var random = SeededGenerator(seed: 22)
        for _ in 0..<2_000 {
            let text = RandomText.make(using: &random) + " " + RandomText.make(using: &random)
            let bytes = Array(text.utf8)
            guard let place = TextCut.last(in: bytes, after: 0, keepingWords: true) else { continue }
            let parts = [bytes[..<place], bytes[place...]].map { String(decoding: $0, as: UTF8.self).count }
            #expect(parts.reduce(0, +) == text.count, "\(text.debugDescription) at \(place)")
        }
    }

    @Test(arguments: ["a", "é", "-", "日", " ", "\n", "\u{301}", "\u{0}"])
    func `a stretch without a place to cut is held up to the limit and then refused`(piece: String) throws {
        let tokenizer = try TestVocabularies.nano.get()
        let limit = 1 << 17
        var encoder = StreamingEncoder(tokenizer, stretches: TextStretches(longest: limit))
        var tokens: [Int32] = []
        try encoder.append(Array("first\nsecond ".utf8)[...], to: &tokens)
        let text = Array(String(repeating: piece, count: 3 << 17).utf8)
        #expect(throws: TokenizerError.self) { try encoder.append(text[...], to: &tokens) }
        // What a caller has whole, such as a prompt, is encoded all the same.
        let short = String(decoding: text.prefix((3 << 16) / 12 * 12), as: UTF8.self)
        #expect(tokenizer.decode(tokenizer.encode(short)) == short)
    }
}
