import TestSupport
import Testing
import Tokenizer

@Suite struct SplitPatternTests {
    @Test(arguments: [
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("I'm sure they'll've DON'T", ["I", "'m", " sure", " they", "'ll", "'ve", " DON", "'T"]),
        ("'S 'T 'Re 'x '", ["'S", " '", "T", " '", "Re", " '", "x", " '"]),
        ("'\u{17F}a", ["'\u{17F}", "a"]),
        ("'l 'r", ["'l", " '", "r"]),
        ("1234", ["1", "2", "3", "4"]),
        ("a1b", ["a", "1", "b"]),
        ("x²½", ["x", "²", "½"]),
        ("  two", [" ", " two"]),
        ("   ", ["   "]),
        ("end ", ["end", " "]),
        (" \n\n \t x", [" \n\n", " \t", " x"]),
        ("a\r\nb", ["a", "\r\n", "b"]),
        ("!\n\nx", ["!\n\n", "x"]),
        (" !?\r\n x", [" !?\r\n", " x"]),
        ("\tx\u{3000}y\u{3000}1", ["\tx", "\u{3000}y", "\u{3000}", "1"]),
        ("  1", [" ", " ", "1"]),
        ("日本語、混合", ["日本語", "、混合"]),
        ("e\u{327}x", ["e", "\u{327}x"]),
    ])
    func `text is cut as the pattern cuts it`(text: String, words: [String]) {
        #expect(Self.words(of: text) == words)
    }

    @Test func `the words cover any text without gaps`() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let text = RandomText.make(using: &random)
            #expect(Self.words(of: text).joined().utf8.elementsEqual(text.utf8))
        }
    }

    private static func words(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        var pattern = SplitPattern(bytes)
        var words: [String] = []
        while let range = pattern.next() { words.append(String(decoding: bytes[range], as: UTF8.self)) }
        return words
    }
}

/// Random valid text, rich in what tokenizers get wrong.
enum RandomText {
    private static let pieces = [
        "a", "B", "the ", " of", "'s", "'LL", " ", "  ", "\n", "\r\n", "\t", "\u{A0}", "\u{2003}", "\u{301}", "\u{327}",
        "e\u{301}", "é", "\u{1100}\u{1161}", "가", "日", "ไ", "ខ្មែ", "न\u{93E}", "\u{200D}", "😀", "👩‍👧", "\u{FE0F}", "1",
        "²", "٣", "!", "...", "<|im_end|>", "\u{0}", "\u{FEFF}", "\u{10FFFF}", "Å", "\u{958}", "\u{2126}",
    ]

    static func make(using random: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            if Int.random(in: 0..<5, using: &random) == 0 {
                let value = UInt32.random(in: 0..<0x30000, using: &random)
                text.unicodeScalars.append(UnicodeScalar(value) ?? "\u{FFFD}")
            } else {
                text += pieces.randomElement(using: &random) ?? ""
            }
        }
        return text
    }
}
