import CCrypto

/// An Ed25519 public key (RFC 8032).
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = 32
    public static let signatureByteCount = 64

    /// Exactly 32 bytes.
    public let bytes: [UInt8]

    /// Wraps 32 bytes; nil for any other count. Whether they are a usable point shows in ``isValid(signature:of:)``.
    public init?(bytes: some Sequence<UInt8>) {
        let array = Array(bytes)
        guard array.count == Self.byteCount else { return nil }
        self.bytes = array
    }

    /// `SHA256:` and the lower-case hexadecimal SHA-256 of the 32 key bytes: how a person names a signer.
    public var fingerprint: String { "SHA256:" + SHA256Digest.of(bytes).hex }

    public var description: String { fingerprint }

    /// Whether the signature is the key owner's, over exactly this message.
    ///
    /// False as well for a signature of another length and for the few weak keys that would pass for any message.
    public func isValid(signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == Self.signatureByteCount, !isWeak,
            let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
        else { return false }
        defer { unsafe EVP_PKEY_free(key) }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// Points of order 1, 2, 4 and 8, and their other encodings, without the sign bit.
    private static let weakKeys: Set<String> = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    private var isWeak: Bool {
        var point = bytes
        point[Self.byteCount - 1] &= 0x7f
        return Self.weakKeys.contains(Hex.encode(point))
    }
}

// MARK: - PEM

extension PublicKey {
    /// The fixed start of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the key's 32 bytes follow.
    private static let header: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

    /// `-----BEGIN PUBLIC KEY-----` …: what `openssl pkeyutl -pubin` reads.
    public var pem: String { PEM.encode(Self.header + bytes, label: "PUBLIC KEY") }

    /// Reads ``pem``; nil for anything but an Ed25519 public key.
    public init?(pem: String) {
        guard let block = PEM.decode(pem), block.label == "PUBLIC KEY", block.bytes.starts(with: Self.header) else {
            return nil
        }
        self.init(bytes: block.bytes.dropFirst(Self.header.count))
    }
}
