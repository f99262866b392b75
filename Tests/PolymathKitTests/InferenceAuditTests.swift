import Audit
import Conventions
import Digest
import Foundation
import PolymathKit
import Seal
import TensorCore
import TestSupport
import Testing

/// Replies of a base that somebody watches.
@Suite struct InferenceAuditTests {
    let folder = TemporaryFolder()
    let path: String
    let base: LoadedBase
    let identity: Identity

    init() throws {
        path = folder.path("base.gguf")
        try FileManager.default.copyItem(atPath: Repository.checkpoint("nano-q4_k_m.gguf"), toPath: path)
        base = try LoadedBase(path, home: Home(root: folder.path), workers: Workers(count: 1))
        identity = try Identity.fromSeed(Array(repeating: 7, count: 32))
    }

    private func audit() throws -> InferenceAudit {
        try InferenceAudit(
            folder: folder.path("audit"), base: base, adapters: [SHA256Digest.of([1])], options: ["seed": "3"],
            identity: identity, output: nil)
    }

    private var generation: GenerationRun { GenerationRun(maxTokens: 3, temperature: 0, topP: 1, seed: 0) }

    private func verdict() -> Verdict {
        AuditVerification.verify(
            runFolder: folder.path("audit"), baseManifestRoot: try? base.manifest().root,
            trustedSigner: identity.publicKey)
    }

    @Test func `a chain of replies verifies, and its digests open for who holds the identity alone`() throws {
        let audit = try audit()
        let replies = try ["The tide", "The tide", "A goat"].map {
            try generation.run(base, prompt: $0, audit: audit) { _ in true }
        }
        let figures = try audit.close()
        #expect(figures.replies == 3 && figures.sealedBytes > 4_000_000)
        #expect(figures.ownSeconds > 0 && figures.ownSeconds <= figures.processSeconds)
        let verdict = verdict()
        #expect(verdict.isPassed, "\(verdict.text)")
        #expect(
            verdict.text.contains("of inference, not of training: 3 replies, 9 tokens, 1 adapter"), "\(verdict.text)")
        let chain = try AuditChain.read(path: folder.path("audit/audit.jsonl"))
        #expect(chain.status == .closed && chain.head == figures.head)
        let rows = chain.rows.filter { $0.kind == "reply" }
        #expect(rows.count == 3)
        for (place, row) in rows.enumerated() {
            let opened = InferenceAudit.digest(
                "tokens", replies[place].tokens, run: chain.run, reply: place + 1, identity: identity)
            #expect(row.body["tokens_hmac"]?.asString == opened.hex)
            let stranger = InferenceAudit.digest(
                "tokens", replies[place].tokens, run: chain.run, reply: place + 1,
                identity: try Identity.fromSeed(Array(repeating: 8, count: 32)))
            #expect(stranger != opened)
        }
        // Who asks the same twice leaves no trace of it.
        #expect(replies[0].tokens == replies[1].tokens)
        #expect(rows[0].body["prompt_hmac"] != rows[1].body["prompt_hmac"])
        #expect(rows[0].body["tokens_hmac"] != rows[1].body["tokens_hmac"])
        let text = try String(contentsOfFile: folder.path("audit/audit.jsonl"), encoding: .utf8)
        #expect(!text.contains("tide") && !text.contains(folder.path))
    }

    @Test func `the same tokens come with and without an audit`() throws {
        let plain = try generation.run(base, prompt: "The tide") { _ in true }
        #expect(try generation.run(base, prompt: "The tide", audit: audit()) { _ in true }.tokens == plain.tokens)
    }

    @Test func `another file in the base's place ends the reply`() throws {
        let audit = try audit()
        let error = try #require(throws: SealViolation.self) {
            try generation.run(base, prompt: "The tide", audit: audit) { _ in
                try? FileManager.default.removeItem(atPath: path)
                try? FileManager.default.copyItem(atPath: Repository.checkpoint("nano-q4_k_m.gguf"), toPath: path)
                return true
            }
        }
        #expect(error.kind == .replaced && ExitStatus(for: error) == .sealViolation)
        #expect(throws: SealViolation.self) { try audit.close() }
        let verdict = verdict()
        #expect(!verdict.isPassed && verdict.text.contains("changed during the run"), "\(verdict.text)")
    }

    @Test func `a byte that changed is found at the close at the latest, and the chain is not closed`() throws {
        let audit = try audit()
        let tensor = try #require(base.gguf.tensor(named: "blk.3.ffn_up.weight"))
        do {
            _ = try generation.run(base, prompt: "The tide", audit: audit) { _ in
                guard let handle = FileHandle(forUpdatingAtPath: path) else { return false }
                try? handle.seek(toOffset: UInt64(tensor.offset + 5))
                try? handle.write(contentsOf: [0x5A])
                try? handle.close()
                return true
            }
            _ = try audit.close()
            Issue.record("a changed base was not seen")
        } catch let error as SealViolation {
            #expect(error.tensor == "blk.3.ffn_up.weight")
        }
        let chain = try AuditChain.read(path: folder.path("audit/audit.jsonl"))
        #expect(chain.status == .open && chain.rows.last?.kind == RowKind.sealViolation)
    }

    @Test func `rows that were left out, and another recipe, do not verify`() throws {
        let audit = try audit()
        _ = try generation.run(base, prompt: "The tide", audit: audit) { _ in true }
        _ = try audit.close()
        // Signed again by the same hand, so that only what the rows say can be wrong.
        let chain = try AuditChain.read(path: folder.path("audit/audit.jsonl"))
        for change in ["replies", "recipe"] {
            let copy = folder.path("copy-\(change)")
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: folder.path("audit/seal.json"), toPath: copy + "/seal.json")
            var details = try #require(chain.start.asObject)
            if change == "recipe" { details["adapters"] = [] }
            let recipe = try #require(chain.start["recipe"]?.asString.flatMap(SHA256Digest.init(hex:)))
            let writer = try AuditWriter.start(
                path: copy + "/audit.jsonl", run: chain.run, identity: identity, baseRoot: base.manifest().root,
                recipe: recipe, corpusID: nil, details: details)
            for row in chain.rows where row.kind == RowKind.sealCheck || (row.kind == "reply" && change != "replies") {
                try writer.append(kind: row.kind, body: row.body.asObject ?? [:])
            }
            try writer.close(step: 1, state: ["replies": 1, "tokens": 3])
            let verdict = AuditVerification.verify(runFolder: copy, trustedSigner: identity.publicKey)
            #expect(!verdict.isPassed)
            #expect(verdict.checks.filter { $0.result == .failed }.map(\.name) == [change], "\(verdict.text)")
        }
    }
}
