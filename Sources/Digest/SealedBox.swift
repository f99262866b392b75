import CCrypto

/// A few bytes under a key: nobody without the key can read them or change one unseen.
///
/// ChaCha20-Poly1305 (RFC 8439) with a random nonce. The bytes: nonce (12) ‖ ciphertext (as long as the message) ‖ tag
/// (16). What the box belongs to is authenticated along with it, so that it opens nowhere else.
public enum SealedBox {
    public static let keyByteCount = 32
    static let nonceByteCount = 12
    static let tagByteCount = 16
    /// Bytes that a box has more than its message.
    public static let overhead = nonceByteCount + tagByteCount

    /// - Parameters:
    ///   - key: 32 bytes, not used for anything else.
    ///   - context: what the box belongs to; ``open(_:key:context:)`` must be given the same.
    /// - Precondition: the key has ``keyByteCount`` bytes.
    /// - Throws: ``SealedBoxError`` where libcrypto refuses.
    public static func seal(_ message: [UInt8], key: [UInt8], context: [UInt8]) throws(SealedBoxError) -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        let nonce = (0..<nonceByteCount).map { _ in UInt8.random(in: .min ... .max, using: &source) }
        return try seal(message, key: key, nonce: nonce, context: context)
    }

    /// The same with a given nonce, for test vectors.
    package static func seal(
        _ message: [UInt8], key: [UInt8], nonce: [UInt8], context: [UInt8]
    ) throws(SealedBoxError) -> [UInt8] {
        precondition(
            key.count == keyByteCount && nonce.count == nonceByteCount, "a box has a 32-byte key and a 12-byte nonce")
        guard let cipher = unsafe EVP_CIPHER_CTX_new() else { throw .unavailable }
        defer { unsafe EVP_CIPHER_CTX_free(cipher) }
        var text = [UInt8](repeating: 0, count: message.count)
        var tag = [UInt8](repeating: 0, count: tagByteCount)
        var written: Int32 = 0
        var last: [UInt8] = [0]
        guard unsafe EVP_EncryptInit_ex(cipher, EVP_chacha20_poly1305(), nil, key, nonce) == 1,
            unsafe EVP_EncryptUpdate(cipher, nil, &written, context, Int32(context.count)) == 1,
            unsafe EVP_EncryptUpdate(cipher, &text, &written, message, Int32(message.count)) == 1,
            Int(written) == message.count,
            unsafe EVP_EncryptFinal_ex(cipher, &last, &written) == 1, written == 0,
            unsafe EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), &tag) == 1
        else { throw .unavailable }
        return nonce + text + tag
    }

    /// - Returns: the message, or nil where the bytes are no box of this key and context.
    /// - Precondition: the key has ``keyByteCount`` bytes.
    public static func open(_ box: [UInt8], key: [UInt8], context: [UInt8]) throws(SealedBoxError) -> [UInt8]? {
        precondition(key.count == keyByteCount, "a box has a 32-byte key")
        guard box.count >= overhead else { return nil }
        guard let cipher = unsafe EVP_CIPHER_CTX_new() else { throw .unavailable }
        defer { unsafe EVP_CIPHER_CTX_free(cipher) }
        let nonce = Array(box.prefix(nonceByteCount))
        let text = Array(box.dropFirst(nonceByteCount).dropLast(tagByteCount))
        var tag = Array(box.suffix(tagByteCount))
        var message = [UInt8](repeating: 0, count: text.count)
        var written: Int32 = 0
        var last: [UInt8] = [0]
        guard unsafe EVP_DecryptInit_ex(cipher, EVP_chacha20_poly1305(), nil, key, nonce) == 1,
            unsafe EVP_DecryptUpdate(cipher, nil, &written, context, Int32(context.count)) == 1,
            unsafe EVP_DecryptUpdate(cipher, &message, &written, text, Int32(text.count)) == 1,
            unsafe EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag) == 1
        else { throw .unavailable }
        return unsafe EVP_DecryptFinal_ex(cipher, &last, &written) == 1 ? message : nil
    }
}

/// libcrypto could not do what a box needs.
public enum SealedBoxError: Error, Equatable, Sendable, CustomStringConvertible {
    case unavailable

    public var description: String { "libcrypto could not encrypt or decrypt with ChaCha20-Poly1305." }
}
