#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Reads a small file into memory: for configurations and texts, where a map could change underfoot.
public enum WholeFile {
    /// - Parameters:
    ///   - limit: most bytes to read; a longer file is an error, not a cut.
    ///   - followingLinks: whether what a link leads to is read; where not, a link is no regular file.
    public static func read(
        _ path: String, limit: Int = .max, followingLinks: Bool = true
    ) throws(BytesError) -> [UInt8] {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
        defer { close(descriptor) }
        let size = try SystemCall.identity(of: descriptor, path: path).byteCount
        guard size <= limit else { throw .tooLarge(path: path, byteCount: size, limit: limit) }
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size, let base = buffer.baseAddress {
                let got = unsafe Self.read(descriptor, into: base + count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard failure == 0 else { throw SystemCall.failure(path, "read", failure) }
        return bytes
    }

    @unsafe
    private static func read(_ descriptor: Int32, into buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.read(descriptor, buffer, count)
        #elseif canImport(Darwin)
            unsafe Darwin.read(descriptor, buffer, count)
        #else
            unsafe Android.read(descriptor, buffer, count)
        #endif
    }
}
