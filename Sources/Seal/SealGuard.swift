package import Bytes
public import Digest
public import Foundation

/// Watches a sealed file while it is used: full checks, a rolling slice per step, and the path's identity.
///
/// It reads the shared map, so it sees what another process wrote to the file, and it covers what was made from sealed
/// tensors and is kept in memory. A bus error while it reads is ``FaultGuard``'s. Used from one thread; it hashes on
/// several.
public final class SealGuard {
    /// The most steps that whole coverage takes while steps are long enough to pay for it.
    public static let coverageSteps = 64
    /// The part of a step's processor time that the rolling check may use.
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
    /// The part of a step's processor time that this guard's rolling check may use.
    let costShare: Double
    /// An outside change is seen within this many rolling checks, however short the steps are.
    public let promisedBound: Int
    private(set) var pieces: [Piece]
    private(set) var total: Int
    private(set) var buffers: [DerivedBuffer] = []

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
    private var worstBound = 0
    /// An outside change was seen within this many rolling checks; never more than ``promisedBound``.
    public var coverageBound: Int { worstBound == 0 ? promisedBound : worstBound }

    /// Rolling checks that were made when each piece was last looked at.
    private var lookedAt: [Int] = []
    /// The most training steps between two looks at the same byte, as of the newest rolling check: what was changed and put
    /// back in between shows on the file's times alone.
    public private(set) var longestUnchecked = 0
    /// A lease on the file, where the system gave one; it is given up when somebody asks for the file.
    private var lease: FileLease?
    private let hadLease: Bool

    private var nextPiece = 0
    private var credit = 0
    private var passBegan = Date()
    private var passBeganAtStep = 0
    /// Bytes per processor second: a cautious guess until a check has measured it.
    var bytesPerSecond = 5e8

    /// One stretch of bytes with a digest of its own.
    struct Piece {
        enum Subject {
            /// Index in the manifest.
            case tensor(Int)
            case metadata
            /// Everything before the tensors' data, as it was when the guard began: names in the table of tensors, and records
            /// that are outside the root.
            case header
            /// Index among the buffers.
            case buffer(Int)
        }
        let subject: Subject
        let start: Int
        let byteCount: Int
        let expected: SHA256Digest
    }

    /// Guards the source against the manifest.
    ///
    /// - Parameters:
    ///   - sealedAt: when the manifest began to be computed from this very file; that was a complete check.
    ///   - promisedBound: see ``bound(sealedBytes:operationsPerStep:costShare:)``.
    ///   - lease: on the file; it is kept until somebody asks for the file.
    /// - Throws: ``SealError/otherFile(item:expected:got:)`` when the two do not describe the same tensors.
    package init(
        manifest: SealManifest, source: SealSource, workers: Int, sealedAt: Date? = nil,
        promisedBound: Int = SealGuard.coverageSteps, costShare: Double = SealGuard.costShare, lease: FileLease? = nil
    ) throws(SealError) {
        try Self.match(manifest, source)
        self.manifest = manifest
        self.source = source
        self.workers = workers
        self.promisedBound = max(1, promisedBound)
        self.costShare = costShare
        var pieces = [
            Piece(subject: .metadata, start: 0, byteCount: source.metadataByteCount, expected: manifest.metadataDigest)
        ]
        if let header = source.header {
            pieces.append(
                Piece(subject: .header, start: 0, byteCount: header.byteCount, expected: SHA256Digest.of(header)))
        }
        for (index, tensor) in manifest.tensors.enumerated() {
            if tensor.chunkDigests.isEmpty {
                pieces.append(
                    Piece(subject: .tensor(index), start: 0, byteCount: tensor.byteCount, expected: tensor.digest))
            }
            for (place, digest) in tensor.chunkDigests.enumerated() {
                let start = place * SealedTensor.chunkByteCount
                let byteCount = min(SealedTensor.chunkByteCount, tensor.byteCount - start)
                pieces.append(Piece(subject: .tensor(index), start: start, byteCount: byteCount, expected: digest))
            }
        }
        self.pieces = pieces
        total = pieces.reduce(0) { $0 + $1.byteCount }
        lookedAt = [Int](repeating: 0, count: pieces.count)
        self.lease = lease
        hadLease = lease != nil
        lastCompleteCheck = sealedAt.map { CompleteCheck(began: $0, ended: Date(), beganAtStep: 0) }
    }

    /// Sealed bytes of the file.
    public var sealedByteCount: Int { total - bufferByteCount }

    /// Bytes in memory that were made from sealed ones and are covered too.
    public var bufferByteCount: Int { buffers.reduce(0) { $0 + $1.byteCount } }

    /// Covers a buffer that was made from sealed bytes, from now on.
    ///
    /// - Parameter expected: its digest when it was made; nil takes it now, and looks at the tensor that it was made from.
    /// - Throws: ``SealViolation`` where that tensor is not what was sealed.
    public func cover(_ buffer: DerivedBuffer, expected: SHA256Digest? = nil) throws(SealViolation) {
        if let index = manifest.tensors.firstIndex(where: { $0.name == buffer.name }), expected == nil {
            let actual = SHA256Digest.of(source.tensors[index].bytes)
            if actual != manifest.tensors[index].digest { throw locate(tensor: index, actual: actual) }
        }
        pieces.append(
            Piece(
                subject: .buffer(buffers.count), start: 0, byteCount: buffer.byteCount,
                expected: expected ?? buffer.digest()))
        lookedAt.append(rollingSteps)
        buffers.append(buffer)
        total += buffer.byteCount
    }

    // MARK: - Full check

