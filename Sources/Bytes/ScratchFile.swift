// Room on a disk for what memory need not hold.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A nameless file, as ``NamelessFile`` makes them, that is written and read piece by piece.
///
/// It grows by what is written behind its end. Values are stored as the processor holds them.
public final class ScratchFile: Sendable {
    /// For messages alone.
    private let folder: String
    private let descriptor: Int32

    /// Makes the file in `folder`.
    public init(in folder: String) throws(BytesError) {
        descriptor = try NamelessFile.open(in: folder)
        self.folder = folder
    }

    deinit { close(descriptor) }

    /// Bytes that this user may still write to the file system; nil where it does not say.
    public var availableByteCount: Int? {
        var status = statvfs()
        guard unsafe fstatvfs(descriptor, &status) == 0 else { return nil }
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        return overflow ? .max : bytes
    }

    /// Writes all of `values` from byte `offset` on, or throws; a half-written stretch may then hold anything.
    ///
    /// - Precondition: `offset` is not negative.
    public func write(_ values: Span<Float>, at offset: Int) throws(BytesError) {
        try write(unsafe values.bytes, offset)
    }

    /// The same for words.
    public func write(words: Span<UInt32>, at offset: Int) throws(BytesError) { try write(unsafe words.bytes, offset) }

    private func write(_ span: RawSpan, _ offset: Int) throws(BytesError) {
        try unsafe span.withUnsafeBytes { bytes throws(BytesError) in
            try transfer(bytes.count, "write") { done in
                unsafe bytes.baseAddress.map {
                    unsafe pwrite(descriptor, $0 + done, bytes.count - done, off_t(offset + done))
                } ?? 0
            }
        }
    }

    /// Fills `values` with what was written from byte `offset` on.
    ///
    /// - Precondition: `offset` is not negative.
    /// - Throws: `BytesError.io` where the file ends before that; `values` may then hold anything.
    public func read(into values: inout MutableSpan<Float>, at offset: Int) throws(BytesError) {
        try unsafe values.withUnsafeMutableBytes { bytes throws(BytesError) in try unsafe read(bytes, offset) }
    }

    /// The same for words.
    public func read(words: inout MutableSpan<UInt32>, at offset: Int) throws(BytesError) {
        try unsafe words.withUnsafeMutableBytes { bytes throws(BytesError) in try unsafe read(bytes, offset) }
    }

    private func read(_ bytes: UnsafeMutableRawBufferPointer, _ offset: Int) throws(BytesError) {
        try transfer(bytes.count, "read") { done in
            unsafe bytes.baseAddress.map {
                unsafe pread(descriptor, $0 + done, bytes.count - done, off_t(offset + done))
            } ?? 0
        }
    }

    /// Calls `move` with the number of bytes that are done until all are.
    private func transfer(_ count: Int, _ operation: String, _ move: (Int) -> Int) throws(BytesError) {
        precondition(count >= 0)
        var done = 0
        while done < count {
            let moved = move(done)
            if moved < 0, errno == EINTR { continue }
            guard moved > 0 else {
                throw moved < 0
                    ? SystemCall.failure(folder, operation, errno)
                    : .io(path: folder, operation: operation, reason: "the file ends early")
            }
            done += moved
        }
    }
}
