// The few system calls of this room, with their error numbers turned into `BytesError`.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

enum SystemCall {
    #if canImport(Darwin)
        static let anonymousMap = MAP_ANON
    #else
        static let anonymousMap = Int32(MAP_ANONYMOUS)
    #endif

    static func reason(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }

    /// The error for a failed operation on `path`: a full disk, quota or file size limit has its own case.
    static func failure(_ path: String, _ operation: String, _ code: Int32) -> BytesError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .noSpace(path: path)
        default: .io(path: path, operation: operation, reason: reason(code))
        }
    }

    static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(BytesError) -> Int32 {
        if path.utf8.contains(0) { throw .cannotOpen(path: path, reason: "the path holds a zero byte") }
        while true {
            #if canImport(Glibc)
                let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode_t(mode))
            #elseif canImport(Darwin)
                let descriptor = unsafe Darwin.open(path, flags | O_CLOEXEC, mode_t(mode))
            #else
                let descriptor = unsafe Android.open(path, flags | O_CLOEXEC, mode_t(mode))
            #endif
            if descriptor >= 0 { return descriptor }
            switch errno {
            case EINTR: continue
            case ENOENT: throw .notFound(path: path)
            case ENOSPC, EDQUOT, EFBIG: throw .noSpace(path: path)
            // A link that is not followed; a pipe that nobody reads, or a socket.
            case ELOOP where flags & O_NOFOLLOW != 0, ENXIO: throw .notARegularFile(path: path)
            case let code: throw .cannotOpen(path: path, reason: reason(code))
            }
        }
    }

    /// Identity and size of an open regular file.
    static func identity(of descriptor: Int32, path: String) throws(BytesError) -> FileIdentity {
        try state(of: descriptor, path: path).identity
    }

    /// Identity, size and times of an open regular file.
    static func state(
        of descriptor: Int32, path: String
    ) throws(BytesError) -> (identity: FileIdentity, times: FileTimes) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(path, "stat", errno) }
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG) else { throw .notARegularFile(path: path) }
        let identity = FileIdentity(
            device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino),
            byteCount: Int(status.st_size))
        return (identity, FileTimes(status))
    }

    /// The next bytes of an open file: `count` of them, or as many as come before its end.
    static func read(_ descriptor: Int32, atMost count: Int, path: String) throws(BytesError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count, let base = buffer.baseAddress {
                let got = unsafe readOnce(descriptor, into: base + done, count - done)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                done += got
            }
        }
        guard failure == 0 else { throw self.failure(path, "read", failure) }
        return bytes
    }

    @unsafe
    private static func readOnce(_ descriptor: Int32, into buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.read(descriptor, buffer, count)
        #elseif canImport(Darwin)
            unsafe Darwin.read(descriptor, buffer, count)
        #else
            unsafe Android.read(descriptor, buffer, count)
        #endif
    }

    /// Writes all of `bytes`, however many calls that takes.
    static func writeAll(_ descriptor: Int32, _ bytes: RawSpan, path: String) throws(BytesError) {
        var done = 0
        while done < bytes.byteCount {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress.unsafelyUnwrapped + done, buffer.count - done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw failure(path, "write", errno)
            }
            done += written
        }
    }

    static func sync(_ descriptor: Int32, path: String) throws(BytesError) {
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            throw failure(path, "sync", errno)
        }
    }

    /// Bytes that this user may still write to the file system of `folder`; nil where it does not say.
    static func freeByteCount(at folder: String) -> Int? {
        var status = statvfs()
        guard unsafe statvfs(folder, &status) == 0 else { return nil }
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        return overflow ? .max : bytes
    }

    /// The folder that holds `path`: with its trailing slash, "./" when the path names none.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "./" }
        return String(path[...slash])
    }

    static func withoutTrailingSlashes(_ path: String) -> String {
        var path = path[...]
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }

    /// Whether `path` leads to the open file.
    static func leads(_ path: String, to descriptor: Int32) -> Bool {
        var named = stat()
        var open = stat()
        guard unsafe stat(path, &named) == 0, unsafe fstat(descriptor, &open) == 0 else { return false }
        return named.st_dev == open.st_dev && named.st_ino == open.st_ino
    }

    /// Makes a rename in this folder durable. File systems that cannot sync a folder are left alone.
    static func syncFolder(_ folder: String) throws(BytesError) {
        let descriptor = try open(folder, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP { throw failure(folder, "sync", errno) }
    }
}
