internal import Bytes
internal import Digest
internal import Foundation

extension Corpus {
    /// Checks the files of a corpus: a folder, or one `.jsonl`, `.txt` or `.md` file. Its documents stay in the files and
    /// are read again, and held against these digests, when they are wanted; memory holds one row or stretch at a time.
    ///
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
        let record = hasRecord ? try CorpusRecord(reading: recordPath) : nil
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
        var documents: [Part: [CorpusFile]] = [:]
        for source in sources.sorted(by: { order($0.part) < order($1.part) }) {
            let file = try ScannedFile(
                source.path, holdsRows: hasExtension(source.path, ["jsonl"]), isRead: parts.contains(source.part),
                isRecorded: record != nil)
            if let record { try check(file, name: source.name, record: record, folder: path) }
            if let error = file.error { throw error }
            files.append(
                File(
                    name: source.name, part: source.part, byteCount: file.byteCount, digest: file.digest,
                    documentCount: file.documentCount))
            guard file.documentCount > 0 else { continue }
            documents[source.part, default: []].append(
                CorpusFile(
                    path: source.path, holdsRows: file.holdsRows, digest: file.digest,
                    documentCount: file.documentCount))
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
        _ file: ScannedFile, name: String, record: CorpusRecord, folder: String
    ) throws(CorpusError) {
        guard let recorded = record.files[name] else {
            throw .unrecordedFile(file: file.path, record: folder + "/" + CorpusRecord.fileName)
        }
        guard recorded.digest == file.digest else {
            throw .digestMismatch(file: file.path, expected: recorded.digest.hex, actual: file.digest.hex)
        }
        guard recorded.byteCount == file.byteCount else {
            throw .malformedRecord(
                file: folder + "/" + CorpusRecord.fileName,
                reason: "it gives \(name) \(recorded.byteCount) bytes; the file has \(file.byteCount).")
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

/// What a first reading of a file tells.
private struct ScannedFile {
    let path: String
    let holdsRows: Bool
    let byteCount: Int
    let digest: SHA256Digest
    /// 0 for a file that is not read as text.
    let documentCount: Int
    /// A row that cannot be used, in a file whose digest matters more.
    let error: CorpusError?

    /// - Parameters:
    ///   - isRead: false for a file of which only length and digest are wanted.
    ///   - isRecorded: whether the digest will be held against a record, which comes before what stands in the file.
    init(_ path: String, holdsRows: Bool, isRead: Bool, isRecorded: Bool) throws(CorpusError) {
        let stream = try TextStream(path: path, isText: isRead)
        var found = 0
        var failure: CorpusError?
        if isRead {
            do throws(CorpusError) {
                found = try Self.countDocuments(stream, holdsRows: holdsRows)
            } catch {
                guard case .malformedRow = error, isRecorded else { throw error }
                failure = error
            }
        }
        try stream.drain()
        self.path = path
        self.holdsRows = holdsRows
        byteCount = stream.byteCount
        guard let digest = stream.digest else { throw .changed(file: path) }
        self.digest = digest
        documentCount = found
        error = failure
    }

    private static func countDocuments(_ stream: TextStream, holdsRows: Bool) throws(CorpusError) -> Int {
        guard holdsRows else {
            var text = PlainText(stream)
            var hasText = false
            while try text.next() != nil { hasText = true }
            return hasText ? 1 : 0
        }
        var lines = TextLines(stream)
        var count = 0
        while let line = try lines.next() {
            _ = try Document.row(line, of: stream.path)
            count += 1
        }
        return count
    }
}
