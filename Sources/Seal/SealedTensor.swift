import Bytes
public import Digest

/// One tensor of a sealed file: what it is, where it lies, and the digest of its bytes.
public struct SealedTensor: Equatable, Sendable {
    /// The length of a chunk in bytes; a tensor's last chunk may be shorter.
    public static let chunkByteCount = 1 << 20

    public let name: String
    /// The ggml type number, as stored in the file.
    public let type: UInt32
    /// The type's usual name, for people: `Q4_K`. Not part of the root.
    public let typeName: String
    /// In file order: the row length first.
    public let dimensions: [UInt64]
    /// Absolute offset of the first byte in the file.
    public let offset: Int
    public let byteCount: Int
    /// SHA-256 of the raw bytes as stored.
    public let digest: SHA256Digest
    /// One digest per chunk of ``chunkByteCount`` bytes, counted from the tensor's first byte; empty when not kept.
    public let chunkDigests: [SHA256Digest]

    public init(
        name: String, type: UInt32, typeName: String, dimensions: [UInt64], offset: Int, byteCount: Int,
        digest: SHA256Digest, chunkDigests: [SHA256Digest]
    ) {
        self.name = name
        self.type = type
        self.typeName = typeName
        self.dimensions = dimensions
        self.offset = offset
        self.byteCount = byteCount
        self.digest = digest
        self.chunkDigests = chunkDigests
    }

    /// How many chunks a tensor of that many bytes has.
    static func chunkCount(byteCount: Int) -> Int {
        byteCount / chunkByteCount + (byteCount.isMultiple(of: chunkByteCount) ? 0 : 1)
    }

    /// The tensor's leaf in the Merkle tree, little-endian:
    ///
    ///     u32 name length ‖ UTF-8 name ‖ u32 ggml type ‖ u32 dimension count ‖ u64 each dimension ‖ 32 digest bytes
    var leaf: [UInt8] {
        let name = Array(name.utf8)
        var writer = ByteWriter(capacity: name.count + 12 + 8 * dimensions.count + SHA256Digest.byteCount)
        writer.append(UInt32(name.count))
        writer.append(name)
        writer.append(type)
        writer.append(UInt32(dimensions.count))
        for dimension in dimensions { writer.append(dimension) }
        writer.append(digest.bytes)
        return writer.bytes
    }
}
