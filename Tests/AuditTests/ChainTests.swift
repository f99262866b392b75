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

    /// start, step 1, checkpoint, pause at 1, resume, step 2, seal check, close at 2.
    static func closed(_ path: String) throws -> [UInt8] {
        let writer = try start(path)
        try step(writer, 1)
        try checkpoint(writer, 1)
        try writer.pause(step: 1)
        let again = try resume(path, from: 1)
        try step(again, 2)
        try again.append(kind: RowKind.sealCheck, body: ["tensors": 338, "changes": 0])
        try again.close(step: 2)
        return try WholeFile.read(path)
    }

    static func step(_ writer: AuditWriter, _ number: Int) throws {
        try writer.append(
            kind: RowKind.step, body: ["step": .exactly(number), "loss": .number(1.5), "large": .integer(1 << 60)])
    }

    static func checkpoint(_ writer: AuditWriter, _ step: Int) throws {
        try writer.append(kind: RowKind.checkpoint, body: ["step": .exactly(step), "sha256": .string(root.hex)])
    }

    static func resume(_ path: String, from step: Int) throws -> AuditWriter {
        try AuditWriter.resume(
            path: path, identity: identity(), from: step, checkpoint: step == 0 ? nil : root,
            now: { "2026-01-31T13:00:00Z" })
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
        try RunFixture.step(writer, 1)
        try writer.pause(step: 1)
        #expect(try AuditChain.read(path: path).status == .paused(step: 1))
        #expect(try AuditChain.read(path: path).status.description == "paused at 1")
        let head = try RunFixture.resume(path, from: 0).close(step: 0)
        let chain = try AuditChain.read(path: path, head: head)
        #expect(try chain.status == .closed && chain.signer == RunFixture.identity().publicKey)
        #expect(throws: AuditChainError.alreadyClosed) {
            try RunFixture.resume(path, from: 0)
        }
        #expect(throws: AuditChainError.alreadyStarted(path: path)) { try RunFixture.start(path) }
    }

    @Test func `writes numbers that could be rounded as strings`() throws {
        let chain = try AuditChain.decode(RunFixture.closed(folder.path("a")))
        #expect(chain.latest("step") == ["step": 2, "loss": "1.5", "large": "1152921504606846976"])
    }

    @Test func `shows a removed, moved, doubled or edited row`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        #expect(error(lines) == nil && lines.count == 8)
        #expect(error(Array(lines.dropFirst())) == .sequence(line: 1, expected: 0, found: 1))
        var removed = lines
        removed.remove(at: 2)
        #expect(error(removed) == .sequence(line: 3, expected: 2, found: 3))
        var moved = lines
        moved.swapAt(1, 4)
        #expect(error(moved) == .sequence(line: 2, expected: 1, found: 4))
        #expect(error(lines + [lines[7]]) == .sequence(line: 9, expected: 8, found: 7))
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
        // Of start, step, checkpoint, pause, resume, step, check and close, the steps and the check are not signed.
        for (removed, signed) in [(1, 2), (2, 3), (3, 4), (5, 7), (6, 7)] {
            var fewer = lines
            fewer.remove(at: removed)
            #expect(try error(relinked(fewer)) == .signature(line: signed, signer: signer), "\(removed)")
        }
        var swapped = lines
        swapped.swapAt(4, 6)
        #expect(try error(relinked(swapped)) == .afterPause(line: 5, found: "seal_check"))
        var doubled = lines
        doubled.append(lines[7])
        #expect(try error(relinked(doubled)) == .afterClose(line: 9))
        var replayed = lines
        replayed.insert(lines[3], at: 6)
        #expect(try error(relinked(replayed)) == .signature(line: 7, signer: signer))
        // A pause cannot pass for a close: the signed state repeats the kind.
        let renamed = String(decoding: lines[3], as: UTF8.self).replacingOccurrences(of: "\"pause\"", with: "\"close\"")
        #expect(
            try error(relinked(Array(lines.prefix(3)) + [Array(renamed.utf8)])) == .signature(line: 4, signer: signer))
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
        try AtomicFile.write(Array(good.prefix(7).joined()), to: path, placement: .replacing)
        #expect(throws: AuditChainError.self) {
            try AuditWriter.resume(path: path, identity: other, from: 0, checkpoint: nil)
        }
        let foreign = try RunFixture.start(folder.path("c"), identity: other)
        try foreign.close(step: 0)
        #expect(throws: AuditChainError.alreadyClosed) { try foreign.close(step: 0) }
        #expect(throws: AuditChainError.kindIsReserved("close")) { try foreign.append(kind: "close", body: [:]) }
    }

    @Test func `cut back to an older signed state is shown by an outside head alone`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        let head = try AuditChain.decode(Array(lines.joined())).head
        let cut = Array(lines.prefix(4))
        #expect(error(cut) == nil)
        let older = try AuditChain.decode(Array(cut.joined()))
        #expect(older.status == .paused(step: 1))
        #expect(error(cut, head: head) == .head(expected: head, found: older.head))
    }

    @Test func `recovers from a torn last line without trusting it`() throws {
        let path = folder.path("a")
        let bytes = try RunFixture.closed(path)
        for torn in [1, 40, 200] {
            try AtomicFile.write(Array(bytes.dropLast(torn)), to: path, placement: .replacing)
            let chain = try AuditChain.read(path: path)
            #expect(chain.status == .open && chain.rows.count == 7 && chain.tornByteCount > 0)
            try RunFixture.resume(path, from: 1).close(step: 1)
            let recovered = try AuditChain.read(path: path)
            #expect(recovered.status == .closed && recovered.tornByteCount == 0)
            #expect(recovered.latest(RowKind.recovery)?["cut_bytes"]?.asInt == chain.tornByteCount)
        }
    }

    @Test func `has every step, and says from where it went on`() throws {
        func chain(_ name: String, _ body: (AuditWriter, String) throws -> Void) throws -> AuditChainError? {
            let path = folder.path(name)
            try body(RunFixture.start(path), path)
            return error(RunFixture.lines(try WholeFile.read(path)))
        }
        let signed = try chain("whole") { writer, path in
            try RunFixture.step(writer, 1)
            try RunFixture.checkpoint(writer, 1)
            try RunFixture.step(writer, 2)
            let again = try RunFixture.resume(path, from: 1)
            try RunFixture.step(again, 2)
            try again.append(kind: RowKind.validation, body: ["step": 2])
            try again.close(step: 2)
        }
        #expect(signed == nil)
        let gap = try chain("gap") { writer, _ in
            try RunFixture.step(writer, 1)
            try RunFixture.step(writer, 3)
        }
        #expect(gap == .stepOrder(line: 3, kind: "step", expected: 2, found: 3))
        let ahead = try chain("ahead") { writer, path in
            try RunFixture.step(writer, 1)
            _ = try RunFixture.resume(path, from: 20)
        }
        #expect(ahead == .resumePoint(line: 3, step: 20, reached: 1))
        let unknown = try chain("unknown") { writer, path in
            try RunFixture.step(writer, 1)
            _ = try RunFixture.resume(path, from: 1)
        }
        #expect(unknown == .resumePoint(line: 3, step: 1, reached: 1))
        let other = try chain("other") { writer, path in
            try RunFixture.step(writer, 1)
            try RunFixture.checkpoint(writer, 1)
            _ = try AuditWriter.resume(
                path: path, identity: RunFixture.identity(), from: 1, checkpoint: RunFixture.corpus)
        }
        #expect(other == .resumePoint(line: 4, step: 1, reached: 1))
        let paused = try chain("paused") { writer, _ in try writer.pause(step: 1) }
        #expect(paused == .stepOrder(line: 2, kind: "pause", expected: 0, found: 1))
        let closed = try chain("closed") { writer, _ in try writer.close(step: 1) }
        #expect(closed == .stepOrder(line: 2, kind: "close", expected: 0, found: 1))
    }

    @Test func `takes no start, checkpoint, resume, failure or violation that the signer did not sign`() throws {
        let lines = RunFixture.lines(try RunFixture.closed(folder.path("a")))
        for (index, kind) in [(0, "start"), (2, "checkpoint"), (4, "resume")] {
            var members = try #require(JSONValue.parse(Array(lines[index].dropLast())).asObject)
            var body = try #require(members["body"]?.asObject)
            let signature = try #require(body["signature"]?.asString)
            body["signature"] = nil
            members["body"] = .object(body)
            var bad = lines
            bad[index] = JSONValue.object(members).canonicalBytes + [0x0A]
            #expect(try error(relinked(bad)) == .unsignedRow(line: index + 1, kind: kind))
            body["signature"] = .string(signature)
            body["more"] = 1
            members["body"] = .object(body)
            bad[index] = JSONValue.object(members).canonicalBytes + [0x0A]
            let signer = try RunFixture.identity().publicKey.fingerprint
            #expect(try error(relinked(bad)) == .signature(line: index + 1, signer: signer))
        }
    }

    @Test func `tells how many of its rows a signature covers`() throws {
        let path = folder.path("a")
        let writer = try RunFixture.start(path)
        #expect(try AuditChain.read(path: path).vouchedRowCount == 1)
        try RunFixture.step(writer, 1)
        #expect(try AuditChain.read(path: path).vouchedRowCount == 1)
        try RunFixture.checkpoint(writer, 1)
        try RunFixture.step(writer, 2)
        #expect(try AuditChain.read(path: path).vouchedRowCount == 3)
    }
}
