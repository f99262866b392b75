#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Reads a regular file from its beginning, piece by piece, up to where it ended when it was opened.
public final class FileStream {
    public let path: String
    /// Length when it was opened.
    public let byteCount: Int
    private let descriptor: Int32
    private var remaining: Int

    /// Most bytes of a piece.
    public static let pieceByteCount = 1 << 16

    public init(path: String) throws(BytesError) {
        descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        do throws(BytesError) {
            byteCount = try SystemCall.identity(of: descriptor, path: path).byteCount
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        remaining = byteCount
    }

    deinit { close(descriptor) }

    /// The next bytes; empty at the end, or where the file was cut meanwhile.
    public func next() throws(BytesError) -> [UInt8] {
        let piece = try SystemCall.read(descriptor, atMost: min(remaining, Self.pieceByteCount), path: path)
        remaining -= piece.count
        return piece
    }
}
