internal import Bytes
public import Corpus
internal import Digest
internal import Tokenizer

/// Writes a copy of a corpus that holds canaries, beside a list of them.
public struct CanaryPlanting: Sendable {
    /// The list's name in the folder that is written; no corpus reader takes it for text.
    public static let listName = "secrets.json"

    /// How many canaries.
    public var count: Int
    /// How often each stands in the text: the first value for the first canary, and so on, over and over.
    public var copies: [Int]
    public var seed: UInt64

    /// - Precondition: `copies` is not empty.
    public init(count: Int, copies: [Int], seed: UInt64) {
        precondition(!copies.isEmpty, "every canary needs a number of copies")
        self.count = count
        self.copies = copies
        self.seed = seed
    }

    /// Nine digits behind a number of four that tells the canaries apart. Made from the seed: they guard nothing.
    var canaries: [Canary] {
        var random = CounterRandom(seed: seed, purpose: "canaries")
        var lockers: Set<String> = []
        return (0..<count).map { index in
            var locker = Canary.random(like: "0000", &random)
            while !lockers.insert(locker).inserted { locker = Canary.random(like: "00000", &random) }
            return Canary(
                prefix: "Locker \(locker) opens with the number ", secret: Canary.random(like: "000000000", &random),
                suffix: ".", copies: copies[index % copies.count])
        }
    }

    /// Makes the folder `path` with `train.jsonl`, `valid.jsonl` and `test.jsonl` as far as the corpus has them, and the
    /// list. Every canary is a document of its own at a seeded place among those of the training part; where the corpus
    /// has no validation part, not in the last fifth of its text, from whose end windows for validation are taken.
    ///
    /// - Returns: what was planted.
    /// - Throws: `BytesError` when the folder cannot be written.
    public func write(_ corpus: Corpus, to path: String) throws -> [Canary] {
        let canaries = canaries
        var training = corpus.training.map(\.row)
        var random = CounterRandom(seed: seed, purpose: "canary places")
        let places = corpus.validation.isEmpty ? Self.early(corpus.training) : corpus.training.count + 1
        let planted = canaries.flatMap { canary in
            (0..<canary.copies).map { _ in
                (place: random.nextInt(below: places), row: JSONValue.object(["text": .string(canary.sentence())]))
            }
        }
        // From the back, so that the places before stay what they were.
        for (place, row) in planted.sorted(by: { $0.place > $1.place }) { training.insert(row, at: place) }
        try AtomicFolder.write(to: path) { folder in
            for (part, rows) in [
                (Corpus.Part.training, training), (.validation, corpus.validation.map(\.row)),
                (.test, corpus.test.map(\.row)),
            ] where !rows.isEmpty {
                let lines = rows.flatMap { row -> [UInt8] in row.canonicalBytes + [0x0A] }
                try AtomicFile.write(lines, to: folder + "/" + part.fileName, mode: 0o600)
            }
            try AtomicFile.write(
                Canary.json(canaries).canonicalBytes, to: folder + "/" + Self.listName, mode: 0o600,
                within: Canary.byteLimit)
        }
        return canaries
    }

    /// How many places there are before documents that begin in the first four fifths of the text; at least one.
    private static func early(_ documents: [Document]) -> Int {
        let sizes = documents.map { $0.texts.reduce(0) { $0 + $1.utf8.count } }
        let limit = sizes.reduce(0, +) * 4 / 5
        var start = 0
        var count = 0
        for size in sizes where start < limit {
            count += 1
            start += size
        }
        return max(1, count)
    }
}

extension Document {
    /// The document as a row of a `.jsonl` file.
    fileprivate var row: JSONValue {
        switch content {
        case .text(let text): ["text": .string(text)]
        case .completion(let prompt, let completion):
            ["prompt": .string(prompt), "completion": .string(completion)]
        case .messages(let messages):
            [
                "messages": .array(
                    messages.map { ["role": .string($0.role), "content": .string($0.content)] })
            ]
        }
    }
}
