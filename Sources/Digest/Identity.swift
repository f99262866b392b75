import CCrypto

/// A person's Ed25519 key pair: what signs adapters, pauses, closes and attestations.
///
/// It never prints its private half; the seed leaves it only through ``Identity/pem`` and into its file.
public struct Identity: Sendable {
    /// The length of the private seed in bytes.
    public static let seedByteCount = 32

    let seed: [UInt8]
    public let publicKey: PublicKey

    /// The identity of a private seed: the same 32 bytes give the same key pair.
    public static func fromSeed(_ seed: [UInt8]) throws(IdentityError) -> Identity {
        guard seed.count == seedByteCount else {
            throw .wrongSeedLength(expected: seedByteCount, got: seed.count)
        }
        var publicBytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        var length = publicBytes.count
        guard let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw .signingFailed
        }
        defer { unsafe EVP_PKEY_free(key) }
        guard unsafe EVP_PKEY_get_raw_public_key(key, &publicBytes, &length) == 1,
            let publicKey = PublicKey(bytes: publicBytes.prefix(length))
        else { throw .signingFailed }
        return Identity(seed: seed, publicKey: publicKey)
    }

    /// A new identity from the system's secure random numbers.
    public static func generate() throws(IdentityError) -> Identity {
        var source = SystemRandomNumberGenerator()
        return try fromSeed((0..<seedByteCount).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }

    /// The 64-byte Ed25519 signature of the message; the same message always gives the same bytes.
    public func sign(_ message: [UInt8]) throws(IdentityError) -> [UInt8] {
        guard let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw .signingFailed
        }
        defer { unsafe EVP_PKEY_free(key) }
        guard let context = unsafe EVP_MD_CTX_new() else { throw .signingFailed }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: PublicKey.signatureByteCount)
        var length = signature.count
        guard unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            unsafe EVP_DigestSign(context, &signature, &length, message, message.count) == 1,
            length == PublicKey.signatureByteCount
        else { throw .signingFailed }
        return signature
    }

    /// A secret of 32 bytes for one purpose: HMAC-SHA-256 of the purpose under the private seed.
    public func derivedKey(purpose: String) -> [UInt8] {
        HMACSHA256.code(key: seed, message: Array("polymath derived key\n".utf8) + Array(purpose.utf8)).bytes
    }
}

// MARK: - PEM

extension Identity {
    /// The fixed start of an Ed25519 PKCS#8 key (RFC 8410); the seed's 32 bytes follow.
    private static let header: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    /// The private key as PKCS#8 PEM. A secret.
    public var pem: String { PEM.encode(Self.header + seed, label: "PRIVATE KEY") }

    /// Reads what ``pem`` writes; `path` is for the error alone.
    static func parse(pem text: String, path: String) throws(IdentityError) -> Identity {
        guard let block = PEM.decode(text) else { throw .notAnIdentity(path: path, found: "no PEM block") }
        guard block.label == "PRIVATE KEY" else {
            throw .notAnIdentity(path: path, found: kind(ofLabel: block.label))
        }
        guard block.bytes.starts(with: header), block.bytes.count == header.count + seedByteCount else {
            throw .notAnIdentity(path: path, found: "a private key of another algorithm or form")
        }
        return try fromSeed(Array(block.bytes.dropFirst(header.count)))
    }

    private static func kind(ofLabel label: String) -> String {
        switch label {
        case "PUBLIC KEY": "a public key"
        case "ENCRYPTED PRIVATE KEY": "a private key under a passphrase"
        case "OPENSSH PRIVATE KEY": "a private key in OpenSSH's own form"
        case "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY": "a private key of another algorithm"
        case "CERTIFICATE": "a certificate"
        default: "a PEM block of another kind"
        }
    }
}
