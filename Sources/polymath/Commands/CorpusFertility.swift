internal import Bytes
internal import CommandLineKit
internal import Corpus
internal import Digest
internal import PolymathKit

/// `polymath corpus fertility`: what a text costs in tokens.
enum CorpusFertility: Command {
    static let specification = CommandSpecification(
        path: ["corpus", "fertility"], summary: "Show tokens per byte, per character and per word",
        discussion: """
              With --parallel, the same said in another language: how many tokens this text takes for each of that one.
            """,
        operands: [.init(name: "CORPUS", help: "A collection's name, a folder or a file")],
        flags: [.base.required, .parallel, .home, .json])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let library = CorpusLibrary(home: arguments.home)
        let corpus = try library.load(arguments.requiredOperand(0))
        let parallel = try arguments.text(.parallel).map { try library.load($0) }
        let base = try arguments.loadBase()
        let tokenizer = try base.tokenizer()
        func figures(_ corpus: Corpus) throws -> Fertility {
            try Corpus.Part.allCases.reduce(Fertility()) {
                try $0 + Fertility(of: corpus.documents(of: $1), tokenizer: tokenizer)
            }
        }
        let fertility = try figures(corpus)
        var members: [String: JSONValue] = [
            "name": .string(corpus.name), "base": .string(base.name), "num_tokens": .exactly(fertility.tokens),
            "bytes": .exactly(fertility.bytes), "graphemes": .exactly(fertility.graphemes),
            "words": .exactly(fertility.words),
        ]
        var rows = [
            ("text", escaped(corpus.name)), ("tokenizer", escaped(base.title)), ("tokens", grouped(fertility.tokens)),
            ("bytes", grouped(fertility.bytes)), ("characters", grouped(fertility.graphemes)),
            ("words", grouped(fertility.words)),
        ]
        let ratios = try [
            ("tokens_per_byte", fertility.tokensPerByte), ("tokens_per_grapheme", fertility.tokensPerGrapheme),
            ("tokens_per_word", fertility.tokensPerWord),
            ("tokens_relative", parallel.flatMap { try fertility.relative(to: figures($0)) }),
        ]
        let labels = ["tokens per byte", "tokens per character", "tokens per word", "tokens relative to the parallel"]
        for ((key, value), label) in zip(ratios, labels) {
            guard let value else { continue }
            members[key] = .number(value)
            rows.append((label, fixed(value, 4)))
        }
        console.emit("fertility", members)
        console.show(table(rows))
    }
}
