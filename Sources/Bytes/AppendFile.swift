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
    private let descriptor: Int32
    private let state: Mutex<State>

    private struct State {
        var path: String
        var end: Int
    }

    /// Opens the regular file at `path` for appending, or creates it with `mode`; a link is not followed.
    public init(path: String, mode: UInt32 = 0o600) throws(BytesError) {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOFOLLOW
        let descriptor = try SystemCall.open(path, flags, mode: mode)
        let size: Int
        do throws(BytesError) {
            size = try SystemCall.identity(of: descriptor, path: path).byteCount
            // It may be new, and its name must outlast a loss of power like what is written into it.
            if size == 0 { try SystemCall.syncFolder(SystemCall.folder(of: path)) }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        state = Mutex(State(path: path, end: size))
    }

    deinit { close(descriptor) }

    public var path: String { state.withLock { $0.path } }
    public var byteCount: Int { state.withLock { $0.end } }

    /// Says where the file is to be found from now on, since a folder above it has got another name.
    public func follow(to path: String) { state.withLock { $0.path = path } }

    /// Appends all of `bytes`; a write that fails half-way is cut off again.
    ///
    /// - Parameter limit: most bytes that the file may hold afterwards: what its reader takes.
    /// - Throws: `BytesError.moved` where the path leads elsewhere by now, `.beyondLimit`.
    public func append(_ bytes: [UInt8], within limit: Int = .max) throws(BytesError) {
        try state.withLock { (state: inout State) throws(BytesError) in
            guard bytes.count <= limit, state.end <= limit - bytes.count else {
                throw .beyondLimit(path: state.path, byteCount: state.end + bytes.count, limit: limit)
            }
            guard SystemCall.leads(state.path, to: descriptor) else { throw .moved(path: state.path) }
            do throws(BytesError) {
                try unsafe SystemCall.writeAll(descriptor, bytes.span.bytes, path: state.path)
            } catch {
                _ = ftruncate(descriptor, off_t(state.end))
                throw error.withRoom(needed: bytes.count, in: SystemCall.folder(of: state.path))
            }
            state.end += bytes.count
        }
    }

    /// Cuts the file to its first `byteCount` bytes: how a torn last line is dropped.
    public func truncate(to byteCount: Int) throws(BytesError) {
        try state.withLock { (state: inout State) throws(BytesError) in
            guard byteCount >= 0, byteCount <= state.end else {
                throw .outOfBounds(offset: byteCount, count: 0, available: max(0, state.end - byteCount))
            }
            guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
                throw SystemCall.failure(state.path, "truncate", errno)
            }
            state.end = byteCount
        }
    }

    /// Returns once the bytes are on the medium.
    public func sync() throws(BytesError) {
        try SystemCall.sync(descriptor, path: path)
    }
}
