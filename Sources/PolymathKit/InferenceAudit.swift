public import Digest
public import Model
public import Seal
internal import Audit
internal import Bytes
internal import Conventions
internal import Device
internal import Foundation
internal import GGUF
internal import TensorCore

/// Watches a base while it writes replies, and keeps a chain of them that holds no word of what was said.
///
/// The base is hashed whole before the first reply and after the last; in between a rolling check, paid from
/// ``costShare`` of the processor time, looks at a slice of it and at the path's identity. Each reply becomes a row with
/// keyed digests of its prompt and its tokens: whoever holds the identity can show that a text is the one, nobody else
/// can test a guess, and equal prompts have different digests. Nothing says that a reply was any good.
public final class InferenceAudit {
    /// The part of the processor time that the rolling check may use.
    public static let costShare = 0.004
    /// Processor seconds between two rolling checks within a reply, at least: a look at every token would cost more than
    /// the hashing.
    static let interval = 0.1
    /// Wall time between two questions how many these are by now.
    static let pause = Duration.milliseconds(25)

    /// What the audit cost and covered.
    public struct Figures: Equatable, Sendable {
        public let replies: Int
        /// Processor seconds that the audit itself took over all threads, its first and last whole check included.
        public let ownSeconds: Double
        /// Of these, the rolling checks and the rows: what every further token costs.
        public let runningSeconds: Double
        /// Processor seconds of the process from the audit's start to its end.
        public let processSeconds: Double
        /// Bytes that the rolling checks looked at.
        public let rollingBytes: Int
        public let sealedBytes: Int
        /// Hash of the chain's last row.
        public let head: SHA256Digest
    }

    public let folder: String
    private let run: String
    private let key: [UInt8]
    private let chain: AuditWriter
    private let sealGuard: SealGuard
    private let faultGuard: FaultGuard
    private let began: Double
    private var ownSeconds: Double
    private var runningSeconds = 0.0
    private var rollingBytes = 0
    private var replies = 0
    private var tokens = 0
    private var mark = ProcessorTime.process
    private var lastAsked = ContinuousClock.now
    private var violation: SealViolation?

    /// Seals the base and opens the chain in `folder`, which must be new or empty.
    ///
    /// - Parameters:
    ///   - base: hashed here unless it was before, for instance to verify an adapter.
    ///   - adapters: content ids of what is on it, in the order in which they are combined.
    ///   - options: what else decides the replies.
    ///   - output: where the last words go if the map faults.
    /// - Throws: `RunError` for the folder, `BaseError.rootDiffers`, `BytesError`.
    public init(
        folder path: String, base: LoadedBase, adapters: [SHA256Digest], options: [String: JSONValue],
        identity: Identity, output: FaultOutput?, progress: (@Sendable (Int) -> Void)? = nil
    ) throws {
        began = ProcessorTime.process
        try NewRunFolder.requireUsable(path)
        let sealedAt = Date()
        let manifest = try base.manifest(progress: progress)
        sealGuard = try SealGuard(
            manifest: manifest, gguf: base.gguf, workers: base.workers.count, sealedAt: sealedAt,
            promisedBound: SealGuard.bound(
                sealedBytes: manifest.tensors.reduce(0) { $0 + $1.byteCount },
                operationsPerStep: 2 * Double(base.gguf.tensors.reduce(0) { $0 + $1.elementCount }),
                costShare: Self.costShare), costShare: Self.costShare, lease: FileLease(path: base.reference.path))
        let members = InferenceChain.recipeMembers(root: manifest.root, adapters: adapters, options: options)
        let making = try NewRunFolder(path, telemetry: path)
        do {
            chain = try Self.begin(making, manifest, members, identity)
            making.claim(.fault)
            base.endFaultWatch()
            faultGuard = try FaultGuard(
                watching: base.gguf.region, path: base.reference.path, recordPath: making.folder.faultFile,
                exitStatus: ExitStatus.sealViolation.code, output: output, advice: "the reply is not vouched for",
                endsProcess: output != nil)
        } catch {
            throw making.discard(for: error)
        }
        folder = making.folder.path
        run = making.folder.name
        key = identity.derivedKey(purpose: "inference-audit")
        ownSeconds = ProcessorTime.process - began
        do {
            try recordCheck("start")
        } catch {
            throw making.discard(for: error)
        }
        mark = ProcessorTime.process
    }

    /// Writes the folder's first files, and gives it its name with the first two rows in its chain.
    private static func begin(
        _ making: NewRunFolder, _ manifest: SealManifest, _ members: [String: JSONValue], _ identity: Identity
    ) throws -> AuditWriter {
        let seal = manifest.json.canonicalBytes + [0x0A]
        try making.write(seal, to: .seal)
        making.claim(.audit)
        let chain = try AuditWriter.start(
            path: making.filling.auditFile, run: making.folder.name, identity: identity, baseRoot: manifest.root,
            recipe: InferenceChain.recipe(members), corpusID: nil,
            details: members.merging(["seal_json_sha256": .string(SHA256Digest.of(seal).hex)]) { first, _ in first })
        try making.put()
        chain.follow(to: making.folder.auditFile)
        return chain
    }

