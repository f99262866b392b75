public import Bytes

extension SHA256Digest {
    /// The digest of a region of a map or an array.
    public static func of(_ region: ByteRegion) -> SHA256Digest {
        region.withBytes { span in SHA256Digest.of(span) }
    }
}
