import Bytes
import Digest
public import Foundation

/// Watches a sealed file while it is used: full checks, a rolling slice per step, and the path's identity.
///
/// It reads the shared map, so it sees what another process wrote to the file. It does not catch a bus error: identity
/// and length are looked at before the map is touched, which leaves a short moment in which a file that is just being
/// cut can still fault. Used from one thread; it hashes on several.
public final class SealGuard {
    /// The most steps that whole coverage takes while steps are long enough to pay for it.
    public static let coverageSteps = 64
    /// The part of a step's time that the rolling check may use.
    public static let costShare = 0.01

    /// A finished look at every sealed byte.
    public struct CompleteCheck: Equatable, Sendable {
        public let began: Date
        public let ended: Date
        /// How many rolling steps had been made when it began: a checkpoint written at or before is covered by it.
        public let beganAtStep: Int
    }

    public let manifest: SealManifest
    let source: SealSource
    private let workers: Int
    let pieces: [Piece]
    let total: Int

    /// The newest complete check that passed, full or rolling.
    public private(set) var lastCompleteCheck: CompleteCheck?
    /// Bytes hashed in all checks so far.
    public internal(set) var bytesChecked = 0
    /// Processor seconds of all checks so far, over all threads.
    public internal(set) var cpuSeconds = 0.0
    /// Processor seconds of the rolling checks alone.
    public private(set) var rollingCPUSeconds = 0.0
    /// Rolling checks made.
    public private(set) var rollingSteps = 0
    /// An outside change is seen within this many rolling checks, as far as the newest one tells.
    public private(set) var coverageBound = SealGuard.coverageSteps

    private var nextPiece = 0
    private var credit = 0
    private var passBegan = Date()
    private var passBeganAtStep = 0
    /// Bytes per processor second: a cautious guess until a check has measured it.
    var bytesPerSecond = 5e8

    /// One stretch of bytes with a digest of its own. `tensor` is nil for the sealed metadata.
    struct Piece {
        let tensor: Int?
        let start: Int
        let byteCount: Int
        let expected: SHA256Digest
    }

    /// Guards the source against the manifest.
    ///
    /// - Throws: ``SealError/otherFile(item:expected:got:)`` when the two do not describe the same tensors.
    package init(
        manifest: SealManifest, source: SealSource, workers: Int, sealedAt: Date? = nil
    ) throws(SealError) {
        try Self.match(manifest, source)
        self.manifest = manifest
        self.source = source
        self.workers = workers
        var pieces = [
            Piece(tensor: nil, start: 0, byteCount: source.metadataByteCount, expected: manifest.metadataDigest)
        ]
        for (index, tensor) in manifest.tensors.enumerated() {
            if tensor.chunkDigests.isEmpty {
                pieces.append(Piece(tensor: index, start: 0, byteCount: tensor.byteCount, expected: tensor.digest))
            }
            for (place, digest) in tensor.chunkDigests.enumerated() {
                let start = place * SealedTensor.chunkByteCount
                let byteCount = min(SealedTensor.chunkByteCount, tensor.byteCount - start)
                pieces.append(Piece(tensor: index, start: start, byteCount: byteCount, expected: digest))
            }
        }
        self.pieces = pieces
        total = pieces.reduce(0) { $0 + $1.byteCount }
        lastCompleteCheck = sealedAt.map { CompleteCheck(began: $0, ended: Date(), beganAtStep: 0) }
    }

    /// The bytes of one whole coverage.
    public var sealedByteCount: Int { total }

    // MARK: - Full check

