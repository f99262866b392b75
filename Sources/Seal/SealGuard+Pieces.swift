import Bytes
public import Digest

extension SealGuard {
    /// The steps within which whole coverage can be promised before any step has been timed.
    ///
    /// 64, or more where 64ths of the file would cost more than 1 % of a step that runs as fast as a core can.
    /// - Parameters:
    ///   - sealedBytes: of one whole coverage.
    ///   - operationsPerStep: multiplications and additions in the products of one step, counted low.
    ///   - costShare: the part of a step's processor time that the checks may use.
    public static func bound(
        sealedBytes: Int, operationsPerStep: Double, costShare: Double = SealGuard.costShare
    ) -> Int {
        let shortestStep = max(1, operationsPerStep) / fastestCore
        let steps = Double(sealedBytes) / (shortestStep * costShare * slowestHash)
        return max(coverageSteps, steps < 1e9 ? Int(steps.rounded(.up)) : 1_000_000_000)
    }

    /// Operations per second of one core that none is known to exceed, in any number format.
    private static let fastestCore = 5e11
    /// Bytes per second that such a core hashes at least.
    private static let slowestHash = 1.5e9

    /// Bytes that this step checks: a 64th of all, or what ``costShare`` of the step pays at the measured speed, but
    /// always what the promise takes.
    func slice(stepSeconds: Double?) -> Int {
        let whole = max(1, (total + Self.coverageSteps - 1) / Self.coverageSteps)
        guard let stepSeconds, stepSeconds.isFinite, stepSeconds >= 0 else { return whole }
        let promised = max(1, (total + promisedBound - 1) / promisedBound)
        let paid = min(Double(whole), stepSeconds * costShare * bytesPerSecond)
        return max(promised, Int(paid))
    }

    /// Books a check that is done.
    func account(bytes: Int, seconds: Double) {
        bytesChecked += bytes
        cpuSeconds += seconds
        // Short checks time the clock more than the hashing.
        if bytes >= 1 << 16, seconds > 0 { bytesPerSecond = Double(bytes) / seconds }
    }

    static func digest(of piece: Piece, in source: SealSource) -> SHA256Digest {
        guard case .tensor(let index) = piece.subject else {
            if case .header = piece.subject, let header = source.header { return SHA256Digest.of(header) }
            return source.metadataDigest
        }
        return source.tensors[index].bytes.withBytes { span in
            SHA256Digest.of(span.extracting(piece.start..<piece.start + piece.byteCount))
        }
    }

    /// The first damaged chunk of a tensor whose digest is wrong; the whole tensor when no single chunk explains it.
    func locate(tensor index: Int, actual: SHA256Digest) -> SealViolation {
        for piece in pieces {
            guard case .tensor(index) = piece.subject else { continue }
            let found = Self.digest(of: piece, in: source)
            if found != piece.expected { return violation(piece: piece, actual: found) }
        }
        let tensor = manifest.tensors[index]
        return violation(
            .tensor, tensor: tensor.name, offset: tensor.offset, byteCount: tensor.byteCount,
            expected: tensor.digest.hex, actual: actual.hex)
    }

    func violation(piece: Piece, actual: SHA256Digest) -> SealViolation {
        switch piece.subject {
        case .metadata: return metadataViolation(actual: actual)
        case .header:
            return violation(.header, byteCount: piece.byteCount, expected: piece.expected.hex, actual: actual.hex)
        case .tensor(let index):
            let tensor = manifest.tensors[index]
            return violation(
                .tensor, tensor: tensor.name, offset: tensor.offset + piece.start, byteCount: piece.byteCount,
                expected: piece.expected.hex, actual: actual.hex)
        case .buffer(let index):
            return derivedViolation(
                of: buffers[index].name, byteCount: piece.byteCount, expected: piece.expected, actual: actual)
        }
    }

    /// What a difference is in something that was made from sealed bytes and kept.
    ///
    /// - Parameter name: the tensor that it was made from, or what else it is.
    public func derivedViolation(
        of name: String, byteCount: Int, expected: SHA256Digest, actual: SHA256Digest
    ) -> SealViolation {
        violation(
            .derived, tensor: name, offset: manifest.tensor(named: name)?.offset ?? 0, byteCount: byteCount,
            expected: expected.hex, actual: actual.hex)
    }

    func metadataViolation(actual: SHA256Digest) -> SealViolation {
        let extent = source.metadataExtent
        return violation(
            .metadata, offset: extent.offset, byteCount: extent.byteCount, expected: manifest.metadataDigest.hex,
            actual: actual.hex)
    }

    func violation(
        _ kind: SealViolation.Kind, tensor: String? = nil, offset: Int = 0, byteCount: Int = 0, expected: String,
        actual: String
    ) -> SealViolation {
        SealViolation(
            kind: kind, path: source.path ?? manifest.fileName, tensor: tensor, fileOffset: offset,
            byteCount: byteCount, expected: expected, actual: actual, lastCompleteCheck: lastCompleteCheck?.began)
    }

    static func text(_ times: FileTimes) -> String {
        func seconds(_ time: Int64) -> String {
            let fraction = String(time % 1_000_000_000)
            return "\(time / 1_000_000_000)." + String(repeating: "0", count: max(0, 9 - fraction.count)) + fraction
        }
        return "modified at \(seconds(times.modified)) and changed at \(seconds(times.changed)) seconds since 1970"
    }

    /// Checks that manifest and file name the same tensors at the same places.
    static func match(_ manifest: SealManifest, _ source: SealSource) throws(SealError) {
        guard manifest.fileByteCount == source.fileByteCount else {
            throw .otherFile(
                item: "its length", expected: "\(manifest.fileByteCount) bytes", got: "\(source.fileByteCount) bytes")
        }
        guard manifest.tensors.count == source.tensors.count else {
            throw .otherFile(
                item: "its number of tensors", expected: "\(manifest.tensors.count)", got: "\(source.tensors.count)")
        }
        for (sealed, found) in zip(manifest.tensors, source.tensors) {
            let expected = shape(sealed.name, sealed.type, sealed.dimensions, sealed.offset, sealed.byteCount)
            let got = shape(found.name, found.type, found.dimensions, found.offset, found.bytes.byteCount)
            guard expected.utf8.elementsEqual(got.utf8) else {
                throw .otherFile(item: "tensor \(sealed.name)", expected: expected, got: got)
            }
        }
    }

    private static func shape(
        _ name: String, _ type: UInt32, _ dimensions: [UInt64], _ offset: Int, _ byteCount: Int
    ) -> String {
        "\(name) of type \(type), \(dimensions), \(byteCount) bytes at offset \(offset)"
    }
}
