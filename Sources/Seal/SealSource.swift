package import Bytes
import Digest

/// What the seal needs to know of an open file: which bytes belong to which record and tensor.
package struct SealSource: Sendable {
    package struct Record: Sendable {
        package let key: String
        /// The complete stored record: key length, key, type, value.
        package let bytes: ByteRegion

        package init(key: String, bytes: ByteRegion) {
            self.key = key
            self.bytes = bytes
        }
    }

    package struct Tensor: Sendable {
        package let name: String
        package let type: UInt32
        package let typeName: String
        package let dimensions: [UInt64]
        package let offset: Int
        package let bytes: ByteRegion

        package init(
            name: String, type: UInt32, typeName: String, dimensions: [UInt64], offset: Int, bytes: ByteRegion
        ) {
            self.name = name
            self.type = type
            self.typeName = typeName
            self.dimensions = dimensions
            self.offset = offset
            self.bytes = bytes
        }
    }

    /// The mapped file's path and identity; nil for bytes in memory, whose identity cannot change.
    package let path: String?
    package let identity: FileIdentity?
    /// The file's times when it was opened; nil for bytes in memory.
    package let times: FileTimes?
    /// Whether the bytes are a copy that this process alone holds.
    package let isPrivateCopy: Bool
    package let fileByteCount: Int
    /// All bytes before the tensors' data; nil where only records and tensors are known.
    package let header: ByteRegion?
    /// Only the sealed records, ascending by the bytes of their keys.
    package let records: [Record]
    /// Ascending by the bytes of their names.
    package let tensors: [Tensor]

    package init(
        path: String?, identity: FileIdentity?, times: FileTimes? = nil, isPrivateCopy: Bool = false,
        fileByteCount: Int, header: ByteRegion? = nil, architecture: String, records: [Record], tensors: [Tensor]
    ) {
        self.path = path
        self.identity = identity
        self.times = times
        self.isPrivateCopy = isPrivateCopy
        self.header = header
        self.fileByteCount = fileByteCount
        self.records = records.filter { record in
            let key = record.key.utf8
            return key.starts(with: (architecture + ".").utf8) || key.starts(with: "tokenizer.".utf8)
        }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        self.tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// SHA-256 of the sealed records, one after the other.
    var metadataDigest: SHA256Digest {
        var hasher = SHA256Hasher()
        for record in records { record.bytes.withBytes { span in hasher.update(span) } }
        return hasher.finalize()
    }

    var metadataByteCount: Int { records.reduce(0) { $0 + $1.bytes.byteCount } }

    /// Where the sealed records lie in the file: from the first byte of the first to the last byte of the last.
    var metadataExtent: (offset: Int, byteCount: Int) {
        guard let start = records.map(\.bytes.baseOffset).min(),
            let end = records.map({ $0.bytes.baseOffset + $0.bytes.byteCount }).max()
        else { return (0, 0) }
        return (start, end - start)
    }
}
