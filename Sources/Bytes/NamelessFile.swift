// Bytes that are too many for memory and belong to this process alone.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A file that has lost its name before its first byte is written: nobody can open it, and its room on the medium is
/// free again when the last region of it is gone or the process ends, however it ends.
public enum NamelessFile {
    /// Writes a file into `folder`, mode 0600, and maps it.
    ///
    /// - Parameter body: writes its bytes in order.
    /// - Throws: `BytesError` for the folder or a full disk, and what `body` throws.
    public static func write(in folder: String, _ body: (FileSink) throws -> Void) throws -> ByteRegion {
        let descriptor = try open(in: folder)
        defer { close(descriptor) }
        let sink = FileSink(path: folder, descriptor: descriptor)
        try body(sink)
        try sink.flush()
        guard sink.byteCount > 0 else { return ByteRegion([]) }
        let address = unsafe mmap(nil, sink.byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemCall.failure(folder, "map", errno)
        }
        let storage = unsafe ByteStorage(mapped: address, byteCount: sink.byteCount, path: folder)
        return ByteRegion(storage: storage, baseOffset: 0, byteCount: sink.byteCount)
    }

    /// What its name stands for while it has one.
    public static let stagingName = "kept"

    /// A descriptor of a new file, for reading and writing, that has no name any more.
    static func open(in folder: String) throws(BytesError) -> Int32 {
        #if canImport(Glibc)
            // It never has a name, so that nobody who looks at the folder meanwhile sees it; not every file system can.
            let own = unsafe Glibc.open(folder, O_RDWR | __O_TMPFILE | O_DIRECTORY | O_CLOEXEC, mode_t(0o600))
            if own >= 0 { return own }
        #endif
        let path = StagingName.make(for: folder + "/" + stagingName)
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        guard unsafe unlink(path) == 0 else {
            let code = errno
            close(descriptor)
            throw SystemCall.failure(path, "remove", code)
        }
        return descriptor
    }
}
