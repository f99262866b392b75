#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Standard input as it comes.
public enum StandardInput {
    /// The bytes that are there, at most 64 KiB; waits for the first one. Empty at the end.
    ///
    /// - Throws: `BytesError.io` where it is closed, a folder, or cannot be read.
    public static func next() throws(BytesError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 { return Array(bytes.prefix(count)) }
            if errno != EINTR {
                throw .io(path: "standard input", operation: "read", reason: SystemCall.reason(errno))
            }
        }
    }

    /// All bytes up to the end.
    ///
    /// - Throws: `BytesError.tooLarge` as soon as more than `limit` bytes have come.
    public static func all(limit: Int) throws(BytesError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try next()
            if more.isEmpty { return bytes }
            bytes += more
            guard bytes.count <= limit else {
                throw .tooLarge(path: "standard input", byteCount: bytes.count, limit: limit)
            }
        }
    }
}
