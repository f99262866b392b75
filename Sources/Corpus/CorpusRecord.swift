internal import Bytes
public import Digest

/// What `corpus.json` says of a collection: who speaks in it, under which licence, and the digests of its parts.
///
/// ```
/// { "author": "…", "bytes": {"train.jsonl": 20480, …}, "description": "…",
///   "digests": {"train.jsonl": "SHA-256 in hex", …}, "languages": ["en"], "licence": "CC0-1.0", "name": "…" }
/// ```
/// Other members are allowed and ignored.
public struct CorpusRecord: Equatable, Sendable {
    /// The file's name inside the collection's folder.
    public static let fileName = "corpus.json"

    /// What a record knows of one file.
    public struct File: Equatable, Sendable {
        public var digest: SHA256Digest
        public var byteCount: Int

        public init(digest: SHA256Digest, byteCount: Int) {
            self.digest = digest
            self.byteCount = byteCount
        }
    }

    public var name: String
    /// An SPDX expression, such as `CC0-1.0`.
    public var licence: String
    /// BCP 47 tags, such as `en`; at least one.
    public var languages: [String]
    public var description: String
    /// The person whose voice it is, invented or not.
    public var author: String
    /// The recorded files by name.
    public var files: [String: File]

    public init(
        name: String, licence: String, languages: [String], description: String, author: String,
        files: [String: File]
    ) {
        self.name = name
        self.licence = licence
        self.languages = languages
        self.description = description
        self.author = author
        self.files = files
    }

    /// Bytes of the largest record that is read.
    static let byteLimit = 1 << 20

    /// Reads a record's file.
    ///
    /// - Throws: `CorpusError`.
    init(reading path: String) throws(CorpusError) {
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path, limit: Self.byteLimit)
        } catch {
            if case .notFound = error { throw .missing(path: path) }
            throw .unreadable(path: path, reason: error.description)
        }
        var check = UTF8Check()
        if let offset = check.firstInvalidByte(bytes) ?? check.unfinished {
            throw .notUTF8(file: path, line: check.line, offset: offset)
        }
        try self.init(parsing: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes, path: path)
    }

    /// Reads a record.
    ///
    /// - Parameter path: names the file in errors.
    /// - Throws: `CorpusError.malformedRecord`.
    public init(parsing bytes: [UInt8], path: String) throws(CorpusError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes)
        } catch {
            throw .malformedRecord(file: path, reason: error.description)
        }
        guard value.asObject != nil else { throw .malformedRecord(file: path, reason: "it must be a JSON object.") }
        func string(_ key: String) throws(CorpusError) -> String {
            guard let text = value[key]?.asString, !text.isEmpty else {
                throw .malformedRecord(file: path, reason: "it needs a string \"\(key)\".")
            }
            return text
        }
        name = try string("name")
        licence = try string("licence")
        description = try string("description")
        author = try string("author")
        let tags = value["languages"]?.asArray?.map(\.asString) ?? []
        languages = tags.compactMap(\.self)
        guard !tags.isEmpty, languages.count == tags.count else {
            throw .malformedRecord(file: path, reason: "it needs an array \"languages\" of at least one language tag.")
        }
        guard let digests = value["digests"]?.asObject, let sizes = value["bytes"]?.asObject,
            Set(digests.keys) == Set(sizes.keys)
        else {
            throw .malformedRecord(
                file: path, reason: "it needs objects \"digests\" and \"bytes\" that name the same files.")
        }
        files = [:]
        for (file, digest) in digests {
            guard let digest = digest.asString.flatMap(SHA256Digest.init(hex:)), let count = sizes[file]?.asInt,
                count >= 0
            else {
                throw .malformedRecord(
                    file: path, reason: "each file needs a SHA-256 of 64 hexadecimal digits and a number of bytes.")
            }
            files[file] = File(digest: digest, byteCount: count)
        }
    }

    /// The record as JSON, to be written to `corpus.json`.
    public var json: JSONValue {
        .object([
            "name": .string(name), "licence": .string(licence), "languages": .array(languages.map(JSONValue.string)),
            "description": .string(description), "author": .string(author),
            "digests": .object(files.mapValues { .string($0.digest.hex) }),
            "bytes": .object(files.mapValues { .integer(Int64($0.byteCount)) }),
        ])
    }
}
