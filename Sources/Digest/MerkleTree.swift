/// The Merkle tree hash of RFC 6962, section 2.1.
///
///     hash of no leaves = SHA-256("")
///     hash of one leaf  = SHA-256(0x00 ‖ leaf)
///     hash of n leaves  = SHA-256(0x01 ‖ hash of the first k ‖ hash of the rest), k = largest power of two < n
///
/// The two prefixes keep a leaf from passing as a node.
public enum MerkleTree {
    /// The root over leaf data, in the order given.
    public static func root(leaves: [[UInt8]]) -> SHA256Digest {
        guard !leaves.isEmpty else { return SHA256Digest.of([UInt8]()) }
        var level = leaves.map { SHA256Digest.of([0x00] + $0) }
        // Pairing neighbours and carrying an odd last node up gives the same tree as the recursive definition.
        while level.count > 1 {
            var next: [SHA256Digest] = []
            next.reserveCapacity((level.count + 1) / 2)
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                next.append(SHA256Digest.of([0x01] + level[index].bytes + level[index + 1].bytes))
            }
            if !level.count.isMultiple(of: 2) { next.append(level[level.count - 1]) }
            level = next
        }
        return level[0]
    }
}
