import CCrypto

/// SHA-256 over bytes that arrive in pieces; libcrypto does the work with the processor's own instructions.
@safe public struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    /// Looked up once: a fetch costs more than a short message.
    nonisolated(unsafe) private static let algorithm: OpaquePointer? = unsafe EVP_MD_fetch(nil, "SHA256", nil)

    public init() {
        guard let algorithm = unsafe Self.algorithm, let context = unsafe EVP_MD_CTX_new(),
            unsafe EVP_DigestInit_ex2(context, algorithm, nil) == 1
        else { preconditionFailure("libcrypto offers no SHA-256") }
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    /// Adds the span's bytes.
    public mutating func update(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { buffer in
            unsafe update(buffer)
        }
    }

    /// Adds the array's bytes.
    public mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe update(buffer)
        }
    }

    /// The digest of the bytes added so far; more may follow.
    public var digestSoFar: SHA256Digest {
        guard let copy = unsafe EVP_MD_CTX_new(), unsafe EVP_MD_CTX_copy_ex(copy, context) == 1 else {
            preconditionFailure("libcrypto could not copy a SHA-256 state")
        }
        return unsafe SHA256Hasher(context: copy).finalize()
    }

    @unsafe private init(context: OpaquePointer) { unsafe self.context = context }

    /// The digest of all bytes added.
    public consuming func finalize() -> SHA256Digest {
        var digest = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        let done = unsafe digest.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
        }
        precondition(done == 1, "libcrypto could not finish a SHA-256 digest")
        return SHA256Digest(checked: digest)
    }

    private func update(_ buffer: UnsafeRawBufferPointer) {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return }
        let added = unsafe EVP_DigestUpdate(context, start, buffer.count)
        precondition(added == 1, "libcrypto could not add to a SHA-256 digest")
    }
}
