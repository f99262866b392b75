// An attestation by itself: who signed it, and whether it speaks of the files at hand.

internal import Bytes
public import Digest

/// Judges an attestation away from the run folder that it came from.
public enum AttestationVerification {
    /// - Parameters:
    ///   - bytes: of `attestation.dsse.json`.
    ///   - keys: where the signer's key may be among; an envelope holds only its fingerprint.
    ///   - trust: whose word counts.
    ///   - baseRoot: root of the base at hand, as computed now.
    ///   - contentID: SHA-256 of the exported file at hand.
    /// - Returns: the verdict, and what is attested where the signature is some key's.
    public static func verify(
        _ bytes: [UInt8], keys: [PublicKey], trust: SignerTrust, baseRoot: SHA256Digest? = nil,
        contentID: SHA256Digest? = nil
    ) -> (verdict: Verdict, attestation: Attestation?, signer: PublicKey?) {
        var verdict = Verdict()
        let attestation: Attestation
        let signer: PublicKey
        do {
            let envelope = try DSSEEnvelope.decode(bytes)
            guard let key = keys.first(where: { envelope.isSigned(by: $0) }) else {
                let named = envelope.signatures.map { escaped($0.keyID) }.joined(separator: ", ")
                verdict.add(
                    "attestation", .failed, .signersWord,
                    "No key at hand made the attestation's signature, which names \(named): give --key FILE.pem, the "
                        + "exported file as --adapter, or a --trusted list with the key's PEM file; if you gave the key, "
                        + "the attestation was changed.")
                return (verdict, nil, nil)
            }
            signer = key
            attestation = try Attestation.verify(bytes, signer: key)
        } catch {
            verdict.add("attestation", .failed, .signersWord, "The attestation is refused: \(error)")
            return (verdict, nil, nil)
        }
        verdict.add(
            "attestation", .passed, .arithmetic,
            "The attestation's signature covers every byte of it and is \(signer.fingerprint)'s.")
        AuditVerification.judgeSigner("attestation", signer, trust, &verdict)
        judge("base", "base", attestation.baseRoot, baseRoot, "root", &verdict)
        judge("artefact", "exported file", attestation.artefact?.digest, contentID, "content id", &verdict)
        let failed = attestation.failedTests
        verdict.add(
            "tests", failed.isEmpty ? .passed : .failed, .signersWord,
            failed.isEmpty
                ? "It says that \(attestation.passedTests.count) tests passed and none failed."
                : "It says that \(failed.count) tests failed; the first: \(escaped(failed[0])).")
        return (verdict, attestation, signer)
    }

    private static func judge(
        _ name: String, _ thing: String, _ attested: SHA256Digest?, _ found: SHA256Digest?, _ digest: String,
        _ verdict: inout Verdict
    ) {
        guard let found else {
            let whose = attested.map { "; the attestation names the \(digest) \($0.hex)" } ?? ""
            verdict.add(name, .notChecked, .arithmetic, "The \(thing) is not at hand\(whose).")
            return
        }
        let isSame = found == attested
        verdict.add(
            name, isSame ? .passed : .failed, .arithmetic,
            isSame
                ? "The \(thing) at hand has the \(digest) that is attested."
                : "The \(thing) at hand has the \(digest) \(found.hex), and attested is \(attested?.hex ?? "none").")
    }
}
