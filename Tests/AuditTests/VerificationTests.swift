import Adapter
import Audit
import Bytes
import Digest
import Foundation
import Seal
import TestSupport
import Testing

@Suite struct `A run folder` {
    let folder = TemporaryFolder()

    /// A finished run with an adapter and an attestation; returns the head.
    private func finish(attest: Bool = true, record: [UInt8] = RunFixture.record) throws -> SHA256Digest {
        let identity = try RunFixture.identity()
        let deltas = AdapterScope.tail.tensorNames(layerCount: 2).map {
            NormDelta(name: $0, values: [Float](repeating: 0.1, count: 32))
        }
        let bytes = try NormAdapter.encode(
            architecture: "qwen2", scope: .tail, layerCount: 2, baseRoot: RunFixture.root, recipe: RunFixture.recipe,
            deltas: deltas, identity: identity)
        try AtomicFile.write(bytes, to: folder.path("adapter.gguf"), placement: .replacing)
        try AtomicFile.write(record, to: folder.path("run.json"), placement: .replacing)
        let writer = try AuditWriter.start(
            path: folder.path("audit.jsonl"), run: "r1", identity: identity, baseRoot: RunFixture.root,
            recipe: RunFixture.recipe, corpusID: RunFixture.corpus,
            details: ["run_json_sha256": .string(SHA256Digest.of(record).hex)])
        try writer.append(kind: RowKind.sealCheck, body: ["tensors": 30, "changes": 0])
        let contentID = SHA256Digest.of(bytes)
        try writer.export(file: "adapter.gguf", contentID: contentID, byteCount: bytes.count)
        let head = try writer.close(step: 0)
        let attestation = attestation(head: head, contentID: contentID)
        if attest {
            try AtomicFile.write(
                attestation.encode(signedBy: identity), to: folder.path("attestation.dsse.json"), placement: .replacing)
        }
        return head
    }

    private func attestation(head: SHA256Digest, contentID: SHA256Digest) -> Attestation {
        Attestation(
            baseName: "nano", baseRoot: RunFixture.root,
            artefact: Attestation.Artefact(name: "adapter.gguf", digest: contentID), corpusID: RunFixture.corpus,
            recipe: RunFixture.recipe, chainHead: head, passedTests: ["seal"], failedTests: [])
    }

    private func failures(
        root: SHA256Digest? = RunFixture.root, head: SHA256Digest? = nil, signer: PublicKey? = nil
    ) -> [String] {
        AuditVerification.verify(runFolder: folder.path, baseManifestRoot: root, head: head, trustedSigner: signer)
            .checks.filter { $0.result == .failed }.map(\.name)
    }

    @Test func `that is whole passes, and says on what ground`() throws {
        let head = try finish()
        let verdict = try AuditVerification.verify(
            runFolder: folder.path, baseManifestRoot: RunFixture.root, head: head,
            trustedSigner: RunFixture.identity().publicKey)
        #expect(verdict.isPassed)
        #expect(verdict.checks.filter { $0.result == .notChecked }.map(\.name) == ["seal-manifest", "replay"])
        #expect(Set(verdict.checks.map(\.ground)) == Set(Ground.allCases))
        #expect(verdict.text.hasSuffix(" checks passed, 2 not checked\n"))
        #expect(Verdict(json: verdict.json) == verdict)
    }

    @Test func `that is changed in one file fails in one check`() throws {
        let head = try finish()
        #expect(failures() == [])
        #expect(failures(root: RunFixture.recipe) == ["base"])
        #expect(failures(head: RunFixture.recipe) == ["chain-head"])
        #expect(try failures(signer: RunFixture.identity(1).publicKey) == ["signer"])
        let adapter = try WholeFile.read(folder.path("adapter.gguf"))
        try AtomicFile.write(adapter + [0], to: folder.path("adapter.gguf"), placement: .replacing)
        #expect(failures() == ["artefact"])
        try AtomicFile.write(adapter, to: folder.path("adapter.gguf"), placement: .replacing)
        try AtomicFile.write(Array("{ }".utf8), to: folder.path("run.json"), placement: .replacing)
        #expect(failures() == ["run.json"])
        try AtomicFile.write(RunFixture.record, to: folder.path("run.json"), placement: .replacing)
        let contentID = SHA256Digest.of(adapter)
        let forged = try attestation(head: head, contentID: contentID).encode(signedBy: RunFixture.identity(1))
        try AtomicFile.write(forged, to: folder.path("attestation.dsse.json"), placement: .replacing)
        #expect(failures() == ["attestation"])
        let swapped = attestation(head: RunFixture.root, contentID: contentID)
        try AtomicFile.write(
            swapped.encode(signedBy: RunFixture.identity()), to: folder.path("attestation.dsse.json"),
            placement: .replacing)
        #expect(failures() == ["attestation"])
    }

