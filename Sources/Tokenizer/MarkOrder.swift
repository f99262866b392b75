internal import Foundation

/// Puts long runs of combining marks into canonical order, so that whoever composes them finds nothing left to sort.
///
/// Sorting a run of marks by combining class, equal classes in their order, is a canonical equivalence (Unicode Standard,
/// D108 and D109), so the text's NFC is the same; Foundation, which sorts by exchanging neighbours, is linear on it.
struct MarkOrder {
    private var classes = FoundationClasses()

    /// - Complexity: O(n log n).
    mutating func sorted(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var run: [(scalar: Unicode.Scalar, order: Int)] = []
        func close() {
            // Equal classes keep their order, which `sorted(by:)` does not promise: the place decides.
            let order = run.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
            result.append(contentsOf: order.map(\.element.scalar))
            run.removeAll(keepingCapacity: true)
        }
        for scalar in text.unicodeScalars {
            for part in Self.decomposed(scalar) {
                let order = classes.order(of: part)
                if order == 0 {
                    close()
                    result.append(part)
                } else {
                    run.append((part, order))
                }
            }
        }
        close()
        return String(result)
    }

    /// Tibetan vowels that are starters themselves and decompose into marks. Foundation decomposes them, but then leaves
    /// their marks apart from those before.
    static func beginsWithMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{F73}" || scalar == "\u{F75}" || scalar == "\u{F81}"
    }

    /// The characters that decompose into marks alone; each is excluded from composition.
    private static func decomposed(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar {
        case "\u{340}": ["\u{300}"]
        case "\u{341}": ["\u{301}"]
        case "\u{343}": ["\u{313}"]
        case "\u{344}": ["\u{308}", "\u{301}"]
        case "\u{F73}": ["\u{F71}", "\u{F72}"]
        case "\u{F75}": ["\u{F71}", "\u{F74}"]
        case "\u{F81}": ["\u{F71}", "\u{F80}"]
        default: [scalar]
        }
    }
}

/// Combining classes as far as Foundation knows them: its tables may be older than the standard library's, and a mark that
/// it takes for a starter stays where it is.
private struct FoundationClasses {
    private var known: [Unicode.Scalar: Int] = [:]

    /// The canonical combining class; 0 for a starter.
    mutating func order(of scalar: Unicode.Scalar) -> Int {
        if let order = known[scalar] { return order }
        let own = Int(scalar.properties.canonicalCombiningClass.rawValue)
        let order = own != 0 && Self.moves(scalar, own) ? own : 0
        known[scalar] = order
        return order
    }

    /// Whether Foundation exchanges the mark with one of a class on the other side of its own.
    private static func moves(_ scalar: Unicode.Scalar, _ own: Int) -> Bool {
        let low: Unicode.Scalar = "\u{334}"  // class 1
        let high: Unicode.Scalar = "\u{345}"  // class 240
        var text = String.UnicodeScalarView()
        text.append(contentsOf: own > 1 ? ["q", scalar, low] : ["q", high, scalar])
        let first = String(text).decomposedStringWithCanonicalMapping.unicodeScalars.dropFirst().first
        return first == (own > 1 ? low : scalar)
    }
}
