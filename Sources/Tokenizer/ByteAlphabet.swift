/// GPT-2's spelling of bytes as printable characters, in which ordinary tokens are stored.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 take the characters from U+0100 on, in order.
/// So a space is `Ġ` (U+0120) and a newline `Ċ` (U+010A).
enum ByteAlphabet {
    /// The byte that each character from U+0000 to U+0143 spells, or -1.
    private static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0..<256 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                table[byte] = Int16(byte)
            default:
                table[next] = Int16(byte)
                next += 1
            }
        }
        return table
    }()

    /// Appends the bytes that a stored token stands for.
    ///
    /// - Returns: false when it is not spelt in this alphabet; `bytes` may then have grown.
    static func decode(_ stored: ArraySlice<UInt8>, appendingTo bytes: inout [UInt8]) -> Bool {
        var index = stored.startIndex
        while index < stored.endIndex {
            let first = stored[index]
            var scalar = Int(first)
            index += 1
            if first >= 0x80 {
                guard first & 0xE0 == 0xC0, index < stored.endIndex, stored[index] & 0xC0 == 0x80 else { return false }
                scalar = Int(first & 0x1F) << 6 | Int(stored[index] & 0x3F)
                index += 1
                guard scalar >= 0x80 else { return false }
            }
            guard scalar < Self.bytes.count, Self.bytes[scalar] >= 0 else { return false }
            bytes.append(UInt8(Self.bytes[scalar]))
        }
        return true
    }
}