    @Test(arguments: [("learning_rate", "0.02"), ("base_root", "00"), ("corpus_id", "00")])
    func `whose record spells out another recipe than the chain names fails`(member: String, value: String) throws {
        var recipe = try #require(RunFixture.recipeJSON.asObject)
        recipe[member] = .string(value)
        _ = try finish(record: JSONValue.object(["recipe": .object(recipe)]).canonicalBytes)
        #expect(failures() == ["recipe"])
    }

    @Test func `whose seal manifest belongs to another base fails`() throws {
        _ = try finish()
        let manifest = SealManifest(metadataDigest: RunFixture.recipe, tensors: [], fileName: "b", fileByteCount: 0)
        try AtomicFile.write(manifest.json.canonicalBytes, to: folder.path("seal.json"), placement: .replacing)
        #expect(failures() == ["seal-manifest"])
        try AtomicFile.write(Array("[]".utf8), to: folder.path("seal.json"), placement: .replacing)
        #expect(failures() == ["seal-manifest"])
    }

    @Test func `that was cut, never closed or is empty does not pass`() throws {
        #expect(failures() == ["chain"])
        _ = try finish()
        let lines = RunFixture.lines(try WholeFile.read(folder.path("audit.jsonl")))
        try AtomicFile.write(Array(lines.dropLast().joined()), to: folder.path("audit.jsonl"), placement: .replacing)
        #expect(failures() == ["chain-closed", "attestation"])
    }

    @Test func `an attestation is an in-toto statement that no byte can leave unsigned`() throws {
        let identity = try RunFixture.identity()
        let meant = attestation(head: RunFixture.root, contentID: RunFixture.recipe)
        let bytes = try meant.encode(signedBy: identity)
        #expect(try Attestation.verify(bytes, signer: identity.publicKey) == meant)
        #expect(meant.statement["predicate"]?["result"] == "PASSED")
        #expect(meant.statement["_type"] == "https://in-toto.io/Statement/v1")
        let other = try RunFixture.identity(1).publicKey
        #expect(throws: AttestationError.self) { try Attestation.verify(bytes, signer: other) }
        let envelope = try DSSEEnvelope.sign(payloadType: "text/plain", payload: Array("{}".utf8), by: identity)
        #expect(throws: AttestationError.payloadType("text/plain")) {
            try Attestation.verify(envelope.encoded, signer: identity.publicKey)
        }
    }
}

@Suite struct `Tools not ours` {
    /// `openssl pkeyutl` verifies the pre-authentication encoding with the signer's PEM key.
    @Test func `verify an attestation`() throws {
        let folder = TemporaryFolder()
        let identity = try RunFixture.identity()
        let meant = Attestation(
            baseName: "nano", baseRoot: RunFixture.root, artefact: nil, corpusID: nil, recipe: RunFixture.recipe,
            chainHead: RunFixture.corpus, passedTests: ["seal"], failedTests: [])
        let envelope = try DSSEEnvelope.decode(meant.encode(signedBy: identity))
        let message = DSSEEnvelope.preAuthenticationEncoding(type: envelope.payloadType, payload: envelope.payload)
        try AtomicFile.write(message, to: folder.path("message"), placement: .replacing)
        try AtomicFile.write(envelope.signatures[0].bytes, to: folder.path("signature"), placement: .replacing)
        try AtomicFile.write(Array(identity.publicKey.pem.utf8), to: folder.path("key.pem"), placement: .replacing)
        func status() throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder.path("key.pem"), "-rawin", "-in",
                folder.path("message"), "-sigfile", folder.path("signature"),
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        let first = try status()
        // 127: this machine has no openssl tool, which the build does not need.
        guard first != 127 else { return }
        #expect(first == 0)
        try AtomicFile.write(message + [0], to: folder.path("message"), placement: .replacing)
        #expect(try status() != 0)
    }
}
