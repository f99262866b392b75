// Files that appear whole or not at all.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Where a streamed file's bytes go, in order.
public final class FileSink {
    public let path: String
    /// Bytes taken so far.
    public private(set) var byteCount = 0
    private let descriptor: Int32
    private var pending: [UInt8] = []
    private static let pendingLimit = 1 << 18

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    public func write(_ bytes: RawSpan) throws(BytesError) {
        byteCount += bytes.byteCount
        if pending.count + bytes.byteCount <= Self.pendingLimit {
            unsafe bytes.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
        } else {
            try flush()
            try SystemCall.writeAll(descriptor, bytes, path: path)
        }
    }

    public func write(_ bytes: [UInt8]) throws(BytesError) {
        try unsafe write(bytes.span.bytes)
    }

    public func write(_ region: ByteRegion) throws(BytesError) {
        try region.withBytes { bytes throws(BytesError) in try write(bytes) }
    }

    func flush() throws(BytesError) {
        let waiting = pending
        try unsafe SystemCall.writeAll(descriptor, waiting.span.bytes, path: path)
        pending = []
    }
}

/// Replaces a file in one step: a temporary file in the same folder, synced, renamed, and the folder synced.
///
/// Whatever fails, the old file stays as it was and the temporary one is removed.
public enum AtomicFile {
    public static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, sync: Bool = true
    ) throws(BytesError) {
        do {
            try write(to: path, mode: mode, sync: sync) { sink in try sink.write(bytes) }
        } catch let error as BytesError {
            throw error
        } catch {
            throw .io(path: path, operation: "write", reason: "\(error)")
        }
    }

    /// Streams a file: `body` writes its bytes in order; when it throws, nothing appears at `path`.
    @discardableResult
    public static func write<Result>(
        to path: String, mode: UInt32 = 0o644, sync: Bool = true, _ body: (FileSink) throws -> Result
    ) throws -> Result {
        // A rename would put a file in the place of a device or a pipe, which others may need.
        // `/dev/stdout` is a link to one.
        if PathKind.at(path) == .other { throw BytesError.notARegularFile(path: path) }
        let (folder, name) = split(path)
        let temporary =
            folder + "." + name.prefix(80) + "." + String(UInt64.random(in: 0 ... .max), radix: 36) + ".part"
        let descriptor: Int32
        do {
            descriptor = try SystemCall.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        } catch BytesError.cannotOpen(_, let reason) {
            // Nobody asked for the temporary file.
            throw BytesError.io(path: path, operation: "write", reason: reason)
        } catch BytesError.notFound {
            throw BytesError.notFound(path: folder)
        }
        var isOpen = true
        let sink = FileSink(path: path, descriptor: descriptor)
        do {
            let result = try body(sink)
            try sink.flush()
            if sync { try SystemCall.sync(descriptor, path: path) }
            isOpen = false
            guard close(descriptor) == 0 else { throw SystemCall.failure(path, "close", errno) }
            guard unsafe rename(temporary, path) == 0 else { throw SystemCall.failure(path, "rename", errno) }
            if sync { try SystemCall.syncFolder(folder) }
            return result
        } catch {
            if isOpen { close(descriptor) }
            unsafe unlink(temporary)
            guard let error = error as? BytesError else { throw error }
            throw error.withRoom(needed: sink.byteCount, in: folder)
        }
    }

    /// Folder with its trailing slash ("./" when the path names none), and the last component.
    private static func split(_ path: String) -> (folder: String, name: Substring) {
        (SystemCall.folder(of: path), path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? Substring(path))
    }
}
