import Bytes
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// What an interrupted transfer keeps: its bytes in `FILE.part`, and beside them a note, `FILE.part.etag`.
///
/// The note says that the bytes are this program's, and from which version of the server's file: without one, a file of
/// that name is somebody else's, and neither gone on with nor removed.
///
///     polymath base pull ⏎
///     the server's strong entity tag, or nothing ⏎
struct PartFile {
    let path: String
    let note: PartNote
    /// Bytes that are there from an earlier transfer.
    let byteCount: Int
    private let isThere: Bool

    /// Looks at what is there, and changes nothing.
    ///
    /// - Throws: `BaseError.foreignPart`, `.irregularPart`.
    init(of file: String) throws(BaseError) {
        path = file + ".part"
        note = PartNote(path: path + ".etag")
        for path in [path, note.path] {
            guard [nil, .regularFile].contains(PathKind.at(path, followingLinks: false)) else {
                throw .irregularPart(part: path)
            }
        }
        isThere = PathKind.at(path, followingLinks: false) != nil
        let isNoted = PathKind.at(note.path, followingLinks: false) != nil
        guard note.isOwn || !isNoted && !isThere else { throw .foreignPart(part: isThere ? path : note.path) }
        byteCount = DiskSpace.size(of: path) ?? 0
    }

    /// Opens the file, or makes it and its note, for this process alone.
    ///
    /// - Throws: `BaseError.busy`, `.io`.
    func open() throws(BaseError) -> FileHandle {
        let descriptor: Int32
        let isNoted = note.isOwn
        do {
            if !isNoted { try note.write(tag: nil) }
            descriptor = try UpdatedFile.open(path, isNew: !isThere)
        } catch {
            if !isNoted, note.isOwn { try? FileManager.default.removeItem(atPath: note.path) }
            if case .notARegularFile(let path) = error { throw .irregularPart(part: path) }
            throw .io(path: path, reason: "\(error)")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .busy(part: path) }
        return handle
    }

    /// Removes both files, which are this program's.
    func discard() {
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.removeItem(atPath: note.path)
    }

    /// Gives the finished bytes their name, where nothing has it.
    func put(at file: String) throws(BaseError) {
        do {
            try Placement.move(path, toFree: file, isFolder: false)
        } catch .exists {
            throw .taken(path: file, part: path)
        } catch {
            throw .io(path: file, reason: "the finished transfer cannot be renamed")
        }
        try? FileManager.default.removeItem(atPath: note.path)
        try? FileHandle(forReadingFrom: URL(fileURLWithPath: DiskSpace.folder(of: file))).synchronize()
    }
}

/// The note beside a ``PartFile``.
struct PartNote: Sendable {
    let path: String
    private static let mark = "polymath base pull"

    private var lines: [Substring] {
        let bytes = (try? WholeFile.read(path, limit: 4096)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    var isOwn: Bool { lines.first == Self.mark[...] }

    /// The entity tag that the bytes came with; nil where there was none.
    var tag: String? {
        let lines = lines
        guard isOwn, lines.count > 1, !lines[1].isEmpty else { return nil }
        return String(lines[1])
    }

    func write(tag: String?) throws(BytesError) {
        try AtomicFile.write(Array("\(Self.mark)\n\(tag ?? "")\n".utf8), to: path, placement: isOwn ? .replacing : .new)
    }
}
