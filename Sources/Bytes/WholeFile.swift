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
        return try SystemCall.read(descriptor, atMost: size, path: path)
    }

    /// The same for files whose size the kernel does not tell beforehand, such as those of sysfs and procfs.
    ///
    /// - Throws: `BytesError.tooLarge` where more than `limit` bytes come.
    public static func readToEnd(_ path: String, limit: Int) throws(BytesError) -> [UInt8] {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        _ = try SystemCall.identity(of: descriptor, path: path)
        var bytes: [UInt8] = []
        while true {
            let piece = try SystemCall.read(descriptor, atMost: 1 << 12, path: path)
            if piece.isEmpty { return bytes }
            bytes += piece
            guard bytes.count <= limit else { throw .tooLarge(path: path, byteCount: bytes.count, limit: limit) }
        }
    }
}
