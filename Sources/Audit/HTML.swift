// The only two ways by which text enters a report: a literal of ours, or foreign text with every dangerous scalar shown.

internal import Bytes

/// A piece of HTML that is known to be safe.
///
/// A string literal is trusted; interpolated values are escaped, unless they are `HTML` themselves.
struct HTML: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, Sendable {
    var text: String

    init(stringLiteral value: String) { text = value }

    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    struct StringInterpolation: StringInterpolationProtocol, Sendable {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {}
        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ html: HTML) { text += html.text }
        mutating func appendInterpolation(_ foreign: String, limit: Int = 160) {
            text += HTML.escape(foreign, limit: limit)
        }
        mutating func appendInterpolation(_ number: Int) { text += String(number) }
        mutating func appendInterpolation(_ number: Double, decimals: Int) {
            text += HTML.escape(Numeral.text(number, decimals: decimals), limit: 60)
        }
    }

    /// Foreign text: control and bidirectional characters shown by their number, markup made inert, length limited.
    static func escape(_ foreign: String, limit: Int) -> String {
        var safe = ""
        for character in escaped(foreign, limit: limit).unicodeScalars {
            switch character {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            default: safe.unicodeScalars.append(character)
            }
        }
        return safe
    }

    static func += (left: inout HTML, right: HTML) { left.text += right.text }
}

extension Sequence<HTML> {
    func joined() -> HTML {
        var all: HTML = ""
        for piece in self { all += piece }
        return all
    }
}

/// Numbers for people, without a locale.
enum Numeral {
    /// A fixed number of decimals; “–” for what is not a number.
    static func text(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
        let rounded = (abs(value) * scale).rounded()
        let sign = value < 0 && rounded > 0 ? "−" : ""
        guard rounded < 9e15 else { return sign + grouped(Int(abs(value).rounded())) }
        let whole = Int(rounded) / Int(scale)
        guard decimals > 0 else { return sign + grouped(whole) }
        let fraction = String(Int(rounded) % Int(scale))
        return sign + grouped(whole) + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    /// Digits in groups of three: `1,117,320,736`.
    static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { grouped += "," }
            grouped.append(digit)
        }
        return (value < 0 ? "−" : "") + grouped
    }

    /// Three significant digits, `3.21e-07` for the very small and large.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        guard value != 0 else { return "0" }
        var exponent = 0
        var mantissa = abs(value)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        if (-3...5).contains(exponent) { return text(value, decimals: max(0, 2 - exponent)) }
        return (value < 0 ? "−" : "") + text(mantissa, decimals: 2) + "e\(exponent)"
    }

    /// Binary units with one decimal: `1.0 GiB`.
    static func bytes(_ count: Int) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard count >= 1024 else { return grouped(count) + " bytes" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1024, unit + 1 < units.count { (value, unit) = (value / 1024, unit + 1) }
        return text(value, decimals: 1) + " " + units[unit]
    }
}
