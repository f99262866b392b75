internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit
internal import Tokenizer

/// `polymath tokenize`: text from standard input as token ids.
enum Tokenize: Command {
    static let specification = CommandSpecification(
        path: ["tokenize"], summary: "Turn text from standard input into token ids",
        discussion: """
              Without --json, all of standard input is one text, and its ids come out on one line. With --json, every
              line of input is a JSON string and gives one line with a JSON array of ids. Text that looks like a
              control token is text, unless --control-tokens is given.
            """,
        flags: [.base.required, .controlTokens, .home, .json],
        examples: ["echo -n \"Hello\" | polymath tokenize --base nano"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let tokenizer = try arguments.loadBase().tokenizer()
        let parses = arguments.isOn(.controlTokens)
        guard console.isJSON else {
            let text = try InputText.decode(
                try StandardInput.all(limit: InputLines.byteLimit), kind: "text on standard input")
            let ids = tokenizer.encode(text, parsingControlTokens: parses)
            console.put(line: ids.map { String($0) }.joined(separator: " "))
            return
        }
        var lines = InputLines()
        while let line = try lines.next(), !console.isOutputClosed {
            guard let text = (try? JSONValue.parse(line.bytes, takesAnyText: true))?.asString else {
                throw InputError.notAString(line: line.number)
            }
            let ids = tokenizer.encode(text, parsingControlTokens: parses)
            console.put(line: "[" + ids.map { String($0) }.joined(separator: ",") + "]")
        }
    }
}

/// Standard input line by line, each as soon as it is complete, so that a program can converse.
private struct InputLines {
    /// Most bytes of a line, and of a text that is not taken line by line.
    static let byteLimit = 16 << 20
    private var pending: [UInt8] = []
    private var searched = 0
    private var isAtEnd = false
    private var number = 0

    /// The next line without its newline; nil at the end. Empty lines are skipped.
    mutating func next() throws -> (bytes: [UInt8], number: Int)? {
        while true {
            if let newline = pending[searched...].firstIndex(of: 0x0A) {
                let line = Array(pending[..<newline])
                pending.removeFirst(newline + 1)
                searched = 0
                number += 1
                if !line.isEmpty { return (line, number) }
                continue
            }
            searched = pending.count
            if isAtEnd {
                guard !pending.isEmpty else { return nil }
                defer { (pending, searched) = ([], 0) }
                return (pending, number + 1)
            }
            guard pending.count <= Self.byteLimit else {
                throw BytesError.tooLarge(
                    path: "line \(number + 1) of standard input", byteCount: pending.count, limit: Self.byteLimit)
            }
            let bytes = try StandardInput.next()
            if bytes.isEmpty { isAtEnd = true } else { pending += bytes }
        }
    }
}
