// Files that appear whole or not at all.

/// Writes a file in one step: under a name of its own in the same folder, synced, renamed, and the folder synced.
///
/// Whatever fails, what stands at its path stays as it was, and nothing else is left.
public enum AtomicFile {
    /// - Parameters:
    ///   - placement: what the file may replace; nothing, unless asked for.
    ///   - limit: most bytes that a reader of this kind of file takes.
    /// - Throws: `BytesError.exists` where something stands at `path`; `.beyondLimit` for more bytes than that, and then
    ///   nothing is written.
    public static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, sync: Bool = true, placement: Placement = .new,
        within limit: Int = .max
    ) throws(BytesError) {
        guard bytes.count <= limit else {
            throw .beyondLimit(path: path, byteCount: bytes.count, limit: limit)
        }
        do {
            try write(to: path, mode: mode, sync: sync, placement: placement) { sink in try sink.write(bytes) }
        } catch let error as BytesError {
            throw error
        } catch {
            throw .io(path: path, operation: "write", reason: "\(error)")
        }
    }

    /// Streams a file: `body` writes its bytes in order; when it throws, nothing appears at `path`.
    @discardableResult
    public static func write<Result>(
        to path: String, mode: UInt32 = 0o644, sync: Bool = true, placement: Placement = .new,
        _ body: (FileSink) throws -> Result
    ) throws -> Result {
        // `/dev/stdout` is a link to a pipe or a device: that is told before anything is made.
        if PathKind.at(path) == .other { throw BytesError.notARegularFile(path: path) }
        let (file, result) = try StagedFile.write(for: path, mode: mode, sync: sync, body)
        try file.put(placement)
        return result
    }
}
