internal import Digest

/// A file of a corpus, as it was when the corpus was loaded.
struct CorpusFile: Equatable, Sendable {
    let path: String
    let holdsRows: Bool
    let digest: SHA256Digest
    /// How many documents it holds.
    let documentCount: Int
}

/// The documents of one part of a corpus, in the order of its files. They lie in the files, which are read whenever the
/// documents are wanted: a corpus may be larger than memory.
public struct Documents: Equatable, Sendable {
    let files: [CorpusFile]

    /// How many documents there are.
    public var count: Int { files.reduce(0) { $0 + $1.documentCount } }
    public var isEmpty: Bool { count == 0 }

    /// Calls `body` with every document, whole, one after the other.
    ///
    /// - Throws: `CorpusError`; `.documentTooLong` for a plain text of more than ``Document/longestRow`` bytes; and what
    ///   `body` throws.
    public func forEach(_ body: (Document) throws -> Void) throws {
        for file in files {
            var reader = try DocumentReader(file)
            var text: [UInt8] = []
            while let fragment = try reader.next() {
                switch fragment {
                case .row(let document): try body(document)
                case .stretch(let stretch):
                    text += stretch
                    guard text.count <= Document.longestRow else {
                        throw CorpusError.documentTooLong(file: file.path, limit: Document.longestRow)
                    }
                case .end: try body(Document(content: .text(String(decoding: text, as: UTF8.self)), file: file.path))
                }
            }
        }
    }

    /// All documents at once, for small corpora.
    ///
    /// - Throws: as ``forEach(_:)``.
    public func all() throws -> [Document] {
        var documents: [Document] = []
        try forEach { documents.append($0) }
        return documents
    }
}