    /// Hashes every sealed tensor, the metadata and the header, and looks at the path's device, inode, length and times.
    ///
    /// - Throws: ``SealViolation`` with the first damaged chunk in the order of names.
    public func fullCheck() throws(SealViolation) {
        let began = Date()
        try checkIdentity()
        if let damage = damage() { throw damage }
        // Again, because the path may have been given another file meanwhile.
        try checkIdentity()
        lastCompleteCheck = CompleteCheck(began: began, ended: Date(), beganAtStep: rollingSteps)
        lookedAt = [Int](repeating: rollingSteps, count: pieces.count)
    }

    /// Hashes everything that is covered; nil where all of it is what it was.
    private func damage() -> SealViolation? {
        let seconds = Workers.threadSeconds()
        let tensors = manifest.tensors
        let order = tensors.indices.sorted {
            tensors[$0].byteCount == tensors[$1].byteCount
                ? $0 < $1 : tensors[$0].byteCount > tensors[$1].byteCount
        }
        let hashed = Workers.map(count: order.count, workers: workers) { [source] place in
            SHA256Digest.of(source.tensors[order[place]].bytes)
        }
        var found: SealViolation?
        for piece in pieces {
            if case .tensor = piece.subject { continue }
            let actual: SHA256Digest =
                if case .buffer(let index) = piece.subject { buffers[index].digest() } else {
                    Self.digest(of: piece, in: source)
                }
            if actual != piece.expected, found == nil { found = violation(piece: piece, actual: actual) }
        }
        account(bytes: sealedByteCount, seconds: Workers.threadSeconds() - seconds + hashed.helperSeconds)
        let damaged = order.indices.filter { hashed.results[$0] != tensors[order[$0]].digest }
        guard let first = damaged.min(by: { order[$0] < order[$1] }) else { return found }
        return locate(tensor: order[first], actual: hashed.results[first])
    }

    /// What stands between two looks at a byte, for a row of the chain.
    ///
    ///     {"file_lease": "held" | "broken" | "none", "private_copy": bool}
    public var standing: [String: JSONValue] {
        [
            "file_lease": .string(lease != nil ? "held" : hadLease ? "broken" : "none"),
            "private_copy": .bool(source.isPrivateCopy),
        ]
    }

    /// Compares the path's device, inode, length and times with the opened file's, and asks after the lease.
    public func checkIdentity() throws(SealViolation) {
        guard let path = source.path, let identity = source.identity else { return }
        // Whoever waits for the file is let at it; what they do there shows on its times.
        if let lease, !lease.isHeld { self.lease = nil }
        let now: FileIdentity
        let times: FileTimes
        do { (now, times) = try FileIdentity.state(ofFileAt: path) } catch {
            throw violation(.missing, expected: "", actual: error.placeless)
        }
        guard now.device == identity.device, now.inode == identity.inode else {
            throw violation(
                .replaced, expected: "device \(identity.device), inode \(identity.inode)",
                actual: "device \(now.device), inode \(now.inode)")
        }
        guard now.byteCount == identity.byteCount else {
            throw violation(.resized, expected: "\(identity.byteCount)", actual: "\(now.byteCount)")
        }
        guard times == source.times ?? times else {
            // What was written says more than that something was.
            throw damage() ?? violation(.touched, expected: Self.text(source.times ?? times), actual: Self.text(times))
        }
    }

    // MARK: - Rolling check

    /// Checks the next slice: 1/64 of all, or what 1 % of the step's time pays when that is less, and never less than
    /// the promise asks for.
    ///
    /// Slices are whole chunks; what a step does not use is kept for the next. Any one byte is looked at again within
    /// ``promisedBound`` calls.
    ///
    /// - Parameter stepSeconds: processor seconds of this training step on all threads; nil for 1/64 at any price.
    /// - Returns: the bytes checked.
    @discardableResult
    public func rollingCheck(stepSeconds: Double? = nil) throws(SealViolation) -> Int {
        let began = Workers.threadSeconds()
        var helperSeconds = 0.0
        var bytes = 0
        defer {
            let seconds = Workers.threadSeconds() - began + helperSeconds
            account(bytes: bytes, seconds: seconds)
            rollingCPUSeconds += seconds
            rollingSteps += 1
        }
        let number = rollingSteps + 1
        try checkIdentity()
        let slice = self.slice(stepSeconds: stepSeconds)
        worstBound = max(worstBound, max(1, (total + slice - 1) / slice))
        let (chosen, finished) = choose(slice)
        bytes = chosen.reduce(0) { $0 + pieces[$1].byteCount }
        // A second thread pays from a few chunks on.
        let threads = bytes >= 4 * SealedTensor.chunkByteCount ? workers : 1
        let stored = chosen.filter { if case .buffer = pieces[$0].subject { false } else { true } }
        let hashed = Workers.map(count: stored.count, workers: threads) { [source, pieces, stored] place in
            Self.digest(of: pieces[stored[place]], in: source)
        }
        helperSeconds = hashed.helperSeconds
        for (index, actual) in zip(stored, hashed.results) where actual != pieces[index].expected {
            throw violation(piece: pieces[index], actual: actual)
        }
        for place in chosen {
            guard case .buffer(let index) = pieces[place].subject else { continue }
            let actual = buffers[index].digest()
            if actual != pieces[place].expected { throw violation(piece: pieces[place], actual: actual) }
        }
        // This update's gradients are there already: a byte that is looked at only now may have been another for them too.
        longestUnchecked = number - (lookedAt.min() ?? rollingSteps)
        for place in chosen { lookedAt[place] = number }
        if let finished {
            lastCompleteCheck = CompleteCheck(began: finished.began, ended: Date(), beganAtStep: finished.step)
        }
        return bytes
    }

    /// The pieces that this step's slice pays for, and when the pass began that ends with one of them.
    private func choose(_ slice: Int) -> (pieces: [Int], finished: (began: Date, step: Int)?) {
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
        return (chosen, finished)
    }
}
