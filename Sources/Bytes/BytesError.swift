/// What can go wrong between this process and a file, with the numbers that locate it.
public enum BytesError: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case notFound(path: String)
    case notARegularFile(path: String)
    case tooLarge(path: String, byteCount: Int, limit: Int)
    /// A file of our own would hold more bytes than its reader takes, so it is not written that far.
    case beyondLimit(path: String, byteCount: Int, limit: Int)
    /// A read of `count` bytes at `offset` where only `available` bytes follow.
    case outOfBounds(offset: Int, count: Int, available: Int)
    case io(path: String, operation: String, reason: String)
    /// Bytes that are wanted at least, and bytes that are free; nil where nobody counted.
    case noSpace(path: String, needed: Int? = nil, free: Int? = nil)
    /// The process may not have so many more addresses.
    case noMemory(path: String, byteCount: Int)
    /// The path of an open file leads elsewhere, or nowhere.
    case moved(path: String)
    /// Something has the name already that what was made should have had; what was made is gone again.
    case exists(path: String)
    /// A mapped file lost its last bytes while it was read.
    case cut(path: String)

    public var description: String {
        sentence(of: path.map { "'\(escaped($0))'" } ?? "")
    }

    /// The sentence with the file's own name for its path: for what may be handed on and must not say where on this
    /// machine anything lies.
    public var placeless: String {
        let name = path.map { $0.split(separator: "/").last.map(String.init) ?? "/" }
        return sentence(of: name.map { "'\(escaped($0))'" } ?? "")
    }

    private func sentence(of file: String) -> String {
        switch self {
        case .cannotOpen(_, let reason):
            "\(file) cannot be opened: \(reason)"
        case .notFound:
            "\(file) does not exist"
        case .notARegularFile:
            "\(file) is not a regular file"
        case .tooLarge(_, let byteCount, let limit):
            "\(file) holds \(byteCount) bytes, and at most \(limit) are read"
        case .beyondLimit(_, let byteCount, let limit):
            "\(file) would hold \(byteCount) bytes, and a file of this kind that holds more than \(limit) is never read, "
                + "so it is not written"
        case .outOfBounds(let offset, let count, let available):
            "\(count) bytes are wanted at offset \(offset), where only \(available) follow"
        case .io(_, let operation, let reason):
            "\(file) cannot be used: \(operation) failed (\(reason))"
        case .noSpace(_, let needed, let free):
            "no space is left to write \(file)"
                + (needed.map { ": at least \($0) bytes are needed" } ?? "")
                + (free.map { "\(needed == nil ? ":" : " and") \($0) are free" } ?? "")
        case .cut:
            "\(file) was cut short while it was read, so nothing can be said of it"
        case .noMemory(_, let byteCount):
            "\(file) cannot be mapped: its \(byteCount) bytes are more addresses than the limits of this process leave it"
        case .moved:
            "\(file) is no longer where it was: it was moved or removed, or its disk was unplugged"
        case .exists:
            "\(file) exists by now and stays as it is; what was made to stand there is gone again"
        }
    }

    /// What it is about; nil where that is bytes in memory.
    public var path: String? {
        switch self {
        case .cannotOpen(let path, _), .notFound(let path), .notARegularFile(let path), .tooLarge(let path, _, _),
            .beyondLimit(let path, _, _), .io(let path, _, _), .noSpace(let path, _, _), .moved(let path),
            .noMemory(let path, _), .exists(let path), .cut(let path):
            path
        case .outOfBounds: nil
        }
    }

    /// Whether it is the doing of what is written to, rather than of bytes that were read.
    public var isOfDisk: Bool {
        switch self {
        case .cannotOpen, .notFound, .io, .noSpace, .moved, .beyondLimit: true
        case .notARegularFile, .tooLarge, .outOfBounds, .exists, .noMemory, .cut: false
        }
    }

    /// This error, about the same thing under the name that somebody asked for.
    func renamed(from place: String, to path: String) -> BytesError {
        func name(_ found: String) -> String {
            found == place || found.hasPrefix(place + "/") ? path + found.dropFirst(place.count) : found
        }
        return switch self {
        case .cannotOpen(let found, let reason): .cannotOpen(path: name(found), reason: reason)
        case .notFound(let found): .notFound(path: name(found))
        case .notARegularFile(let found): .notARegularFile(path: name(found))
        case .tooLarge(let found, let count, let limit): .tooLarge(path: name(found), byteCount: count, limit: limit)
        case .outOfBounds: self
        case .io(let found, let operation, let reason): .io(path: name(found), operation: operation, reason: reason)
        case .noSpace(let found, let needed, let free): .noSpace(path: name(found), needed: needed, free: free)
        case .moved(let found): .moved(path: name(found))
        case .exists(let found): .exists(path: name(found))
        case .beyondLimit(let found, let count, let limit):
            .beyondLimit(path: name(found), byteCount: count, limit: limit)
        case .noMemory(let found, let count): .noMemory(path: name(found), byteCount: count)
        case .cut(let found): .cut(path: name(found))
        }
    }

    /// This error; where there was no space, with what was wanted and with what is free in `folder` by now.
    public func withRoom(needed: Int?, in folder: String) -> BytesError {
        guard case .noSpace(let path, let known, _) = self else { return self }
        return .noSpace(path: path, needed: needed ?? known, free: SystemCall.freeByteCount(at: folder))
    }
}
