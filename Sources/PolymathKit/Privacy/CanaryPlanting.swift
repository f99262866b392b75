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
        let documents = corpus.training
        var random = CounterRandom(seed: seed, purpose: "canary places")
        let places = corpus.validation.isEmpty ? try Self.early(documents) : documents.count + 1
        var planted: [Int: [JSONValue]] = [:]
        for canary in canaries {
            for _ in 0..<canary.copies {
                // Of those that come to one place, the last is written first.
                planted[random.nextInt(below: places), default: []].insert(["text": .string(canary.sentence())], at: 0)
            }
        }
        try AtomicFolder.write(to: path) { folder in
            for part in Corpus.Part.allCases where !corpus.documents(of: part).isEmpty {
                try AtomicFile.write(to: folder + "/" + part.fileName, mode: 0o600) { sink in
                    var place = 0
                    func plant() throws {
                        guard part == .training else { return }
                        for row in planted[place] ?? [] { try sink.write(row.canonicalBytes + [0x0A]) }
                    }
                    try corpus.documents(of: part).forEach { document in
                        try plant()
                        place += 1
                        let row = document.row.canonicalBytes
                        // What is escaped takes more room than it did.
                        guard row.count <= Document.longestRow else {
                            throw CorpusError.documentTooLong(file: document.file, limit: Document.longestRow)
                        }
                        try sink.write(row + [0x0A])
                    }
                    try plant()
                }
            }
            try AtomicFile.write(
                Canary.json(canaries).canonicalBytes, to: folder + "/" + Self.listName, mode: 0o600,
                within: Canary.byteLimit)
        }
        return canaries
    }

    /// How many places there are before documents that begin in the first four fifths of the text; at least one.
    private static func early(_ documents: Documents) throws -> Int {
        func size(_ document: Document) -> Int { document.texts.reduce(0) { $0 + $1.utf8.count } }
        var total = 0
        try documents.forEach { total += size($0) }
        let limit = total * 4 / 5
        var start = 0
        var count = 0
        try documents.forEach { document in
            guard start < limit else { return }
            count += 1
            start += size(document)
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