    /// Hashes every sealed tensor and the sealed metadata, and looks at the path's device, inode and length.
    ///
    /// - Throws: ``SealViolation`` with the first damaged chunk in the order of names.
    public func fullCheck() throws(SealViolation) {
        let began = Date()
        try checkIdentity()
        let metadata = Workers.map(count: 1, workers: 1) { [source] _ in source.metadataDigest }
        let tensors = manifest.tensors
        let order = tensors.indices.sorted {
            tensors[$0].byteCount == tensors[$1].byteCount
                ? $0 < $1 : tensors[$0].byteCount > tensors[$1].byteCount
        }
        let hashed = Workers.map(count: order.count, workers: workers) { [source] place in
            SHA256Digest.of(source.tensors[order[place]].bytes)
        }
        account(bytes: total, seconds: metadata.cpuSeconds + hashed.cpuSeconds)
        if metadata.results[0] != manifest.metadataDigest { throw metadataViolation(actual: metadata.results[0]) }
        let damaged = order.indices.filter { hashed.results[$0] != tensors[order[$0]].digest }
        if let first = damaged.min(by: { order[$0] < order[$1] }) {
            throw locate(tensor: order[first], actual: hashed.results[first])
        }
        // Again, because the path may have been given another file meanwhile.
        try checkIdentity()
        lastCompleteCheck = CompleteCheck(began: began, ended: Date(), beganAtStep: rollingSteps)
    }

    /// Compares the path's device, inode and length with the mapped file's.
    public func checkIdentity() throws(SealViolation) {
        guard let path = source.path, let identity = source.identity else { return }
        let now: FileIdentity
        do { now = try FileIdentity(ofFileAt: path) } catch {
            throw violation(.missing, expected: "", actual: "\(error)")
        }
        guard now.device == identity.device, now.inode == identity.inode else {
            throw violation(
                .replaced, expected: "device \(identity.device), inode \(identity.inode)",
                actual: "device \(now.device), inode \(now.inode)")
        }
        guard now.byteCount == identity.byteCount else {
            throw violation(.resized, expected: "\(identity.byteCount)", actual: "\(now.byteCount)")
        }
    }

    // MARK: - Rolling check

    /// Checks the next slice: 1/64 of the file, or what 1 % of the step's time pays when that is less.
    ///
    /// Slices are whole chunks; what a step does not use is kept for the next. Any one byte is looked at again within
    /// ``coverageBound`` calls of the same `stepSeconds`.
    ///
    /// - Parameter stepSeconds: processor seconds of one training step; nil for 1/64 at any price.
    /// - Returns: the bytes checked.
    @discardableResult
    public func rollingCheck(stepSeconds: Double? = nil) throws(SealViolation) -> Int {
        try checkIdentity()
        let slice = self.slice(stepSeconds: stepSeconds)
        coverageBound = max(1, (total + slice - 1) / slice)
        credit = min(credit + slice, total)
        if rollingSteps == 0 { passBegan = Date() }
        var chosen: [Int] = []
        var finished: (began: Date, step: Int)?
        while chosen.count < pieces.count, credit >= pieces[nextPiece].byteCount {
            chosen.append(nextPiece)
            credit -= pieces[nextPiece].byteCount
            nextPiece += 1
            if nextPiece == pieces.count {
                nextPiece = 0
                finished = (passBegan, passBeganAtStep)
                passBegan = Date()
                passBeganAtStep = rollingSteps
            }
        }
        rollingSteps += 1
        guard !chosen.isEmpty else { return 0 }
        let bytes = chosen.reduce(0) { $0 + pieces[$1].byteCount }
        // A second thread pays from a few chunks on.
        let threads = bytes >= 4 * SealedTensor.chunkByteCount ? workers : 1
        let hashed = Workers.map(count: chosen.count, workers: threads) { [source, pieces, chosen] place in
            Self.digest(of: pieces[chosen[place]], in: source)
        }
        account(bytes: bytes, seconds: hashed.cpuSeconds)
        rollingCPUSeconds += hashed.cpuSeconds
        for (index, actual) in zip(chosen, hashed.results) where actual != pieces[index].expected {
            throw violation(piece: pieces[index], actual: actual)
        }
        if let finished {
            lastCompleteCheck = CompleteCheck(began: finished.began, ended: Date(), beganAtStep: finished.step)
        }
        return bytes
    }
}
