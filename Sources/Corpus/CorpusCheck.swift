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

    /// Checks a loaded corpus.
    ///
    /// - Complexity: O(n) time in the words of all parts; memory for the earlier parts' runs.
    public init(_ corpus: Corpus) {
        var parts: [PartFigures] = []
        var shared: [SharedRun] = []
        // Words and places are numbered, so that a run costs a few bytes whatever its words are.
        var numbers: [String: UInt32] = [:]
        var places: [Place] = []
        var seen: [[UInt32]: Int] = [:]
        for part in Corpus.Part.allCases {
            let documents = corpus.documents(of: part)
            guard !documents.isEmpty else { continue }
            var wordCount = 0
            var own: [[UInt32]: Int] = [:]
            for document in documents {
                let words = document.texts.flatMap(Words.folded)
                wordCount += words.count
                let ids = words.map { word in
                    let id = numbers[word] ?? UInt32(numbers.count)
                    numbers[word] = id
                    return id
                }
                let place = Place(part: part, file: document.file, line: document.line)
                places.append(place)
                var found: SharedRun?
                for start in 0..<max(0, words.count - Self.sharedRun + 1) {
                    let run = Array(ids[start..<start + Self.sharedRun])
                    if found == nil, let earlier = seen[run] {
                        let spelled = Array(words[start..<start + Self.sharedRun])
                        found = SharedRun(words: spelled, first: places[earlier], second: place)
                    }
                    if own[run] == nil { own[run] = places.count - 1 }
                }
                if let found { shared.append(found) }
            }
            seen.merge(own) { earlier, _ in earlier }
            parts.append(
                PartFigures(
                    part: part, documents: documents.count, bytes: corpus.byteCount(of: part), words: wordCount))
        }
        self.parts = parts
        sharedRuns = shared
        hasRecord = corpus.record != nil
    }
}
