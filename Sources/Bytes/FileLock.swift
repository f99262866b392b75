#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// An exclusive lock on a file, held until this object goes or the process ends, however it ends.
///
/// It keeps out others that ask for the lock, and nobody else.
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Locks the file without waiting.
    ///
    /// - Returns: nil where another process, or another object of this one, holds the lock.
    public init?(path: String) throws(BytesError) {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { return nil }
            throw SystemCall.failure(path, "lock", code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
