internal import Foundation

// How both programs write numbers and tables.

/// A count with thousands separated by commas: `1,117,320,736`.
package func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return text
}

/// A number with a fixed count of decimals, whatever the locale.
package func fixed(_ value: Double, _ decimals: Int) -> String {
    value.formatted(
        .number.precision(.fractionLength(decimals)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
}

/// Lines of `label  value`, the values in one column.
package func table(_ rows: [(String, String)]) -> String {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }.joined(separator: "\n")
}
