internal import Bytes
public import Tokenizer

/// What `corpus check --show-mask` prints: every token on its own line, the counted ones marked with a `+`.
///
/// ```
/// train.jsonl:3, 6 tokens, 2 counted
///       9707  Hello
///   +     11  ,
/// ```
/// Control, direction and newline characters are escaped; a token that is half a character is shown as its bytes.
public struct MaskListing: Sendable {
    private let tokenizer: Tokenizer

    public init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// The lines for one document.
    ///
    /// - Throws: `CorpusError.tokenizer` when the vocabulary lacks the token that the document's layout needs.
    public func lines(for document: Document) throws(CorpusError) -> [String] {
        let masked = try TokenStream.layout(document, tokenizer: tokenizer)
        let place = escaped(document.file) + (document.line.map { ":\($0)" } ?? "")
        let countedCount = masked.counted.count { $0 }
        return ["\(place), \(masked.tokens.count) tokens, \(countedCount) counted"]
            + zip(masked.tokens, masked.counted).map { token, isCounted in
                let id = String(token)
                let padding = String(repeating: " ", count: max(0, 7 - id.count))
                return "  \(isCounted ? "+" : " ")\(padding)\(id)  \(shown(token))"
            }
    }

    /// A token's text; its bytes in hexadecimal when they are not whole characters.
    private func shown(_ token: Int32) -> String {
        let bytes = tokenizer.bytes(of: token)
        let text = String(decoding: bytes, as: UTF8.self)
        guard Array(text.utf8) == bytes else {
            return bytes.map { byte in "<" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">" }
                .joined()
        }
        return escaped(text)
    }
}
