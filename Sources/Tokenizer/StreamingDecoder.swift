/// Turns ids into text one by one, withholding bytes until they make whole characters.
///
/// What it has given plus what `finish` gives is exactly `Tokenizer.decode` of all the ids.
public struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    /// The bytes of a character that has begun and may still be completed: at most three.
    private var pending: [UInt8] = []

    public init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// The text that has become certain with this id; often empty within a character of several tokens.
    public mutating func append(_ id: Int32) -> String {
        pending.append(contentsOf: tokenizer.bytes(of: id))
        let complete = pending.count - Self.unfinishedByteCount(pending)
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeFirst(complete)
        return text
    }

    /// The rest: U+FFFD when the last character was never completed, else nothing.
    public mutating func finish() -> String {
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end are the beginning of a character that more bytes could complete.
    private static func unfinishedByteCount(_ bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let lead = bytes[bytes.count - count]
            if lead & 0xC0 == 0x80 { continue }
            let length = lead >= 0xF5 || lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            guard count < length else { return 0 }
            guard count > 1 else { return 1 }
            // Some second bytes make overlong forms, surrogates or values past U+10FFFF: those are already wrong.
            let second = bytes[bytes.count - count + 1]
            let isPossible =
                switch lead {
                case 0xE0: second >= 0xA0
                case 0xED: second < 0xA0
                case 0xF0: second >= 0x90
                case 0xF4: second < 0x90
                default: true
                }
            return isPossible ? count : 0
        }
        return 0
    }
}
