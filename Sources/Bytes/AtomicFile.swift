// Files that appear whole or not at all.

/// Writes a file in one step: under a name of its own in the same folder, synced, renamed, and the folder synced.
///
/// Whatever fails, what stands at its path stays as it was, and nothing else is left.
public enum AtomicFile {
    /// - Parameter placement: what the file may replace; nothing, unless asked for.
    /// - Throws: `BytesError.exists` where something stands at `path`.
    public static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, sync: Bool = true, placement: Placement = .new
    ) throws(BytesError) {
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
        let (file, result) = try StagedFile.write(for: path, mode: mode, sync: sync, body)
        try file.put(placement)
        return result
    }
}
