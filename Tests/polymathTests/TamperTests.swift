import Audit
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

/// A run's evidence after somebody has been at it, as both programs see it.
@Suite struct TamperTests {
    let program = Program()
    var forgery: Forgery { Forgery(program, "run") }

    private func train(_ out: String) throws {
        let outcome = try program.run(ReferenceRun.words(steps: 2, length: 8, batch: 1, out: out))
        #expect(outcome.status == 0, "\(outcome.output)")
    }

    private func expectRefused(_ text: String, _ more: [String] = [], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        for name in ["polymath", "polymath-verify"] {
            let outcome = try program.run(["audit", "verify", "run"] + more, of: name)
            #expect(outcome.status == 4, "\(outcome.output)", sourceLocation: sourceLocation)
            #expect(outcome.output.contains(text), "\(outcome.output)", sourceLocation: sourceLocation)
            #expect(outcome.error.hasPrefix("\(name): The run is not verified"), sourceLocation: sourceLocation)
        }
    }

    @Test func `every edit of the chain is named, and none exits 0`() throws {
        try train("run")
        let good = try forgery.rows()
        let step = try #require(good.firstIndex { $0["kind"] == "step" })
        let close = try #require(good.last)
        #expect(close["kind"] == "close")
        func attempt(
            _ rows: [JSONValue], _ text: String, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try forgery.write(rows)
            try expectRefused(text, sourceLocation: sourceLocation)
        }
        func relinked(_ rows: [JSONValue]) -> [JSONValue] { Forgery.relinked(rows) }

        // The fixture's own way of linking is the program's.
        #expect(relinked(good) == good)
        try attempt(good.dropLast(), "run: open")
        try attempt(Array(good.prefix(3)), "run: open")
        try attempt(good.filter { $0 != good[step] }, "rows are missing or were moved")
        try attempt(good.enumerated().map { $0 == step ? good[step + 1] : $0 == step + 1 ? good[step] : $1 }, "moved")
        for member in try #require(good[step]["body"]?.asObject).keys.sorted() {
            var edited = good
            edited[step] = Forgery.edited(good[step], member, "1")
            try attempt(edited, "Line \(step + 1) of the audit chain was edited")
            // Linked anew without the key: the signature of the close gives it away, and a step's number its place.
            try attempt(
                relinked(edited),
                member == "step" ? "where one of step 1 must stand" : "does not belong to its state and the key")
        }
        try attempt(relinked(good.filter { $0 != good[step] }), "rows of steps are missing, or were put there")
        try attempt(good + [close], "is numbered")
        try attempt(relinked(good + [close]), "comes after the run was closed")
        try attempt([], "holds no complete row")
        try attempt(Array(good.dropFirst()), "is numbered 1 and should be 0")

        // The same run under another key: whole, and not ours.
        let other = try Identity.generate()
        try FileManager.default.removeItem(atPath: program.folder.path("run/audit.jsonl"))
        let writer = try AuditWriter.start(
            path: program.folder.path("run/audit.jsonl"), run: "r", identity: other, baseRoot: SHA256Digest.of([]),
            recipe: SHA256Digest.of([]), corpusID: nil)
        try writer.close(step: 0)
        try expectRefused("its signer \(other.publicKey.fingerprint) is unknown here")

        try forgery.write(good)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        // One byte less than a whole line, and half of it.
        let bytes = try WholeFile.read(program.folder.path("run/audit.jsonl"))
        for torn in [1, 100] {
            try AtomicFile.write(
                Array(bytes.dropLast(torn)), to: program.folder.path("run/audit.jsonl"), placement: .replacing)
            try expectRefused("bytes of a torn row, which are not believed")
            try expectRefused("run: open")
        }
    }

    @Test func `a swapped attestation, adapter or record is named`() throws {
        try train("run")
        try train("other")
        func swap(_ file: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let path = program.folder.path("run/" + file)
            let good = try WholeFile.read(path)
            try AtomicFile.write(
                try WholeFile.read(program.folder.path("other/" + file)), to: path, placement: .replacing)
            try expectRefused(text, sourceLocation: sourceLocation)
            try FileManager.default.removeItem(atPath: path)
            try expectRefused("FAILED", sourceLocation: sourceLocation)
            try AtomicFile.write(good, to: path, placement: .replacing)
        }
        // By the same signer, of the same base, recipe and adapter, and yet of another run.
        try swap("attestation.dsse.json", "speaks of another run: it differs from the chain in the chain's head")
        try swap("run.json", "and the chain records")
        try swap("audit.jsonl", "speaks of another run")
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
    }

    @Test func `a cut back to an older pause shows against the head alone`() throws {
        let path = program.folder.path("run/audit.jsonl")
        try FileManager.default.createDirectory(atPath: program.folder.path("run"), withIntermediateDirectories: true)
        let identity = try Identity.loadOrCreate(path: program.folder.path("config/polymath/identity.pem"))
        try AuditWriter.start(
            path: path, run: "r", identity: identity, baseRoot: SHA256Digest.of([]), recipe: SHA256Digest.of([]),
            corpusID: nil
        ).pause(step: 0)
        let older = try WholeFile.read(path)
        let head = try AuditWriter.resume(path: path, identity: identity, from: 0, checkpoint: nil)
            .close(step: 0)
        #expect(try program.run(["audit", "verify", "run"]).output.contains("run: closed"))
        try AtomicFile.write(older, to: path, placement: .replacing)
        try expectRefused("run: paused at 0")
        #expect(try !program.run(["audit", "verify", "run"]).output.contains("cut back or replaced"))
        try expectRefused("is \(head.hex): it was cut back or replaced", ["--head", head.hex])
    }
}
