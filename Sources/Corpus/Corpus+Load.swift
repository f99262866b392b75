internal import Bytes
internal import Digest
internal import Foundation

extension Corpus {
    /// Reads a corpus from a folder, or from one `.jsonl`, `.txt` or `.md` file.
    ///
    /// A folder with `train.jsonl` or `corpus.json` is a collection: `train.jsonl`, and `valid.jsonl` and `test.jsonl`
    /// where they are, checked against the digests of `corpus.json` if it is there. In any other folder every
    /// `.jsonl`, `.txt` and `.md` file is training text, subfolders included, in the order of their names' bytes,
    /// but for a `valid.jsonl` and a `test.jsonl` at its top. Hidden files and links to folders are passed over, and
    /// so are empty files beside others.
    ///
    /// - Parameter parts: what will be used. Files of other parts are held against `corpus.json` and give the corpus id
    ///   their digests, but are not read as text: their content cannot matter, nor be malformed.
    public static func load(path: String, parts: Set<Part> = Set(Part.allCases)) throws(CorpusError) -> Corpus {
        guard let kind = PathKind.at(path) else { throw .missing(path: path) }
        guard kind == .folder else {
            guard isDocumentFile(path) else { throw .unsupportedFile(path: path) }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let corpus = try read(
                path: path, record: nil, sources: [(path: path, name: name, part: .training)], parts: parts)
            guard !corpus.training.isEmpty else { throw .empty(path: path) }
            return corpus
        }
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let recordPath = folder + "/" + CorpusRecord.fileName
        let hasRecord = isFile(recordPath)
        var sources = Part.allCases.map { (path: folder + "/" + $0.fileName, name: $0.fileName, part: $0) }
        let isCollection = hasRecord || isFile(sources[0].path)
        if hasRecord, !isFile(sources[0].path) { throw .missing(path: sources[0].path) }
        sources = sources.filter { isFile($0.path) }
        if !isCollection {
            let held = Set(sources.map(\.name))
            let plain = try documentFiles(in: folder, below: "").filter { !held.contains($0) }
            sources += plain.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
                .map { (path: folder + "/" + $0, name: $0, part: .training) }
        }
        let record = hasRecord ? try CorpusRecord(parsing: TextFile(path: recordPath).bytes, path: recordPath) : nil
        let corpus = try read(path: folder, record: record, sources: sources, parts: parts)
        for source in sources
        where parts.contains(source.part) && corpus.documents(of: source.part).isEmpty
            && (isCollection || source.part != .training)
        {
            throw .empty(path: source.path)
        }
        guard !corpus.training.isEmpty else { throw .noDocuments(folder: folder) }
        return corpus
    }

    private static func read(
        path: String, record: CorpusRecord?, sources: [(path: String, name: String, part: Part)], parts: Set<Part>
    ) throws(CorpusError) -> Corpus {
        var files: [File] = []
        var documents: [Part: [Document]] = [:]
        for source in sources.sorted(by: { order($0.part) < order($1.part) }) {
            let file = try TextFile(path: source.path, isRead: parts.contains(source.part))
            if let record { try check(file, name: source.name, record: record, folder: path) }
            let found: [Document]
            if !parts.contains(source.part) {
                found = []
            } else if hasExtension(source.path, ["jsonl"]) {
                found = try Document.rows(of: file)
            } else {
                found = file.bytes.isEmpty ? [] : [Document(content: .text(file.text), file: source.path)]
            }
            files.append(
                File(
                    name: source.name, part: source.part, byteCount: file.storedByteCount, digest: file.digest,
                    documentCount: found.count))
            documents[source.part, default: []] += found
        }
        if let record,
            let absent = record.files.keys.sorted().first(where: { name in
                !files.contains { $0.name == name }
            })
        {
            throw .missing(path: path + "/" + absent)
        }
        return Corpus(path: path, record: record, files: files, documents: documents)
    }

    private static func check(
        _ file: TextFile, name: String, record: CorpusRecord, folder: String
    ) throws(CorpusError) {
        guard let recorded = record.files[name] else {
            throw .unrecordedFile(file: file.path, record: folder + "/" + CorpusRecord.fileName)
        }
        guard recorded.digest == file.digest else {
            throw .digestMismatch(file: file.path, expected: recorded.digest.hex, actual: file.digest.hex)
        }
        guard recorded.byteCount == file.storedByteCount else {
            throw .malformedRecord(
                file: folder + "/" + CorpusRecord.fileName,
                reason: "it gives \(name) \(recorded.byteCount) bytes; the file has \(file.storedByteCount).")
        }
    }

    private static func order(_ part: Part) -> Int { Part.allCases.firstIndex(of: part) ?? 0 }

    /// The names, relative to `root`, of all files below `folder` that can hold documents.
    private static func documentFiles(in root: String, below folder: String) throws(CorpusError) -> [String] {
        let path = folder.isEmpty ? root : root + "/" + folder
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .unreadable(path: path, reason: "the folder cannot be listed.")
        }
        var found: [String] = []
        for name in names where !name.hasPrefix(".") {
            let relative = folder.isEmpty ? name : folder + "/" + name
            if PathKind.at(root + "/" + relative, followingLinks: false) == .folder {
                found += try documentFiles(in: root, below: relative)
            } else if isDocumentFile(name), isFile(root + "/" + relative) {
                found.append(relative)
            }
        }
        return found
    }

    private static func isFile(_ path: String) -> Bool {
        PathKind.at(path).map { $0 != .folder } ?? false
    }

    private static func isDocumentFile(_ path: String) -> Bool { hasExtension(path, ["jsonl", "txt", "md"]) }

    private static func hasExtension(_ path: String, _ extensions: [String]) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
        return extensions.contains(name[name.index(after: dot)...].lowercased())
    }
}
