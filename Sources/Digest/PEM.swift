/// Text armour around bytes (RFC 7468): one block, lines of at most 64 characters.
enum PEM {
    static func encode(_ bytes: [UInt8], label: String) -> String {
        let text = Array(Base64.encode(bytes))
        var lines = ["-----BEGIN \(label)-----"]
        for start in stride(from: 0, to: text.count, by: 64) {
            lines.append(String(text[start..<min(start + 64, text.count)]))
        }
        lines.append("-----END \(label)-----")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The only block of the text; nil when there is none, more than one, or anything around it but white space.
    static func decode(_ text: String) -> (label: String, bytes: [UInt8])? {
        let begin = "-----BEGIN "
        let dashes = "-----"
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }.filter { !$0.isEmpty }
        guard lines.count >= 2, let first = lines.first, first.hasPrefix(begin), first.hasSuffix(dashes),
            first.count > begin.count + dashes.count
        else { return nil }
        let label = String(first.dropFirst(begin.count).dropLast(dashes.count))
        guard lines[lines.count - 1] == "-----END \(label)-----",
            let bytes = Base64.decode(lines[1..<lines.count - 1].joined())
        else { return nil }
        return (label, bytes)
    }
}
