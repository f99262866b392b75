internal import CDigest

extension SHA256Digest {
    /// Bytes that one step of the hash takes.
    private static var block: Int { Int(CD_BLOCK) }

    /// The digest of a message and those of its pieces of `pieceByteCount` bytes each, the last of which may be shorter.
    ///
    /// One pass, and, on processors that have instructions for SHA-256, little longer than one digest alone takes:
    /// both want the same message schedule, and the rounds of one fill the pauses of the other. Elsewhere libcrypto
    /// makes both, piece by piece, so that each byte is fetched from memory once.
    ///
    /// - Precondition: `pieceByteCount` is a positive multiple of 64.
    public static func withPieces(
        of span: RawSpan, pieceByteCount: Int
    ) -> (whole: SHA256Digest, pieces: [SHA256Digest]) {
        precondition(
            pieceByteCount > 0 && pieceByteCount % block == 0, "pieces of \(pieceByteCount) bytes")
        guard span.byteCount > pieceByteCount else {
            let digest = SHA256Digest.of(span)
            return (digest, span.byteCount == 0 ? [] : [digest])
        }
        return hasInstructions
            ? inOnePass(span, pieceByteCount: pieceByteCount) : byLibcrypto(span, pieceByteCount: pieceByteCount)
    }

    /// Whether the processor has the instructions, and libcrypto agrees with what they give.
    private static let hasInstructions: Bool = {
        guard cd_has_sha256() != 0 else { return false }
        let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let (ours, theirs) = unsafe (
            inOnePass(message.span.bytes, pieceByteCount: 192), byLibcrypto(message.span.bytes, pieceByteCount: 192)
        )
        return ours.whole == theirs.whole && ours.pieces == theirs.pieces
    }()

    private static func inOnePass(
        _ span: RawSpan, pieceByteCount: Int
    ) -> (whole: SHA256Digest, pieces: [SHA256Digest]) {
        unsafe span.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return (SHA256Digest.of(span), []) }
            let start = unsafe base.assumingMemoryBound(to: UInt8.self)
            var whole = cd_begin()
            var pieces: [SHA256Digest] = []
            var done = 0
            while done < bytes.count {
                let count = min(pieceByteCount, bytes.count - done)
                let blocks = count / block
                var piece = cd_begin()
                unsafe cd_update_both(&whole, &piece, start + done, blocks)
                unsafe pieces.append(finish(&piece, start + done + blocks * block, count))
                done += count
            }
            let tail = done - done % block
            return unsafe (finish(&whole, start + tail, done), pieces)
        }
    }

    private static func finish(
        _ state: inout CDState, _ tail: UnsafePointer<UInt8>, _ byteCount: Int
    ) -> SHA256Digest {
        var digest = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        unsafe cd_finish(&state, tail, UInt64(byteCount), &digest)
        return SHA256Digest(checked: digest)
    }

    /// The same without the instructions.
    package static func byLibcrypto(
        _ span: RawSpan, pieceByteCount: Int
    ) -> (whole: SHA256Digest, pieces: [SHA256Digest]) {
        var whole = SHA256Hasher()
        var pieces: [SHA256Digest] = []
        for start in stride(from: 0, to: span.byteCount, by: pieceByteCount) {
            let piece = span.extracting(start..<min(start + pieceByteCount, span.byteCount))
            whole.update(piece)
            pieces.append(SHA256Digest.of(piece))
        }
        return (whole.finalize(), pieces)
    }
}
