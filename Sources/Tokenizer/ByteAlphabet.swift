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

    /// The bytes that a stored token stands for, or nil when it is not spelt in this alphabet.
    static func decode(_ stored: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var iterator = stored.makeIterator()
        while let first = iterator.next() {
            let scalar: Int
            if first < 0x80 {
                scalar = Int(first)
            } else if first & 0xE0 == 0xC0, let second = iterator.next(), second & 0xC0 == 0x80 {
                scalar = Int(first & 0x1F) << 6 | Int(second & 0x3F)
            } else {
                return nil
            }
            guard scalar < bytes.count, bytes[scalar] >= 0, first < 0x80 || scalar >= 0x80 else { return nil }
            result.append(UInt8(bytes[scalar]))
        }
        return result
    }
}
