// What training decided of an exported file: all of it but who signed it, and for which corpus id.

internal import Bytes
public import Digest
internal import GGUF

/// Compares exported files of different signers.
///
/// A file holds the signer's key, a signature that only the signer can make, and the digest of a recipe that names the
/// corpus under a key of the signer. Somebody else who trains the same thing again gets a file that is the same in every
/// other byte: keys, base root, tensors, values and padding.
public enum LearnedContent {
    private static let personal = [
        "adapter.run.recipe", "adapter.signer", "adapter.signature", "boundary.run.recipe", "boundary.signer",
        "boundary.signature",
    ]

    /// SHA-256 of an adapter or a boundary file with recipe, signer and signature as zeros.
    ///
    /// - Precondition: the file has been read and judged as what it is; here only its header is looked at.
    /// - Complexity: O(*n*) in the file's bytes; nothing of it is held.
    public static func digest(path: String) throws -> SHA256Digest {
        let gguf = try GGUFFile(path: path)
        var blanks: [Range<Int>] = []
        for record in gguf.records where personal.contains(record.key) {
            // The value of a list of bytes stands at the end of its record.
            let count = record.key.hasSuffix("signature") ? PublicKey.signatureByteCount : PublicKey.byteCount
            let end = record.rawBytes.baseOffset + record.rawBytes.byteCount
            blanks.append(end - count..<end)
        }
        guard blanks.count == 3 else {
            throw AdapterError.keyCount(expected: 3, found: blanks.count)
        }
        blanks.sort { $0.lowerBound < $1.lowerBound }
        let digest = gguf.region.withBytes { bytes in
            var hasher = SHA256Hasher()
            var start = 0
            for blank in blanks {
                hasher.update(bytes.extracting(start..<blank.lowerBound))
                hasher.update([UInt8](repeating: 0, count: blank.count))
                start = blank.upperBound
            }
            hasher.update(bytes.extracting(start..<bytes.byteCount))
            return hasher.finalize()
        }
        try gguf.checkWhole()
        return digest
    }
}
