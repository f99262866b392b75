internal import Bytes

/// Why a text is not the JSON we accept, with the offset of the offending byte.
public enum JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    case unexpectedEnd(offset: Int)
    case unexpectedByte(offset: Int, found: UInt8, expected: String)
    case trailingBytes(offset: Int)
    case duplicateKey(offset: Int, key: String)
    case tooDeep(offset: Int, limit: Int)
    case invalidUTF8(offset: Int)
    case invalidEscape(offset: Int)
    case loneSurrogate(offset: Int)
    case numberOutOfRange(offset: Int)
    /// A run of combining marks that no text has; see `CombiningMarks`.
    case tooManyMarks(offset: Int)

    public var description: String {
        switch self {
        case .unexpectedEnd(let offset): "JSON ends too early, at byte \(offset)."
        case .unexpectedByte(let offset, let found, let expected):
            "JSON has byte 0x\(Hex.encode([found])) at byte \(offset) where \(expected) should be."
        case .trailingBytes(let offset): "JSON has more after its value, at byte \(offset)."
        case .duplicateKey(let offset, let key):
            "JSON names the member \"\(escaped(key, limit: 80))\" twice, at byte \(offset)."
        case .tooDeep(let offset, let limit): "JSON is nested deeper than \(limit) levels, at byte \(offset)."
        case .invalidUTF8(let offset): "JSON has a string that is not UTF-8, at byte \(offset)."
        case .invalidEscape(let offset): "JSON has an escape that does not exist, at byte \(offset)."
        case .loneSurrogate(let offset): "JSON has half of a surrogate pair, at byte \(offset)."
        case .tooManyMarks(let offset):
            "JSON has a string with more than \(CombiningMarks.longestRun) combining marks in a row, at byte \(offset)."
        case .numberOutOfRange(let offset): "JSON has a number beyond the range of a double, at byte \(offset)."
        }
    }
}

extension JSONValue {
    /// Reads one value that fills the bytes; white space around it is allowed.
    ///
    /// Refused: members named twice (Unicode-equivalent spellings count as one name), bytes after the value,
    /// anything but UTF-8, halves of surrogate pairs, numbers beyond a double, deeper nesting than `maxDepth`.
    ///
    /// - Parameter takesAnyText: whether values, but no names, may hold runs of more than ``CombiningMarks/longestRun``
    ///   marks: for those who neither compare nor look them up.
    /// - Complexity: O(n) time; memory at most a small multiple of the input.
    public static func parse(
        _ bytes: [UInt8], maxDepth: Int = 64, takesAnyText: Bool = false
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, maxDepth: maxDepth, takesAnyText: takesAnyText)
        return try parser.document()
    }

    /// ``parse(_:maxDepth:)`` of a string's UTF-8.
    public static func parse(_ text: String, maxDepth: Int = 64) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), maxDepth: maxDepth)
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let maxDepth: Int
    let takesAnyText: Bool
    var offset = 0

    init(bytes: [UInt8], maxDepth: Int, takesAnyText: Bool) {
        self.bytes = bytes
        self.maxDepth = maxDepth
        self.takesAnyText = takesAnyText
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw .trailingBytes(offset: offset) }
        return value
    }

    private func peek() throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw .unexpectedEnd(offset: offset) }
        return bytes[offset]
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8, _ expected: String) throws(JSONError) {
        let found = try peek()
        guard found == byte else { throw .unexpectedByte(offset: offset, found: found, expected: expected) }
        offset += 1
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        switch try peek() {
        case 0x7b: return try object(depth: depth)
        case 0x5b: return try array(depth: depth)
        case 0x22: return .string(try string(isFree: takesAnyText))
        case 0x74: return try word("true", .bool(true))
        case 0x66: return try word("false", .bool(false))
        case 0x6e: return try word("null", .null)
        case 0x2d, 0x30...0x39: return try number()
        case let found: throw .unexpectedByte(offset: offset, found: found, expected: "a value")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in text.description.utf8 { try expect(byte, "\"\(text)\"") }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < maxDepth else { throw .tooDeep(offset: offset, limit: maxDepth) }
        offset += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if try peek() == 0x7d {
            offset += 1
            return .object(members)
        }
        while true {
            skipSpace()
            let start = offset
            guard try peek() == 0x22 else {
                throw .unexpectedByte(offset: offset, found: try peek(), expected: "a member's name")
            }
            let key = try string(isFree: false)
            guard members[key] == nil else { throw .duplicateKey(offset: start, key: key) }
            skipSpace()
            try expect(0x3a, "\":\"")
            members[key] = try value(depth: depth + 1)
            skipSpace()
            if try peek() == 0x7d { break }
            try expect(0x2c, "\",\" or \"}\"")
        }
        offset += 1
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < maxDepth else { throw .tooDeep(offset: offset, limit: maxDepth) }
        offset += 1
        var values: [JSONValue] = []
        skipSpace()
        if try peek() == 0x5d {
            offset += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if try peek() == 0x5d { break }
            try expect(0x2c, "\",\" or \"]\"")
        }
        offset += 1
        return .array(values)
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        if try peek() == 0x2d { offset += 1 }
        if try peek() == 0x30 { offset += 1 } else { try digits() }
        var isInteger = true
        if offset < bytes.count, bytes[offset] == 0x2e {
            isInteger = false
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == 0x65 {
            isInteger = false
            offset += 1
            if [0x2b, 0x2d].contains(try peek()) { offset += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int64(text), integer.magnitude <= JSONValue.largestInteger.magnitude {
            return .integer(integer)
        }
        guard let number = Double(text), number.isFinite else { throw .numberOutOfRange(offset: start) }
        return .number(number)
    }

    private mutating func digits() throws(JSONError) {
        let start = offset
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
        if offset == start { throw .unexpectedByte(offset: offset, found: try peek(), expected: "a digit") }
    }

    /// - Parameter isFree: whether it may hold any run of marks.
    private mutating func string(isFree: Bool) throws(JSONError) -> String {
        offset += 1
        let start = offset
        var text: [UInt8] = []
        while true {
            let byte = try peek()
            switch byte {
            case 0x22:
                offset += 1
                guard let checked = String(validating: text, as: UTF8.self) else { throw .invalidUTF8(offset: start) }
                guard isFree || !CombiningMarks.areTooMany(in: checked) else { throw .tooManyMarks(offset: start) }
                return checked
            case 0x5c: try escape(into: &text)
            case 0..<0x20: throw .unexpectedByte(offset: offset, found: byte, expected: "an escaped control character")
            default:
                // A run that stands for itself is copied at once.
                let first = offset
                while offset < bytes.count, bytes[offset] >= 0x20, bytes[offset] != 0x22, bytes[offset] != 0x5c {
                    offset += 1
                }
                text.append(contentsOf: bytes[first..<offset])
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        let start = offset
        offset += 1
        let kind = try peek()
        offset += 1
        switch kind {
        case 0x22, 0x5c, 0x2f: text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try codeUnit()
            if (0xd800..<0xdc00).contains(code) {
                guard offset + 1 < bytes.count, bytes[offset] == 0x5c, bytes[offset + 1] == UInt8(ascii: "u") else {
                    throw .loneSurrogate(offset: start)
                }
                offset += 2
                let low = try codeUnit()
                guard (0xdc00..<0xe000).contains(low) else { throw .loneSurrogate(offset: start) }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw .loneSurrogate(offset: start) }
            text += Array(String(Character(scalar)).utf8)
        default: throw .invalidEscape(offset: start)
        }
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Hex.value(try peek()) else { throw .invalidEscape(offset: offset) }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}
