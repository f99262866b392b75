import Audit
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

@Suite struct `Trust in a signer` {
    let folder = TemporaryFolder()

    private func list(_ text: String) throws -> String {
        try AtomicFile.write(Array(text.utf8), to: folder.path("signers"))
        return folder.path("signers")
    }

    @Test func `is in those named, else in oneself`() throws {
        let me = try RunFixture.identity(1).publicKey
        let friend = try RunFixture.identity(2).publicKey
        #expect(try SignerTrust(oneself: me).standing(of: me) == .trusted(reason: "you"))
        #expect(throws: TrustError.untrusted(fingerprint: friend.fingerprint, isNamed: false)) {
            try SignerTrust(oneself: me).standing(of: friend)
        }
        #expect(throws: TrustError.untrusted(fingerprint: me.fingerprint, isNamed: false)) {
            try SignerTrust().standing(of: me)
        }
        let named = try SignerTrust(signer: friend.fingerprint, oneself: me)
        #expect(try named.standing(of: friend) == .trusted(reason: "the one you named"))
        #expect(throws: TrustError.untrusted(fingerprint: me.fingerprint, isNamed: true)) {
            try named.standing(of: me)
        }
        #expect(try SignerTrust(acceptsAny: true).standing(of: friend) == .unknown)
    }

    @Test func `comes from a list of fingerprints and PEM files`() throws {
        let first = try RunFixture.identity(1).publicKey
        let second = try RunFixture.identity(2).publicKey
        let third = try RunFixture.identity(3).publicKey
        try AtomicFile.write(Array(second.pem.utf8), to: folder.path("second.pem"))
        let path = try list(
            "# ours\r\n\(first.fingerprint) # one\r\n\r\n  second.pem\t\r\n\(third.fingerprint.dropFirst(7))")
        let trust = try SignerTrust(list: path)
        for key in [first, second, third] {
            #expect(try trust.standing(of: key) == .trusted(reason: "in the list “\(path)”"))
        }
        #expect(trust.keys == [second])
        #expect(throws: TrustError.self) { try trust.standing(of: RunFixture.identity(4).publicKey) }
    }

    @Test(arguments: ["SHA256:beef", "nowhere.pem", "private.pem", "\u{1B}[31m"])
    func `is in no line that names no key`(word: String) throws {
        try AtomicFile.write(Array(RunFixture.identity().pem.utf8), to: folder.path("private.pem"))
        let path = try list("\n\(word)\n")
        #expect(throws: TrustError.badLine(path: path, line: 2)) { try SignerTrust(list: path) }
    }

    @Test func `needs a list that can be read`() {
        #expect(throws: TrustError.self) { try SignerTrust(list: folder.path("nowhere")) }
    }
}

@Suite struct `An attestation by itself` {
    private func bytes(failed: [String] = []) throws -> [UInt8] {
        try Attestation(
            baseName: "nano", baseRoot: RunFixture.root,
            artefact: Attestation.Artefact(name: "adapter.gguf", digest: RunFixture.recipe),
            corpusID: RunFixture.corpus, recipe: RunFixture.recipe, chainHead: RunFixture.corpus,
            passedTests: ["seal"], failedTests: failed
        ).encode(signedBy: RunFixture.identity())
    }

    private func results(
        _ bytes: [UInt8], keys: [PublicKey]? = nil, root: SHA256Digest? = RunFixture.root,
        contentID: SHA256Digest? = RunFixture.recipe
    ) throws -> [String: Verdict.Result] {
        let key = try RunFixture.identity().publicKey
        let verdict = AttestationVerification.verify(
            bytes, keys: keys ?? [key], trust: SignerTrust(only: key), baseRoot: root, contentID: contentID
        ).verdict
        return Dictionary(uniqueKeysWithValues: verdict.checks.map { ($0.name, $0.result) })
    }

    @Test func `is held against signature, signer, base and file`() throws {
        let good = try bytes()
        #expect(
            try results(good) == [
                "attestation": .passed, "signer": .passed, "base": .passed, "artefact": .passed, "tests": .passed,
            ])
        let alone = try results(good, root: nil, contentID: nil)
        #expect(alone["base"] == .notChecked && alone["artefact"] == .notChecked)
        #expect(try results(good, root: RunFixture.corpus)["base"] == .failed)
        #expect(try results(good, contentID: RunFixture.root)["artefact"] == .failed)
        #expect(try results(bytes(failed: ["seal"]))["tests"] == .failed)
        #expect(try results(good, keys: []) == ["attestation": .failed])
        #expect(try results(good, keys: [RunFixture.identity(1).publicKey]) == ["attestation": .failed])
    }

    @Test func `is refused with any byte changed`() throws {
        let good = try bytes()
        for index in good.indices.dropLast() where index % 7 == 0 {
            var bad = good
            bad[index] ^= 1
            // The key id is a hint that nobody believes, so it alone may change without harm.
            guard let found = try? DSSEEnvelope.decode(bad), let meant = try? DSSEEnvelope.decode(good),
                found.payload == meant.payload, found.payloadType == meant.payloadType,
                found.signatures[0].bytes == meant.signatures[0].bytes
            else {
                #expect(try results(bad)["attestation"] == .failed, "byte \(index)")
                continue
            }
        }
    }
}
