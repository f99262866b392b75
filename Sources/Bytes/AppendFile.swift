// A log that only grows.

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// An append-only file; each `append` lands whole or is undone.
///
/// What is appended while the path leads elsewhere would be lost with the descriptor, so that is an error.
public final class AppendFile: Sendable {
    public let path: String
    private let descriptor: Int32
    private let end: Mutex<Int>

    /// Opens the file at `path` for appending, or creates it with `mode`.
    public init(path: String, mode: UInt32 = 0o600) throws(BytesError) {
        let descriptor = try SystemCall.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, mode: mode)
        let size: Int
        do throws(BytesError) {
            size = try SystemCall.identity(of: descriptor, path: path).byteCount
            // It may be new, and its name must outlast a loss of power like what is written into it.
            if size == 0 { try SystemCall.syncFolder(SystemCall.folder(of: path)) }
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        end = Mutex(size)
    }

    deinit { close(descriptor) }

    public var byteCount: Int { end.withLock { $0 } }

    /// Appends all of `bytes`; a write that fails half-way is cut off again.
    ///
    /// - Parameter limit: most bytes that the file may hold afterwards: what its reader takes.
    /// - Throws: `BytesError.moved` where the path leads elsewhere by now, `.beyondLimit`.
    public func append(_ bytes: [UInt8], within limit: Int = .max) throws(BytesError) {
        try end.withLock { (end: inout Int) throws(BytesError) in
            guard bytes.count <= limit, end <= limit - bytes.count else {
                throw .beyondLimit(path: path, byteCount: end + bytes.count, limit: limit)
            }
            guard SystemCall.leads(path, to: descriptor) else { throw .moved(path: path) }
            do throws(BytesError) {
                try unsafe SystemCall.writeAll(descriptor, bytes.span.bytes, path: path)
            } catch {
                _ = ftruncate(descriptor, off_t(end))
                throw error.withRoom(needed: bytes.count, in: SystemCall.folder(of: path))
            }
            end += bytes.count
        }
    }

    /// Cuts the file to its first `byteCount` bytes: how a torn last line is dropped.
    public func truncate(to byteCount: Int) throws(BytesError) {
        try end.withLock { (end: inout Int) throws(BytesError) in
            guard byteCount >= 0, byteCount <= end else {
                throw .outOfBounds(offset: byteCount, count: 0, available: max(0, end - byteCount))
            }
            guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
                throw SystemCall.failure(path, "truncate", errno)
            }
            end = byteCount
        }
    }

    /// Returns once the bytes are on the medium.
    public func sync() throws(BytesError) {
        try SystemCall.sync(descriptor, path: path)
    }
}
