/// Cuts text into words along graphemes, so that a mark or a joiner never ends a word.
///
/// A word is a run of graphemes that begin with a letter or a digit; an apostrophe between two of them stays inside.
/// In scripts that are written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) each grapheme is a word.
public enum Words {
    /// The words of a text in their order, as written.
    ///
    /// - Complexity: O(n).
    public static func words(of text: String) -> [Substring] {
        var words: [Substring] = []
        var start: String.Index?
        var end = text.startIndex
        var index = text.startIndex
        func close(_ words: inout [Substring]) {
            if let begun = start { words.append(text[begun..<end]) }
            start = nil
        }
        while index < text.endIndex {
            let next = text.index(after: index)
            switch kind(of: text[index]) {
            case .spelled:
                if start == nil { start = index }
                end = next
            case .alone:
                close(&words)
                words.append(text[index..<next])
            case .apostrophe:
                // Between two letters it joins what is before it to what is after it.
                if start != nil, next < text.endIndex, kind(of: text[next]) == .spelled {
                    end = next
                } else {
                    close(&words)
                }
            case .other:
                close(&words)
            }
            index = next
        }
        close(&words)
        return words
    }

    /// The words in the form in which two texts are compared: without case.
    public static func folded(_ text: String) -> [String] {
        words(of: text).map { $0.lowercased() }
    }

    private enum Kind { case spelled, alone, apostrophe, other }

    private static func kind(of grapheme: Character) -> Kind {
        guard let scalar = grapheme.unicodeScalars.first else { return .other }
        if scalar == "'" || scalar == "\u{2019}" { return .apostrophe }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .nonspacingMark, .spacingMark:
            return isWrittenWithoutSpaces(scalar.value) ? .alone : .spelled
        default: return .other
        }
    }

    private static func isWrittenWithoutSpaces(_ value: UInt32) -> Bool {
        switch value {
        case 0x0E00...0x0EFF,  // Thai, Lao
            0x1000...0x109F,  // Burmese
            0x1780...0x17FF,  // Khmer
            0x3005...0x3007, 0x3021...0x3029, 0x3040...0x30FF, 0x31F0...0x31FF,  // kana and Han marks
            0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF66...0xFF9F, 0x20000...0x3FFFF:  // Han
            true
        default: false
        }
    }
}
