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

/// A message as a sentence: with a full stop, unless it has its mark already.
///
/// Rooms word what went wrong as a clause where others put it into a sentence of their own.
public func asSentence(_ message: String) -> String {
    guard let last = message.last, !".!?".contains(last) else { return message }
    return message + "."
}
