// Writing an audit chain: one row per event, each on the medium before the run relies on it.

internal import Bytes
public import Digest
import Foundation
import Synchronization

/// The one writer of a run's `audit.jsonl`.
///
/// Rows are appended whole; ``sync()``, ``pause(step:state:)`` and ``close(step:state:)`` return once they are on the
/// medium. Safe to use from several threads.
public final class AuditWriter: Sendable {
    private struct Tail {
        var seq: Int
        var head: SHA256Digest
        var isClosed = false
    }

    public let run: String
    private let identity: Identity
    private let file: AppendFile
    private let tail: Mutex<Tail>
    private let now: @Sendable () -> String

    private init(
        run: String, identity: Identity, file: AppendFile, tail: Tail, now: @escaping @Sendable () -> String
    ) {
        self.run = run
        self.identity = identity
        self.file = file
        self.tail = Mutex(tail)
        self.now = now
    }

    /// Starts the chain of a new run; its first row names the signer and what the run sets out to do.
    ///
    /// - Parameters:
    ///   - corpusID: HMAC of the corpus, `nil` for a run on bare tokens.
    ///   - details: further members of the start row, such as `run_json_sha256` or `seal_json_sha256`.
    public static func start(
        path: String, run: String, identity: Identity, baseRoot: SHA256Digest, recipe: SHA256Digest,
        corpusID: SHA256Digest?, details: [String: JSONValue] = [:], now: @escaping @Sendable () -> String = utcNow
    ) throws -> AuditWriter {
        let file = try AppendFile(path: path)
        guard file.byteCount == 0 else { throw AuditChainError.alreadyStarted(path: path) }
        let writer = AuditWriter(
            run: run, identity: identity, file: file, tail: Tail(seq: 0, head: AuditRow.origin), now: now)
        var body = details
        body["chain_version"] = .exactly(AuditChain.version)
        body["signer"] = .string(Hex.encode(identity.publicKey.bytes))
        body["base_root"] = .string(baseRoot.hex)
        body["recipe"] = .string(recipe.hex)
        body["corpus_id"] = corpusID.map { .string($0.hex) } ?? .null
        try writer.write(RowKind.start, .object(body))
        try writer.sync()
        return writer
    }

    /// Continues the chain of a paused or interrupted run, after checking all of it.
    ///
    /// A torn last line is cut off, and a `recovery` row tells how many bytes it had and their SHA-256. Then comes a
    /// `resume` row, signed, with `details`.
    /// - Parameters:
    ///   - step: the last whole step of the state that is gone on from; 0 for none.
    ///   - checkpoint: what the chain's `checkpoint` row of that step has as `sha256`; nil from step 0.
    /// - Throws: ``AuditChainError`` where the chain is closed, broken, or another identity's.
    public static func resume(
        path: String, identity: Identity, from step: Int, checkpoint: SHA256Digest?,
        details: [String: JSONValue] = [:], now: @escaping @Sendable () -> String = utcNow
    ) throws -> AuditWriter {
        let writer = try reopen(path: path, identity: identity, now: now)
        var body = details
        body["from_step"] = .exactly(step)
        body["checkpoint_sha256"] = checkpoint.map { .string($0.hex) } ?? .null
        try writer.write(RowKind.resume, .object(body))
        try writer.sync()
        return writer
    }

    /// Adds one row to the chain of an interrupted run without going on with it: what its process could not write.
    ///
    /// - Throws: ``AuditChainError`` where the chain is paused, closed, broken, or another identity's.
    public static func amend(
        path: String, identity: Identity, kind: String, body: [String: JSONValue],
        now: @escaping @Sendable () -> String = utcNow
    ) throws {
        let chain = try AuditChain.read(path: path)
        if case .paused = chain.status {
            throw AuditChainError.afterPause(line: chain.rows.count + 1, found: kind)
        }
        let writer = try reopen(path: path, identity: identity, now: now)
        try writer.append(kind: kind, body: body)
        try writer.sync()
    }

