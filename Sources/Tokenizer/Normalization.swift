internal import Foundation

/// Unicode's normalization form C, which the Qwen2 tokenizer applies before it splits.
package enum Normalization {
    /// The UTF-8 of a text's NFC; bytes that are not UTF-8 are read as U+FFFD.
    package static func composed(_ utf8: [UInt8]) -> [UInt8] {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8 }
        let text = String(decoding: utf8, as: UTF8.self)
        // Nothing below U+0300, whose UTF-8 begins with CC, has anything to compose.
        if utf8.allSatisfy({ $0 < 0xCC }) { return Array(text.utf8) }
        return Array(joiningHangul(text.precomposedStringWithCanonicalMapping).utf8)
    }

    /// Joins a Hangul syllable without a final and the final that follows it, which Foundation on Linux leaves apart
    /// when the syllable was composed to begin with.
    private static func joiningHangul(_ text: String) -> String {
        let finals: ClosedRange<UInt32> = 0x11A8...0x11C2
        guard text.unicodeScalars.contains(where: { finals.contains($0.value) }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if finals.contains(scalar.value), let last = result.last, (0xAC00...0xD7A3).contains(last.value),
                (last.value - 0xAC00) % 28 == 0, let joined = UnicodeScalar(last.value + scalar.value - 0x11A7)
            {
                result.removeLast()
                result.append(joined)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}
