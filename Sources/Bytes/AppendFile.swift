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
    public func append(_ bytes: [UInt8]) throws(BytesError) {
        try end.withLock { (end: inout Int) throws(BytesError) in
            do throws(BytesError) {
                try unsafe SystemCall.writeAll(descriptor, bytes.span.bytes, path: path)
            } catch {
                _ = ftruncate(descriptor, off_t(end))
                throw error
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