    /// A writer at the end of a chain that is whole up to a torn last line, which is cut off.
    private static func reopen(
        path: String, identity: Identity, now: @escaping @Sendable () -> String
    ) throws -> AuditWriter {
        let bytes = try WholeFile.read(path, limit: AuditChain.byteLimit)
        let chain = try AuditChain.decode(bytes)
        guard chain.status != .closed || chain.tornByteCount > 0 else { throw AuditChainError.alreadyClosed }
        guard chain.signer == identity.publicKey else {
            throw AuditChainError.otherSigner(
                line: chain.rows.count + 1, expected: chain.signer.fingerprint, found: identity.publicKey.fingerprint)
        }
        let file = try AppendFile(path: path)
        let whole = bytes.count - chain.tornByteCount
        if chain.tornByteCount > 0 { try file.truncate(to: whole) }
        guard chain.status != .closed else { throw AuditChainError.alreadyClosed }
        let writer = AuditWriter(
            run: chain.run, identity: identity, file: file,
            tail: Tail(seq: chain.rows.count, head: chain.head), now: now)
        if chain.tornByteCount > 0 {
            try writer.write(
                RowKind.recovery,
                [
                    "cut_bytes": .exactly(chain.tornByteCount),
                    "cut_sha256": .string(SHA256Digest.of(Array(bytes[whole...])).hex),
                ])
        }
        return writer
    }

    /// Where the chain is.
    public var path: String { file.path }

    /// Says where the chain is to be found from now on, since its folder has got its name.
    public func follow(to path: String) { file.follow(to: path) }

    /// The hash of the last row: worth a copy elsewhere.
    public var head: SHA256Digest { tail.withLock { $0.head } }

    /// Adds a row of any kind but those that have a function of their own.
    public func append(kind: String, body: [String: JSONValue]) throws {
        let reserved = [RowKind.start, RowKind.resume, RowKind.recovery, RowKind.pause, RowKind.close]
        guard !reserved.contains(kind) else { throw AuditChainError.kindIsReserved(kind) }
        try write(kind, .object(body))
    }

    /// The row that binds the exported artefact to the run; written once the file has been read back.
    public func export(file: String, contentID: SHA256Digest, byteCount: Int, details: [String: JSONValue] = [:]) throws
    {
        var body = details
        body["file"] = .string(file)
        body["content_id"] = .string(contentID.hex)
        body["byte_count"] = .exactly(byteCount)
        try write(RowKind.export, .object(body))
    }

    /// Ends a part of the run that may be resumed: signed and synced.
    public func pause(step: Int, state: [String: JSONValue] = [:]) throws {
        try sign(RowKind.pause, step: step, state: state)
    }

    /// Ends the run: signed and synced; nothing may follow.
    ///
    /// - Returns: the head, which the attestation holds and a careful owner keeps elsewhere.
    @discardableResult
    public func close(step: Int, state: [String: JSONValue] = [:]) throws -> SHA256Digest {
        try sign(RowKind.close, step: step, state: state)
        return head
    }

    /// Returns once every row so far is on the medium.
    public func sync() throws { try file.sync() }

    private func sign(_ kind: String, step: Int, state: [String: JSONValue]) throws {
        let time = now()
        var state = state
        state["kind"] = .string(kind)
        state["step"] = .exactly(step)
        state["time"] = .string(time)
        try tail.withLock { tail in
            let body = try SignedState.body(
                state: .object(state), run: run, seq: tail.seq, prev: tail.head, identity: identity)
            try append(kind, body, time: time, to: &tail)
            tail.isClosed = kind == RowKind.close
        }
        try sync()
    }

    private func write(_ kind: String, _ body: JSONValue) throws {
        let time = now()
        try tail.withLock { tail in try append(kind, body, time: time, to: &tail) }
    }

    private func append(_ kind: String, _ body: JSONValue, time: String, to tail: inout Tail) throws {
        guard !tail.isClosed else { throw AuditChainError.alreadyClosed }
        var row = AuditRow(seq: tail.seq, time: time, run: run, kind: kind, body: body, prev: tail.head)
        if RowKind.signed.contains(kind) { row = try SignedRow.signed(row, by: identity) }
        try file.append(row.encoded, within: AuditChain.byteLimit(after: kind))
        tail.seq += 1
        tail.head = row.hash
    }

    /// The time of day in UTC, to the second.
    public static let utcNow: @Sendable () -> String = { Date().formatted(.iso8601) }
}