    /// Asked before each token is given out: looks at a slice of the base when one is due.
    ///
    /// - Returns: false where the base is no longer what was sealed; ``recordReply(prompt:tokens:end:)`` throws then.
    public func mayGoOn() -> Bool {
        guard violation == nil else { return false }
        let now = ContinuousClock.now
        guard now - lastAsked >= Self.pause else { return true }
        lastAsked = now
        guard ProcessorTime.process - mark >= Self.interval else { return true }
        do throws(SealViolation) { try look() } catch { violation = error }
        return violation == nil
    }

    /// Ends a reply: one more slice, and its row.
    ///
    /// - Throws: `SealViolation` where a check found the base changed; the chain tells of it and stays open.
    public func recordReply(prompt: [Int32], tokens reply: [Int32], end: GenerationEnd) throws {
        if violation == nil {
            do throws(SealViolation) { try look() } catch { violation = error }
        }
        try refuseIfViolated()
        try counting {
            replies += 1
            tokens += reply.count
            try chain.append(
                kind: InferenceChain.reply,
                body: [
                    "reply": .exactly(replies), "prompt_hmac": .string(digest("prompt", prompt).hex),
                    "prompt_tokens": .exactly(prompt.count), "tokens_hmac": .string(digest("tokens", reply).hex),
                    "tokens": .exactly(reply.count), "end": .string(end.rawValue),
                    "seal_checked_bytes": .exactly(rollingBytes),
                ])
            faultGuard.reached(step: replies)
        }
    }

    /// Ends the chain at a reply that cannot be finished: a row says why, and there will be no close.
    ///
    /// - Parameter tokens: of the reply, given out before it failed.
    public func recordFailure(_ error: ModelError, tokens: Int) {
        var body: [String: JSONValue] = ["reply": .exactly(replies + 1), "tokens": .exactly(tokens)]
        if case .scoresNotFinite(let position, let token) = error {
            body["cause"] = "scores_not_finite"
            body["position"] = .exactly(position)
            body["token"] = .exactly(token)
        } else {
            body["cause"] = "model"
        }
        // What the row tells of is thrown on, whether or not there is room to tell it.
        try? chain.append(kind: RowKind.failure, body: body)
        try? chain.sync()
    }

    /// Checks the whole base once more and closes the chain.
    ///
    /// - Throws: `SealViolation` as ``recordReply(prompt:tokens:end:)`` does.
    public func close() throws -> Figures {
        let before = ProcessorTime.process
        do throws(SealViolation) { try sealGuard.fullCheck() } catch { violation = error }
        try refuseIfViolated()
        try recordCheck("end")
        let head = try chain.close(step: replies, state: ["replies": .exactly(replies), "tokens": .exactly(tokens)])
        let now = ProcessorTime.process
        ownSeconds += now - before
        return Figures(
            replies: replies, ownSeconds: ownSeconds + runningSeconds, runningSeconds: runningSeconds,
            processSeconds: now - began, rollingBytes: rollingBytes, sealedBytes: sealGuard.sealedByteCount, head: head)
    }

    /// Whether `tokens` are what reply `number` of this identity's chain `run` was made of.
    public static func digest(
        _ what: String, _ tokens: [Int32], run: String, reply number: Int, identity: Identity
    ) -> SHA256Digest {
        digest(what, tokens, run: run, reply: number, key: identity.derivedKey(purpose: "inference-audit"))
    }

    private static func digest(
        _ what: String, _ tokens: [Int32], run: String, reply number: Int, key: [UInt8]
    ) -> SHA256Digest {
        var message = Array("\(what)\n\(run)\n\(number)\n".utf8)
        for token in tokens {
            for shift in [0, 8, 16, 24] { message.append(UInt8(truncatingIfNeeded: token >> shift)) }
        }
        return HMACSHA256.code(key: key, message: message)
    }

    private func digest(_ what: String, _ tokens: [Int32]) -> SHA256Digest {
        Self.digest(what, tokens, run: run, reply: replies, key: key)
    }

    private func look() throws(SealViolation) {
        let now = ProcessorTime.process
        let hashing = sealGuard.cpuSeconds
        let own = ProcessorTime.thread
        defer {
            mark = ProcessorTime.process
            // What helpers hashed is in the guard's own count alone.
            runningSeconds += max(ProcessorTime.thread - own, sealGuard.cpuSeconds - hashing)
        }
        rollingBytes += try sealGuard.rollingCheck(stepSeconds: now - mark)
    }

    private func counting(_ body: () throws -> Void) throws {
        let before = ProcessorTime.thread
        defer { runningSeconds += ProcessorTime.thread - before }
        try body()
    }

    private func recordCheck(_ occasion: String) throws {
        try chain.append(
            kind: RowKind.sealCheck,
            body: [
                "occasion": .string(occasion), "tensors": .exactly(sealGuard.manifest.tensors.count),
                "bytes": .exactly(sealGuard.sealedByteCount), "root": .string(sealGuard.manifest.root.hex),
                "changed": 0,
            ].merging(sealGuard.standing) { first, _ in first })
        try chain.sync()
    }

    private func refuseIfViolated() throws {
        guard let violation else { return }
        var body = violation.recordedMembers
        body["replies"] = .exactly(replies)
        try? chain.append(kind: RowKind.sealViolation, body: body)
        try? chain.sync()
        throw violation
    }
}
