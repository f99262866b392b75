import Audit
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

enum RunFixture {
    static let root = SHA256Digest.of(Array("base".utf8))
    static let corpus = SHA256Digest.of(Array("corpus".utf8))
    static let recipeJSON: JSONValue = [
        "base_root": .string(root.hex), "corpus_id": .string(corpus.hex), "learning_rate": "0.01",
    ]
    static let recipe = SHA256Digest.of(recipeJSON.canonicalBytes)
    /// The bytes of `run.json`.
    static let record = JSONValue.object(["recipe": recipeJSON]).canonicalBytes

    static func identity(_ seed: UInt8 = 9) throws -> Identity {
        try Identity.fromSeed([UInt8](repeating: seed, count: 32))
    }

    static func start(_ path: String, identity: Identity? = nil) throws -> AuditWriter {
        try AuditWriter.start(
            path: path, run: "r1", identity: identity ?? Self.identity(), baseRoot: root, recipe: recipe,
            corpusID: corpus, now: { "2026-01-31T12:00:00Z" })
    }

    /// start, checkpoint, pause at 3, resume, seal check, close at 5.
    static func closed(_ path: String) throws -> [UInt8] {
        let writer = try start(path)
        try writer.append(
            kind: RowKind.checkpoint, body: ["step": 2, "loss": .number(1.5), "large": .integer(1 << 60)])
        try writer.pause(step: 3)
        let again = try AuditWriter.resume(path: path, identity: identity(), now: { "2026-01-31T13:00:00Z" })
        try again.append(kind: RowKind.sealCheck, body: ["tensors": 338, "changes": 0])
        try again.close(step: 5)
        return try WholeFile.read(path)
    }

    static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.split(separator: 0x0A).map { Array($0) + [0x0A] }
    }
}

@Suite struct `An audit chain` {
    let folder = TemporaryFolder()

    private func error(_ lines: [[UInt8]], head: SHA256Digest? = nil) -> AuditChainError? {
        do throws(AuditChainError) {
            _ = try AuditChain.decode(Array(lines.joined()), head: head)
            return nil
        } catch { return error }
    }

    @Test func `has room for its end when it has none for a step`() {
        let whole = AuditChain.byteLimit
        for kind in [RowKind.failure, RowKind.pause, RowKind.close, RowKind.sealViolation, RowKind.result] {
            #expect(AuditChain.byteLimit(after: kind) == whole)
        }
        for kind in ["step", "validation", "reply", RowKind.resume] {
            #expect(AuditChain.byteLimit(after: kind) <= whole - (1 << 20))
        }
        // Whatever is told of a step, that many rows of steps do not fit.
        let row = AuditRow(
            seq: 0, time: "2026-01-31T12:00:00Z", run: "20260131T120000Z-80000001", kind: "step",
            body: ["step": 1, "loss": "1.0", "grad_norm": "1.0", "seal_checked_bytes": 0], prev: AuditRow.origin)
        #expect(row.encoded.count >= whole / AuditChain.stepLimit)
    }

