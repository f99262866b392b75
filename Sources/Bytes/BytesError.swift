/// What can go wrong between this process and a file, with the numbers that locate it.
public enum BytesError: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case notFound(path: String)
    case notARegularFile(path: String)
    case tooLarge(path: String, byteCount: Int, limit: Int)
    /// A read of `count` bytes at `offset` where only `available` bytes follow.
    case outOfBounds(offset: Int, count: Int, available: Int)
    case io(path: String, operation: String, reason: String)
    case noSpace(path: String)

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
        case .noSpace(let path):
            "no space is left to write '\(escaped(path))'"
        }
    }
}
