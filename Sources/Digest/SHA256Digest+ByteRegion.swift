public import Bytes

extension SHA256Digest {
    /// The digest of a region of a map or an array.
    public static func of(_ region: ByteRegion) -> SHA256Digest {
        region.withBytes { span in SHA256Digest.of(span) }
    }
}

extension SHA256Digest {
    /// The digest of a file of any size, read piece by piece: nothing of it is mapped, so it may be cut meanwhile.
    public static func ofFile(path: String) throws(BytesError) -> SHA256Digest {
        let file = try FileStream(path: path)
        var hasher = SHA256Hasher()
        while true {
            let piece = try file.next()
            if piece.isEmpty { return hasher.finalize() }
            hasher.update(piece)
        }
    }
}
