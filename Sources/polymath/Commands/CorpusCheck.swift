internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Corpus
internal import Digest
internal import PolymathKit

/// `polymath corpus check`: whether a corpus is fit to train on.
enum CheckCorpus: Command {
    static let specification = CommandSpecification(
        path: ["corpus", "check"], summary: "Check a corpus: form, digests, and that its parts share no text",
        discussion: """
              No eight words in a row may stand in two parts, or a figure on the test part would flatter. With --base,
              tokens and windows are counted too, and --show-mask prints every token, those that count marked with +.
            """,
        operands: [.init(name: "CORPUS", help: "A collection's name, a folder or a file")],
        flags: [.base, .seqLen, .showMask, .part, .home, .json],
        exits: [.init(.mismatch, "a file differs from its digest in corpus.json, or two parts share text")])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let corpus = try CorpusLibrary(home: arguments.home).load(arguments.requiredOperand(0))
        if arguments.isOn(.showMask), arguments.text(.base) == nil {
            throw UsageError.impossible("--show-mask needs a tokenizer: give --base BASE.")
        }
        let check = try CorpusCheck(corpus, memoryLimit: MemoryRoom.byteCount)
        let tokenizer = try arguments.text(.base).map { _ in try arguments.loadBase().tokenizer() }
        let length = try arguments.requiredInteger(.seqLen)
        console.show(
            "\(escaped(corpus.name)): digests \(check.hasRecord ? "match corpus.json" : "not recorded (no corpus.json)")"
        )
        for figures in check.parts {
            var members: [String: JSONValue] = [
                "part": .string(figures.part.rawValue), "documents": .exactly(figures.documents),
                "bytes": .exactly(figures.bytes), "words": .exactly(figures.words),
            ]
            var line =
                "\(figures.part.rawValue): \(grouped(figures.documents)) documents, \(grouped(figures.bytes)) bytes, "
                + "\(grouped(figures.words)) words"
            if let tokenizer {
                let stream = try TokenStream(corpus.documents(of: figures.part), tokenizer: tokenizer)
                let windows = try Windows(stream, sequenceLength: length)
                members["num_tokens"] = .exactly(stream.count)
                members["counted_tokens"] = .exactly(stream.countedCount)
                members["num_windows"] = .exactly(windows.count)
                line +=
                    "; \(grouped(stream.count)) tokens, \(grouped(stream.countedCount)) counted, "
                    + "\(grouped(windows.count)) windows of \(length)"
            }
            console.emit("corpus_part", members)
            console.show(line)
        }
        if arguments.isOn(.showMask), let tokenizer {
            try showMask(corpus, MaskListing(tokenizer), part: arguments.text(.part), console)
        }
        for shared in check.sharedRuns {
            let words = shared.words.joined(separator: " ")
            console.emit(
                "shared_text",
                [
                    "words": .string(words), "first": .string(shared.first.description),
                    "second": .string(shared.second.description),
                ])
            console.show(
                "shared: \"\(escaped(words))\" in \(escaped(shared.first.description)) and "
                    + escaped(shared.second.description))
        }
        console.emit("corpus_check", ["name": .string(corpus.name), "clean": .bool(check.isClean)])
        guard check.isClean else { throw InputError.sharedText(corpus: corpus.name, count: check.sharedRuns.count) }
        console.show("no \(CorpusCheck.sharedRun) words in a row stand in two parts")
    }

    private static func showMask(
        _ corpus: Corpus, _ listing: MaskListing, part: String?, _ console: Console
    ) throws {
        let parts: [Corpus.Part] =
            switch part {
            case "train": [.training]
            case "valid": [.validation]
            case "test": [.test]
            default: Corpus.Part.allCases
            }
        for part in parts {
            try corpus.documents(of: part).forEach { document in
                guard !console.isOutputClosed else { return }
                let lines = try listing.lines(for: document)
                console.emit("mask", ["lines": .array(lines.map { .string($0) })])
                for line in lines { console.show(line) }
            }
        }
    }
}