    @Test func `is closed, paused or open`() throws {
        let path = folder.path("audit.jsonl")
        let writer = try RunFixture.start(path)
        #expect(try AuditChain.read(path: path).status == .open)
        try writer.pause(step: 3)
        #expect(try AuditChain.read(path: path).status == .paused(step: 3))
        #expect(try AuditChain.read(path: path).status.description == "paused at 3")
        let head = try AuditWriter.resume(path: path, identity: RunFixture.identity()).close(step: 4)
        let chain = try AuditChain.read(path: path, head: head)
        #expect(try chain.status == .closed && chain.signer == RunFixture.identity().publicKey)
        #expect(throws: AuditChainError.alreadyClosed) {
            try AuditWriter.resume(path: path, identity: RunFixture.identity())
        }
        #expect(throws: AuditChainError.alreadyStarted(path: path)) { try RunFixture.start(path) }
    }

    @Test func `writes numbers that could be rounded as strings`() throws {
        let chain = try AuditChain.decode(RunFixture.closed(folder.path("a")))
        #expect(chain.latest("checkpoint") == ["step": 2, "loss": "1.5", "large": "1152921504606846976"])
    }

    @Test func `shows a removed, moved, doubled or edited row`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        #expect(error(lines) == nil && lines.count == 6)
        #expect(error(Array(lines.dropFirst())) == .sequence(line: 1, expected: 0, found: 1))
        var removed = lines
        removed.remove(at: 2)
        #expect(error(removed) == .sequence(line: 3, expected: 2, found: 3))
        var moved = lines
        moved.swapAt(1, 4)
        #expect(error(moved) == .sequence(line: 2, expected: 1, found: 4))
        #expect(error(lines + [lines[5]]) == .sequence(line: 7, expected: 6, found: 5))
        #expect(error([]) == .empty)
    }

    /// The rows with sequence, links and hashes made anew, as anyone can without a key.
    private func relinked(_ lines: [[UInt8]]) throws -> [[UInt8]] {
        var prev = AuditRow.origin.hex
        return try lines.enumerated().map { index, line in
            var members = try JSONValue.parse(Array(line.dropLast())).asObject ?? [:]
            members["seq"] = .exactly(index)
            members["prev"] = .string(prev)
            members["hash"] = nil
            prev = SHA256Digest.of(JSONValue.object(members).canonicalBytes).hex
            members["hash"] = .string(prev)
            return JSONValue.object(members).canonicalBytes + [0x0A]
        }
    }

    @Test func `linked anew by somebody without the key is shown by the next signature`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        let signer = try RunFixture.identity().publicKey.fingerprint
        #expect(try relinked(lines) == lines)
        // Of start, checkpoint, pause, resume, check and close, the pause and the close are signed.
        for (removed, signed) in [(1, 2), (3, 4), (4, 5)] {
            var fewer = lines
            fewer.remove(at: removed)
            let found = try error(relinked(fewer))
            let line = removed == 3 ? 4 : signed
            // Without the resume row, what follows the pause may not; without another, the signature does not fit.
            #expect(
                found
                    == (removed == 3
                        ? .afterPause(line: line, found: "seal_check") : .signature(line: line, signer: signer)))
        }
        var swapped = lines
        swapped.swapAt(3, 4)
        #expect(try error(relinked(swapped)) == .afterPause(line: 4, found: "seal_check"))
        var doubled = lines
        doubled.append(lines[5])
        #expect(try error(relinked(doubled)) == .afterClose(line: 7))
        var replayed = lines
        replayed.insert(lines[2], at: 4)
        #expect(try error(relinked(replayed)) == .signature(line: 5, signer: signer))
        // A pause cannot pass for a close: the signed state repeats the kind.
        let renamed = String(decoding: lines[2], as: UTF8.self).replacingOccurrences(of: "\"pause\"", with: "\"close\"")
        #expect(
            try error(relinked(Array(lines.prefix(2)) + [Array(renamed.utf8)])) == .signature(line: 3, signer: signer))
        #expect(error(Array(lines.dropLast())) == nil)
        #expect(try AuditChain.decode(Array(lines.dropLast().joined())).status == .open)
    }

    @Test func `shows an edit of any byte`() throws {
        let bytes = try RunFixture.closed(folder.path("a"))
        for index in bytes.indices.dropLast() {
            var bad = bytes
            bad[index] ^= 1
            #expect(throws: AuditChainError.self, "byte \(index)") { try AuditChain.decode(bad) }
        }
    }

    @Test func `shows a close that another key or nobody signed, and a second one`() throws {
        let good = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        // The other run's rows follow one another, so only the signer differs.
        let other = try RunFixture.identity(3)
        let path = folder.path("b")
        try AtomicFile.write(Array(good.prefix(5).joined()), to: path)
        #expect(throws: AuditChainError.self) { try AuditWriter.resume(path: path, identity: other) }
        let foreign = try RunFixture.start(folder.path("c"), identity: other)
        try foreign.close(step: 1)
        #expect(throws: AuditChainError.alreadyClosed) { try foreign.close(step: 1) }
        #expect(throws: AuditChainError.kindIsReserved("close")) { try foreign.append(kind: "close", body: [:]) }
    }

    @Test func `cut back to an older signed state is shown by an outside head alone`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        let head = try AuditChain.decode(Array(lines.joined())).head
        let cut = Array(lines.prefix(3))
        #expect(error(cut) == nil)
        let older = try AuditChain.decode(Array(cut.joined()))
        #expect(older.status == .paused(step: 3))
        #expect(error(cut, head: head) == .head(expected: head, found: older.head))
    }

    @Test func `recovers from a torn last line without trusting it`() throws {
        let path = folder.path("a")
        let bytes = try RunFixture.closed(path)
        for torn in [1, 40, 200] {
            try AtomicFile.write(Array(bytes.dropLast(torn)), to: path)
            let chain = try AuditChain.read(path: path)
            #expect(chain.status == .open && chain.rows.count == 5 && chain.tornByteCount > 0)
            try AuditWriter.resume(path: path, identity: RunFixture.identity()).close(step: 5)
            let recovered = try AuditChain.read(path: path)
            #expect(recovered.status == .closed && recovered.tornByteCount == 0)
            #expect(recovered.latest(RowKind.recovery)?["cut_bytes"]?.asInt == chain.tornByteCount)
        }
    }
}
