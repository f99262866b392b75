/// Qwen2's split pattern, matched by hand: text is cut into words, and no token crosses a word.
///
/// The pattern, its alternatives tried in this order at each place:
/// ```
/// (?i:'s|'t|'re|'ve|'m|'ll|'d)
/// [^\r\n\p{L}\p{N}]?\p{L}+
/// \p{N}
///  ?[^\s\p{L}\p{N}]+[\r\n]*
/// \s*[\r\n]+
/// \s+(?!\S)
/// \s+
/// ```
/// It works on the bytes of valid UTF-8 and gives ranges of bytes.
package struct SplitPattern {
    private enum Class: UInt8 {
        case letter, number, space, newline, other
        /// The second and later bytes of a character: they belong to the byte that leads it.
        case continuation
    }

    private let bytes: [UInt8]
    private let classes: [Class]
    private var position = 0

    /// Prepares to cut `bytes`.
    ///
    /// - Precondition: `bytes` is valid UTF-8.
    /// - Complexity: O(n) time, and n bytes of memory.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var classes: [Class] = []
        classes.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            if lead < 0x80 {
                classes.append(Self.ascii[Int(lead)])
                index += 1
                continue
            }
            let (value, length) = UTF8Scalar.decode(bytes, at: index)
            classes.append(Self.classify(value))
            for _ in 1..<length { classes.append(.continuation) }
            index += length
        }
        self.classes = classes
    }

    private static let ascii: [Class] = (0..<128).map { classify(UInt32($0)) }

    private static func classify(_ value: UInt32) -> Class {
        guard let scalar = Unicode.Scalar(value) else { return .other }
        if value == 10 || value == 13 { return .newline }
        let properties = scalar.properties
        if properties.isWhitespace { return .space }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return .other
        }
    }

    /// The next word's range of bytes, or nil at the end. The words cover the text without gaps.
    package mutating func next() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        position = endOfWord(from: start)
        return start..<position
    }

    private func endOfWord(from start: Int) -> Int {
        if let end = endOfContraction(from: start) { return end }
        let first = classes[start]
        let second = after(start)
        if first == .letter { return endOfRun(from: second) { $0 == .letter } }
        if first == .space || first == .other, second < bytes.count, classes[second] == .letter {
            return endOfRun(from: second) { $0 == .letter }
        }
        if first == .number { return second }
        let symbols = bytes[start] == 0x20 ? second : start
        if symbols < bytes.count, classes[symbols] == .other {
            return endOfRun(from: endOfRun(from: symbols) { $0 == .other }) { $0 == .newline }
        }
        return endOfSpaces(from: start)
    }

    /// Where a run of spaces that begins at `start` is cut: after its last line end if it has one; else before its
    /// last character, which goes with the word that follows, unless it has only that one or the text ends.
    private func endOfSpaces(from start: Int) -> Int {
        var end = start
        var last = start
        var afterNewline: Int?
        while end < bytes.count, classes[end] == .space || classes[end] == .newline {
            last = end
            end = after(end)
            if classes[last] == .newline { afterNewline = end }
        }
        if let afterNewline { return afterNewline }
        return end == bytes.count || last == start ? end : last
    }

    private func endOfContraction(from start: Int) -> Int? {
        guard bytes[start] == UInt8(ascii: "'"), start + 1 < bytes.count else { return nil }
        let first = bytes[start + 1] | 0x20
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
            let wanted = first == UInt8(ascii: "l") ? UInt8(ascii: "l") : UInt8(ascii: "e")
            return start + 2 < bytes.count && bytes[start + 2] | 0x20 == wanted ? start + 3 : nil
        default:
            // Case folding makes U+017F, the long s, an s.
            let isLongS = bytes[start + 1] == 0xC5 && start + 2 < bytes.count && bytes[start + 2] == 0xBF
            return isLongS ? start + 3 : nil
        }
    }

    private func after(_ index: Int) -> Int {
        endOfRun(from: index + 1) { $0 == .continuation }
    }

    private func endOfRun(from start: Int, where belongs: (Class) -> Bool) -> Int {
        var end = start
        while end < bytes.count, belongs(classes[end]) || (classes[end] == .continuation && end > start) { end += 1 }
        return end
    }
}
