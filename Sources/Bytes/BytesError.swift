/// What can go wrong between this process and a file, with the numbers that locate it.
public enum BytesError: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case notFound(path: String)
    case notARegularFile(path: String)
    case tooLarge(path: String, byteCount: Int, limit: Int)
    /// A read of `count` bytes at `offset` where only `available` bytes follow.
    case outOfBounds(offset: Int, count: Int, available: Int)
    case io(path: String, operation: String, reason: String)
    /// Bytes that are wanted at least, and bytes that are free; nil where nobody counted.
    case noSpace(path: String, needed: Int? = nil, free: Int? = nil)
    /// The path of an open file leads elsewhere, or nowhere.
    case moved(path: String)
    /// A mapped file lost its last bytes while it was read.
    case cut(path: String)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "'\(escaped(path))' cannot be opened: \(reason)"
        case .notFound(let path):
            "'\(escaped(path))' does not exist"
        case .notARegularFile(let path):
            "'\(escaped(path))' is not a regular file"
        case .tooLarge(let path, let byteCount, let limit):
            "'\(escaped(path))' holds \(byteCount) bytes, and at most \(limit) are read"
        case .outOfBounds(let offset, let count, let available):
            "\(count) bytes are wanted at offset \(offset), where only \(available) follow"
        case .io(let path, let operation, let reason):
            "'\(escaped(path))' cannot be used: \(operation) failed (\(reason))"
        case .noSpace(let path, let needed, let free):
            "no space is left to write '\(escaped(path))'"
                + (needed.map { ": at least \($0) bytes are needed" } ?? "")
                + (free.map { "\(needed == nil ? ":" : " and") \($0) are free" } ?? "")
        case .cut(let path):
            "'\(escaped(path))' was cut short while it was read, so nothing can be said of it"
        case .moved(let path):
            "'\(escaped(path))' is no longer where it was: it was moved or removed, or its disk was unplugged"
        }
    }

    /// What it is about; nil where that is bytes in memory.
    public var path: String? {
        switch self {
        case .cannotOpen(let path, _), .notFound(let path), .notARegularFile(let path), .tooLarge(let path, _, _),
            .io(let path, _, _), .noSpace(let path, _, _), .moved(let path),
            .cut(let path):
            path
        case .outOfBounds: nil
        }
    }

    /// Whether it is the disk's doing rather than the bytes'.
    public var isOfDisk: Bool {
        switch self {
        case .cannotOpen, .notFound, .io, .noSpace, .moved: true
        case .notARegularFile, .tooLarge, .outOfBounds, .cut: false
        }
    }

    /// This error; where there was no space, with what was wanted and with what is free in `folder` by now.
    public func withRoom(needed: Int?, in folder: String) -> BytesError {
        guard case .noSpace(let path, let known, _) = self else { return self }
        return .noSpace(path: path, needed: needed ?? known, free: SystemCall.freeByteCount(at: folder))
    }
}
