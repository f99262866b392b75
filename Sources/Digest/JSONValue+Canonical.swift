extension JSONValue {
    /// The canonical text of RFC 8785: no white space, members by UTF-16 order, ECMAScript numbers, fewest escapes.
    ///
    /// A number that is not finite has no JSON form and is written as `null`, as ECMAScript does; an integer beyond
    /// ±(2⁵³ − 1) is written as the nearest double. Use strings for both where they matter.
    public var canonicalBytes: [UInt8] {
        var output: [UInt8] = []
        write(into: &output, indentation: nil)
        return output
    }

    /// ``canonicalBytes`` as a string.
    public var canonicalString: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// The same values for people: two spaces of indentation, `": "`, and a newline at the end.
    public var prettyBytes: [UInt8] {
        var output: [UInt8] = []
        write(into: &output, indentation: 0)
        output.append(0x0a)
        return output
    }

    /// ``prettyBytes`` as a string.
    public var prettyString: String { String(decoding: prettyBytes, as: UTF8.self) }

    private func write(into output: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value) where value.magnitude <= Self.largestInteger.magnitude: output += String(value).utf8
        case .integer(let value): output += Self.ecmaScript(Double(value)).utf8
        case .number(let value): output += Self.ecmaScript(value).utf8
        case .string(let value): Self.write(value, into: &output)
        case .array(let values):
            Self.writeList(values, between: (0x5b, 0x5d), into: &output, indentation: indentation) {
                $1.write(into: &$0, indentation: $2)
            }
        case .object(let members):
            let sorted = Self.sortedMembers(members)
            Self.writeList(sorted, between: (0x7b, 0x7d), into: &output, indentation: indentation) {
                Self.write($1.key, into: &$0)
                $0 += (indentation == nil ? ":" : ": ").utf8
                $1.value.write(into: &$0, indentation: $2)
            }
        }
    }

    private static func writeList<Item>(
        _ items: [Item], between brackets: (UInt8, UInt8), into output: inout [UInt8], indentation: Int?,
        write: (inout [UInt8], Item, Int?) -> Void
    ) {
        let inner = indentation.map { $0 + 2 }
        func breakLine(_ width: Int?) {
            guard let width, !items.isEmpty else { return }
            output.append(0x0a)
            output += repeatElement(0x20, count: width)
        }
        output.append(brackets.0)
        for (index, item) in items.enumerated() {
            if index > 0 { output.append(0x2c) }
            breakLine(inner)
            write(&output, item, inner)
        }
        breakLine(indentation)
        output.append(brackets.1)
    }

    private static func write(_ text: String, into output: inout [UInt8]) {
        output.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22: output += "\\\"".utf8
            case 0x5c: output += "\\\\".utf8
            case 0x08: output += "\\b".utf8
            case 0x09: output += "\\t".utf8
            case 0x0a: output += "\\n".utf8
            case 0x0c: output += "\\f".utf8
            case 0x0d: output += "\\r".utf8
            case 0..<0x20: output += "\\u00\(Hex.encode([byte]))".utf8
            default: output.append(byte)
            }
        }
        output.append(0x22)
    }

    /// `Number::toString` of ECMAScript: the fewest digits that read back, plain between 1e-6 and 1e21.
    static func ecmaScript(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        guard value != 0 else { return "0" }
        let sign = value < 0 ? "-" : ""
        let (digits, point) = shortestDigits(value.magnitude)
        let count = digits.count
        if count <= point, point <= 21 {
            return sign + digits + String(repeating: "0", count: point - count)
        }
        if 0 < point, point <= 21 {
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        }
        if -6 < point, point <= 0 {
            return sign + "0." + String(repeating: "0", count: -point) + digits
        }
        let exponent = point - 1
        let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst(1)
        return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + String(exponent.magnitude)
    }

    /// Digits d₁…dₖ without zeros at either end and the point's place n: value = 0.d₁…dₖ · 10ⁿ.
    private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
        // Swift's description has the shortest digits that read back, the closest of them: what ECMAScript asks for.
        let parts = value.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? String(halves[1]) : ""
        let all = String(halves[0]) + fraction
        let leading = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leading)
        while digits.last == "0" { digits.removeLast() }
        return (String(digits), halves[0].count + exponent - leading)
    }
}
