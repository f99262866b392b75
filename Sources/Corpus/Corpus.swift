public import Digest

/// A collection of documents in up to three parts: training, validation and test.
public struct Corpus: Equatable, Sendable {
    /// The parts, and the file that holds each in a collection.
    public enum Part: String, CaseIterable, Sendable {
        case training, validation, test

        public var fileName: String {
            switch self {
            case .training: "train.jsonl"
            case .validation: "valid.jsonl"
            case .test: "test.jsonl"
            }
        }
    }

    /// One file that was read.
    public struct File: Equatable, Sendable {
        /// The path below the corpus's folder, or the file's name.
        public var name: String
        public var part: Part
        /// Length as stored, in bytes.
        public var byteCount: Int
        public var digest: SHA256Digest
        /// The number of documents it gave; 0 where its part was not asked for.
        public var documentCount: Int
    }

    /// The folder or file it was read from.
    public let path: String
    /// What `corpus.json` says, when there is one; its digests have been checked.
    public let record: CorpusRecord?
    /// The files, by part and then by name.
    public let files: [File]
    public let training: Documents
    /// Empty when the corpus has no `valid.jsonl`: then the last windows of the training part serve.
    public let validation: Documents
    /// Empty when the corpus has no `test.jsonl`.
    public let test: Documents

    init(path: String, record: CorpusRecord?, files: [File], documents: [Part: [CorpusFile]]) {
        self.path = path
        self.record = record
        self.files = files
        training = Documents(files: documents[.training] ?? [])
        validation = Documents(files: documents[.validation] ?? [])
        test = Documents(files: documents[.test] ?? [])
    }

    /// The record's name, else the last component of the path.
    public var name: String {
        record?.name ?? path.split(separator: "/").last.map(String.init) ?? path
    }

    public func documents(of part: Part) -> Documents {
        switch part {
        case .training: training
        case .validation: validation
        case .test: test
        }
    }

    /// The length of one part's files as stored, in bytes.
    public func byteCount(of part: Part) -> Int {
        files.filter { $0.part == part }.reduce(0) { $0 + $1.byteCount }
    }

    /// The corpus id: HMAC-SHA256 under `key` of the canonical JSON `{part: [SHA-256 of each file in order]}`.
    ///
    /// File names are no part of it. It is keyed because a bare digest would confirm a guessed text.
    public func id(key: [UInt8]) -> SHA256Digest {
        Self.id(key: key, digests: Dictionary(grouping: files, by: \.part).mapValues { $0.map(\.digest) })
    }

    static func id(key: [UInt8], digests: [Part: [SHA256Digest]]) -> SHA256Digest {
        var members: [String: JSONValue] = [:]
        for (part, digests) in digests { members[part.rawValue] = .array(digests.map { .string($0.hex) }) }
        return HMACSHA256.code(key: key, message: JSONValue.object(members).canonicalBytes)
    }
}
