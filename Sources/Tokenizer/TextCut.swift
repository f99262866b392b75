/// Places at which a text can be cut so that both sides, each normalized and split by itself, give what the whole gives.
///
/// A place p between the characters a and b is one when (1) NFC does not look across it and (2) a word of ``SplitPattern``
/// ends there whatever follows, and neither side's words depend on the other. The pattern never looks back, so what is
/// right of a word's end is cut as in the whole text; only `(?!\S)`, the rest of a greedy run, and the letters of a
/// contraction look ahead. These rules are enough:
///
/// | a | b | why |
/// |---|---|---|
/// | `\n` | no white space | nothing composes with `\n`; both alternatives that take one end after the last of its run |
/// | no white space | space | nothing composes with a space on its left; no alternative goes on into one |
/// | ASCII letter | other ASCII, but no digit and no `'` | letters are only followed by letters in a word |
/// | ASCII digit | ASCII | a number is a word by itself |
/// | Han, kana, Hangul syllable | CJK punctuation | as for ASCII letters; NFC leaves both alone |
///
/// White space is no a of the second rule, since where a run of it ends decides how it is cut. A line end inside white
/// space is no place either: `\s*[\r\n]+` takes the run to its last line end.
package enum TextCut {
    /// The last place after `lower` and before the end, or nil.
    ///
    /// - Parameter keepingWords: only places at which a grapheme and a word of the corpus room end too, so none beside a
    ///   digit.
    package static func last(in text: [UInt8], after lower: Int, keepingWords: Bool = false) -> Int? {
        var place = text.count - 1
        while place > max(lower, 0) {
            if isPlace(place, in: text, keepingWords: keepingWords) { return place }
            place -= 1
        }
        return nil
    }

    private static func isPlace(_ place: Int, in text: [UInt8], keepingWords: Bool) -> Bool {
        let (left, right) = (text[place - 1], text[place])
        if right == 0x20 {
            guard let scalar = scalar(endingAt: place, in: text) else { return false }
            guard !scalar.properties.isWhitespace else { return false }
            return !keepingWords || scalar.isASCII || isGraphemeEnd(scalar)
        }
        if left == 0x0A { return scalar(at: place, in: text).map { !$0.properties.isWhitespace } ?? false }
        if left < 0x80, right < 0x80 {
            if isLetter(left) { return !isLetter(right) && !isDigit(right) && right != UInt8(ascii: "'") }
            return !keepingWords && isDigit(left)
        }
        guard right & 0xC0 == 0xC0, left >= 0x80, let after = scalar(at: place, in: text),
            isEastAsianPunctuation(after.value), let before = scalar(endingAt: place, in: text)
        else { return false }
        return isEastAsianLetter(before.value)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isEastAsianLetter(_ value: UInt32) -> Bool {
        switch value {
        case 0x3041...0x3096, 0x30A1...0x30FA, 0x4E00...0x9FFF, 0xAC00...0xD7A3: true
        default: false
        }
    }

    private static func isEastAsianPunctuation(_ value: UInt32) -> Bool {
        switch value {
        case 0x3001...0x3003, 0x3008...0x3011, 0xFF01...0xFF0F, 0xFF1A...0xFF20: true
        default: false
        }
    }

    /// Letters of a few scripts hold on to whatever follows, a space too (`Prepend`).
    private static func isGraphemeEnd(_ scalar: Unicode.Scalar) -> Bool {
        var pair = String.UnicodeScalarView()
        pair.append(scalar)
        pair.append(" ")
        return String(pair).count == 2
    }

    /// The character that begins at `place`; nil where it is cut off, or is none.
    private static func scalar(at place: Int, in text: [UInt8]) -> Unicode.Scalar? {
        if text[place] < 0x80 { return Unicode.Scalar(text[place]) }
        return whole(text[place..<min(place + 4, text.count)])
    }

    /// The character that ends at `place`; U+FFFD, which it is read as, where the bytes make none.
    private static func scalar(endingAt place: Int, in text: [UInt8]) -> Unicode.Scalar? {
        if text[place - 1] < 0x80 { return Unicode.Scalar(text[place - 1]) }
        for length in 2...4 where place >= length && text[place - length] & 0xC0 != 0x80 {
            guard let scalar = whole(text[place - length..<place]), UTF8.width(scalar) == length else { break }
            return scalar
        }
        return "\u{FFFD}"
    }

    private static func whole(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        var iterator = bytes.makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return scalar
    }
}
