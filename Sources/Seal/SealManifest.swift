public import Digest

/// The digests of a whole base: its metadata, every tensor, and one root that stands for all of them.
///
/// Sealed are the bytes of every tensor, its name, type and dimensions, and every metadata record whose key starts with
/// `<general.architecture>.` or `tokenizer.`. Outside the seal, on purpose, is what changes no number of the model:
/// the other records (`general.name` and the like), the order of records and tensors, and padding.
public struct SealManifest: Equatable, Sendable {
    /// Merkle tree hash of RFC 6962: the metadata digest as first leaf, then ``SealedTensor`` leaves by name bytes.
    public let root: SHA256Digest
    /// SHA-256 of the sealed records as stored, in ascending order of their key bytes.
    public let metadataDigest: SHA256Digest
    /// Ascending by the bytes of their names.
    public let tensors: [SealedTensor]
    /// The file's last path component when it was sealed; for people, not part of the root.
    public let fileName: String
    public let fileByteCount: Int

    public init(metadataDigest: SHA256Digest, tensors: [SealedTensor], fileName: String, fileByteCount: Int) {
        self.metadataDigest = metadataDigest
        self.tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        self.fileName = fileName
        self.fileByteCount = fileByteCount
        root = MerkleTree.root(leaves: [metadataDigest.bytes] + self.tensors.map(\.leaf))
    }

    /// The bytes that the tensors hold together.
    public var tensorByteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    /// The entry of that name.
    ///
    /// - Complexity: O(log n).
    public func tensor(named name: String) -> SealedTensor? {
        var low = 0
        var high = tensors.count
        while low < high {
            let middle = (low + high) / 2
            if tensors[middle].name.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < tensors.count, tensors[low].name.utf8.elementsEqual(name.utf8) else { return nil }
        return tensors[low]
    }
}
