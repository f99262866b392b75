/// Makes text from outside (a tensor name, a file name) safe to print on a terminal, on one line.
///
/// Control, format (zero-width and bidirectional) and line-separating scalars appear as `\u{..}`, a backslash as `\\`.
/// More than `limit` scalars are cut, and an ellipsis says so.
/// - Complexity: O(`limit`).
public func escaped(_ foreign: String, limit: Int = 120) -> String {
    var safe = ""
    var count = 0
    for scalar in foreign.unicodeScalars {
        if count == limit {
            safe.append("…")
            break
        }
        count += 1
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            safe.append("\\u{\(String(scalar.value, radix: 16))}")
        default:
            if scalar == "\\" {
                safe.append("\\\\")
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
    }
    return safe
}

extension Unicode.Scalar {
    /// Whether a terminal would do something else with it than show it in its place: move the cursor, change colours or
    /// titles, turn the direction of what follows, or hide what it tags.
    var steersTerminal: Bool {
        switch value {
        case 0x09, 0x0A: false
        case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xE0000...0xE007F:
            true
        default: false
        }
    }
}

/// Text for a terminal with nothing in it that steers one; tabs and line ends stay unless it must be one line.
///
/// The last gate before a terminal, for texts that are put together of our own words and foreign ones: those should have
/// gone through ``escaped(_:limit:)`` before, which also limits their length. Letters that are joined by zero-width
/// scalars stay as they are.
/// - Complexity: O(*n*).
public func unsteering(_ text: String, onOneLine: Bool = false) -> String {
    replacingSteering(text, onOneLine: onOneLine) { "\\u{\(String($0, radix: 16))}" }
}

/// JSON text with the same scalars written as `\uXXXX`, which reads back to the same value.
public func unsteering(json: String) -> String {
    replacingSteering(json, onOneLine: false) { value in
        String(Unicode.Scalar(value) ?? " ").utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}

private func replacingSteering(_ text: String, onOneLine: Bool, _ shown: (UInt32) -> String) -> String {
    func steers(_ scalar: Unicode.Scalar) -> Bool {
        scalar.steersTerminal || onOneLine && (scalar == "\n" || scalar == "\t")
    }
    guard text.unicodeScalars.contains(where: steers) else { return text }
    var safe = ""
    for scalar in text.unicodeScalars {
        if steers(scalar) { safe += shown(scalar.value) } else { safe.unicodeScalars.append(scalar) }
    }
    return safe
}

/// A message as a sentence: with a full stop, unless it has its mark already.
///
/// Rooms word what went wrong as a clause where others put it into a sentence of their own.
public func asSentence(_ message: String) -> String {
    guard let last = message.last, !".!?".contains(last) else { return message }
    return message + "."
}
