internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Corpus
internal import Digest
internal import PolymathKit

/// `polymath corpus list`: the collections at hand.
enum CorpusList: Command {
    static let specification = CommandSpecification(
        path: ["corpus", "list"], summary: "List the collections of text at hand", flags: [.home, .json],
        exits: [.init(.mismatch, "a file differs from its digest in corpus.json")])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let library = CorpusLibrary(home: arguments.home)
        let names = library.names
        if names.isEmpty { console.note("There are no collections in \(escaped(library.folder)).") }
        for name in names {
            let corpus = try library.load(name)
            let languages = corpus.record?.languages ?? []
            console.emit(
                "corpus",
                [
                    "name": .string(name), "path": .string(corpus.path),
                    "licence": .string(corpus.record?.licence ?? ""),
                    "languages": .array(languages.map { .string($0) }),
                    "description": .string(corpus.record?.description ?? ""),
                    "bytes": .object(
                        Dictionary(
                            uniqueKeysWithValues: Corpus.Part.allCases.map {
                                ($0.rawValue, .exactly(corpus.byteCount(of: $0)))
                            })),
                ])
            console.show(
                "\(escaped(name))  \(languages.map { escaped($0) }.joined(separator: ", "))  "
                    + "\(escaped(corpus.record?.licence ?? "no licence on record"))")
            if let description = corpus.record?.description, !description.isEmpty {
                console.show("  " + escaped(description, limit: 300))
            }
            let sizes = Corpus.Part.allCases.filter { !corpus.documents(of: $0).isEmpty }.map { part in
                "\(part.rawValue) \(grouped(corpus.byteCount(of: part))) bytes in \(corpus.documents(of: part).count) documents"
            }
            console.show("  " + sizes.joined(separator: "; "))
        }
    }
}
