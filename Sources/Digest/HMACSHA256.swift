/// Keyed digests: HMAC (RFC 2104) with SHA-256.
public enum HMACSHA256 {
    private static let blockByteCount = 64

    /// HMAC(key, message) = H((key ⊕ opad) ‖ H((key ⊕ ipad) ‖ message)); a key above 64 bytes is hashed first.
    public static func code(key: [UInt8], message: [UInt8]) -> SHA256Digest {
        var block = key.count > blockByteCount ? SHA256Digest.of(key).bytes : key
        block += [UInt8](repeating: 0, count: blockByteCount - block.count)
        var inner = SHA256Hasher()
        inner.update(block.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA256Hasher()
        outer.update(block.map { $0 ^ 0x5c })
        outer.update(inner.finalize().bytes)
        return outer.finalize()
    }
}
