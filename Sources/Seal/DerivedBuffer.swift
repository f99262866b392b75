public import Digest

/// Something in memory that was made from sealed bytes and is used in their place: a damaged one would train on another
/// base than the sealed one, with every byte of the file in order.
public struct DerivedBuffer {
    /// The tensor that it was made from, or what else it is.
    public let name: String
    public let byteCount: Int
    let digest: () -> SHA256Digest

    /// - Parameter digest: hashes the buffer as it is now; called on the guard's own thread.
    public init(name: String, byteCount: Int, digest: @escaping () -> SHA256Digest) {
        self.name = name
        self.byteCount = byteCount
        self.digest = digest
    }
}
