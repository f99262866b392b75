internal import Tokenizer

/// What `corpus check` finds: the sizes of the parts, and whether any two share text.
///
/// Digests are checked when the corpus is loaded; a corpus that is here has passed them.
public struct CorpusCheck: Equatable, Sendable {
    /// Consecutive words that two parts must not share, without case and punctuation.
    public static let sharedRun = 8

    /// The sizes of one part.
    public struct PartFigures: Equatable, Sendable {
        public var part: Corpus.Part
        public var documents: Int
        /// Length of its files as stored.
        public var bytes: Int
        public var words: Int
    }

    /// Eight words that stand in two parts.
    public struct SharedRun: Equatable, Sendable {
        public var words: [String]
        public var first: Place
        public var second: Place
    }

    /// A document of a part.
    public struct Place: Equatable, Sendable, CustomStringConvertible {
        public var part: Corpus.Part
        public var file: String
        public var line: Int?

        public var description: String { line.map { "\(file):\($0)" } ?? file }
    }

    /// The parts that are there.
    public let parts: [PartFigures]
    /// The first shared run of each document that shares one with an earlier part.
    public let sharedRuns: [SharedRun]
    /// Whether `corpus.json` recorded the digests that were checked.
    public let hasRecord: Bool

    public var isClean: Bool { sharedRuns.isEmpty }

    /// Bytes of memory that one run of an earlier part takes, while the table of runs grows.
    private static let bytesOfRun = 96

    /// Checks a loaded corpus.
    ///
    /// - Parameter memoryLimit: bytes that the runs of earlier parts may take.
    /// - Throws: `CorpusError`; `.tooManyRuns` where they take more.
    /// - Complexity: O(n) time in the words of all parts; memory for the earlier parts' runs.
    public init(_ corpus: Corpus, memoryLimit: Int = .max) throws(CorpusError) {
        var parts: [PartFigures] = []
        var shared: [SharedRun] = []
        var places: [Place] = []
        var seen: [WordRun: UInt32] = [:]
        let filled = Corpus.Part.allCases.filter { !corpus.documents(of: $0).isEmpty }
        for part in filled {
            let isLast = part == filled.last
            var own: [WordRun: UInt32] = [:]
            var document = RunsOfDocument()
            var found: SharedRun?
            var wordCount = 0
            func add(_ text: String, _ place: Place) throws(CorpusError) {
                for word in Words.words(of: text) {
                    wordCount += 1
                    guard let run = document.add(word.lowercased()) else { continue }
                    if found == nil, let earlier = seen[run] {
                        found = SharedRun(words: document.words, first: places[Int(earlier)], second: place)
                    }
                    guard !isLast, own[run] == nil else { continue }
                    guard own.count + seen.count < memoryLimit / Self.bytesOfRun else {
                        throw .tooManyRuns(file: place.file, limit: memoryLimit)
                    }
                    if places.last != place { places.append(place) }
                    own[run] = UInt32(places.count - 1)
                }
            }
            func close() {
                if let found { shared.append(found) }
                found = nil
                document = RunsOfDocument()
            }
            for file in corpus.documents(of: part).files {
                var reader = try DocumentReader(file, keepingWords: true)
                while let fragment = try reader.next() {
                    switch fragment {
                    case .row(let row):
                        for text in row.texts { try add(text, Place(part: part, file: file.path, line: row.line)) }
                        close()
                    case .stretch(let stretch):
                        try add(String(decoding: stretch, as: UTF8.self), Place(part: part, file: file.path, line: nil))
                    case .end: close()
                    }
                }
            }
            if seen.isEmpty { seen = own } else { seen.merge(own) { earlier, _ in earlier } }
            parts.append(
                PartFigures(
                    part: part, documents: corpus.documents(of: part).count, bytes: corpus.byteCount(of: part),
                    words: wordCount))
        }
        self.parts = parts
        sharedRuns = shared
        hasRecord = corpus.record != nil
    }
}

/// A run of words by two hashes under keys that are drawn anew for each process: what two runs have in common, two
/// different ones have with a chance of 2⁻¹²⁸.
private struct WordRun: Hashable {
    let first: Int
    let second: Int
}

/// The last words of a document, and their run.
private struct RunsOfDocument {
    private var last: [(word: String, hash: WordRun)] = []

    var words: [String] { last.map(\.word) }

    /// The run that ends with this word; nil before there are enough words.
    mutating func add(_ word: String) -> WordRun? {
        if last.count == CorpusCheck.sharedRun { last.removeFirst() }
        // Spellings that mean the same are one word. A string's own hash would compose marks in the square of their number.
        let form = Normalization.composed(Array(word.utf8))
        let hash = WordRun { key, hasher in
            hasher.combine(key)
            hasher.combine(form)
        }
        last.append((word, hash))
        guard last.count == CorpusCheck.sharedRun else { return nil }
        return WordRun { key, hasher in
            for (_, hash) in last { hasher.combine(key == 1 ? hash.first : hash.second) }
        }
    }
}

extension WordRun {
    fileprivate init(_ combine: (_ key: Int, _ hasher: inout Hasher) -> Void) {
        func hash(_ key: Int) -> Int {
            var hasher = Hasher()
            combine(key, &hasher)
            return hasher.finalize()
        }
        self.init(first: hash(1), second: hash(2))
    }
}
