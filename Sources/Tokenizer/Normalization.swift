internal import Foundation

/// Unicode's normalization form C, which the Qwen2 tokenizer applies before it splits.
///
/// Foundation composes, but only stretches that may need it, and never a long one as it stands: it takes time in the
/// square of a stretch's length, be that a letter with many marks or a megabyte of plain decomposed French.
package enum Normalization {
    /// The UTF-8 of a text's NFC; bytes that are not UTF-8 are read as U+FFFD.
    ///
    /// - Complexity: O(n log n) in the longest run of marks, O(n) otherwise.
    package static func composed(_ utf8: [UInt8]) -> [UInt8] {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8 }
        let text = Array(String(decoding: utf8, as: UTF8.self).utf8)
        // Nothing below U+0300, whose UTF-8 begins with CC, has anything to compose.
        if text.allSatisfy({ $0 < 0xCC }) { return text }
        return composedStretches(of: text)
    }

    /// Bytes that are gathered for one call of Foundation, where several stretches need it.
    private static let stretch = 256
    /// A longer one holds a run of marks that must be in order before Foundation sees it.
    private static let longStretch = 512

    /// Cuts `text` before every character that nothing before it can change (a starter that is never the second of a
    /// composition), and composes the stretches between such places that are not plainly in NFC already.
    ///
    /// Source of the quick check: Unicode Standard Annex #15, section 9.
    private static func composedStretches(of text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var copied = 0
        var segment = 0
        var needing: Int?
        var previous = NormalizationRole.Context()
        var order = MarkOrder()
        var index = 0
        func flush(to end: Int) {
            guard let start = needing else { return }
            result.append(contentsOf: text[copied..<start])
            result.append(contentsOf: composed(stretch: text[start..<end], &order))
            copied = end
            needing = nil
        }
        while index < text.count {
            let (value, length) = UTF8Scalar.decode(text, at: index)
            let role = NormalizationRole(value, after: &previous)
            if !role.isAttached {
                if let start = needing, index - start >= stretch { flush(to: index) }
                segment = index
            }
            if !role.isSettled, needing == nil { needing = segment }
            index += length
        }
        flush(to: text.count)
        result.append(contentsOf: text[copied...])
        return result
    }

    private static func composed(stretch bytes: ArraySlice<UInt8>, _ order: inout MarkOrder) -> [UInt8] {
        var text = String(decoding: bytes, as: UTF8.self)
        if bytes.count > longStretch || text.unicodeScalars.contains(where: MarkOrder.beginsWithMark) {
            text = order.sorted(text)
        }
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

/// Scalars in well-formed UTF-8.
enum UTF8Scalar {
    /// - Precondition: a character begins at `index`, and the bytes are valid UTF-8.
    static func decode(_ bytes: [UInt8], at index: Int) -> (value: UInt32, length: Int) {
        let lead = bytes[index]
        if lead < 0x80 { return (UInt32(lead), 1) }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        var value = UInt32(lead) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length { value = value << 6 | UInt32(bytes[index + offset] & 0x3F) }
        return (value, length)
    }
}
