#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Opens a file that grows over several processes' lives.
public enum UpdatedFile {
    /// A descriptor for reading and writing, which is the caller's to close.
    ///
    /// - Parameter isNew: whether the file is made, mode 0644, and must not be there yet.
    /// - Throws: `BytesError.notARegularFile` for a link, a pipe or a device, of which none is waited for or written to.
    public static func open(_ path: String, isNew: Bool) throws(BytesError) -> Int32 {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0)
        let descriptor = try SystemCall.open(path, flags, mode: 0o644)
        do {
            _ = try SystemCall.identity(of: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
