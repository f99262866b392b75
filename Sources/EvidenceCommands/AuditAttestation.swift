internal import Adapter
internal import Audit
internal import Bytes
package import CommandLineKit
internal import Conventions
internal import Digest
internal import Foundation
internal import GGUF
internal import Seal

/// `audit attestation`: an attestation by itself, or against the files it speaks of.
package enum AuditAttestation<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["audit", "attestation"], summary: "Check an attestation's signature, signer and subjects",
            discussion: """
                An attestation is a DSSE envelope around an in-toto statement. The envelope names its signer's key by
                fingerprint only: the key itself is taken from --key, from the exported file (--adapter), from a
                --trusted list that names a PEM file, from the audit chain beside the attestation, or it is your own.
                With --base and --adapter the digests it names are computed from those files.
                """,
            operands: [.init(name: "ATTESTATION", help: "File attestation.dsse.json")],
            flags: Bases.flags + [.adapter, .key] + Flag.trustFlags + [.threads, .json],
            exclusive: Flag.exclusiveTrust,
            exits: [.init(.mismatch, "it was changed, speaks of other files, or its signer is not trusted")],
            examples: ["polymath audit attestation run/attestation.dsse.json --adapter run/adapter.gguf --any-signer"])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredOperand(0)
        try InputPath.requireFile(path, kind: "attestation")
        let bytes = try WholeFile.read(path, limit: Attestation.byteLimit)
        let trust = try arguments.signerTrust()
        var keys = trust.keys
        if let file = arguments.text(.key) {
            try InputPath.requireFile(file, kind: "public key")
            guard let key = PublicKey(pemFile: file) else {
                throw InputError.unusable(
                    kind: "public key", path: file, reason: "it is no Ed25519 public key in PEM.")
            }
            keys.append(key)
        }
        var contentID: SHA256Digest?
        if let file = arguments.text(.adapter) {
            let artefact = try artefact(file)
            contentID = artefact.contentID
            keys.append(artefact.signer)
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if let chain = try? AuditChain.read(path: folder + "/audit.jsonl") { keys.append(chain.signer) }
        let root = try arguments.text(.base).map { try Bases.open($0, arguments).manifest(console).root }

        let result = AttestationVerification.verify(
            bytes, keys: keys, trust: trust, baseRoot: root, contentID: contentID)
        var members: [String: JSONValue] = [:]
        if let attestation = result.attestation {
            members["statement"] = attestation.statement
            console.show(table(rows(attestation)))
            console.show()
        }
        if let signer = result.signer { members["signer"] = .string(signer.fingerprint) }
        try console.judge(result.verdict, subject: "attestation", members: members)
    }

    private static func artefact(_ path: String) throws -> (contentID: SHA256Digest, signer: PublicKey) {
        try InputPath.requireFile(path, kind: "adapter")
        if (try? GGUFFile(path: path))?["general.type"]?.asString == "boundary" {
            let file = try BoundaryFile.read(path: path)
            return (file.contentID, file.signer)
        }
        let file = try NormAdapter.read(path: path)
        return (file.contentID, file.signer)
    }

    private static func rows(_ attestation: Attestation) -> [(String, String)] {
        var rows = [("base", "\(escaped(attestation.baseName)), root \(attestation.baseRoot.hex)")]
        if let artefact = attestation.artefact {
            rows.append(("exported", "\(escaped(artefact.name)), content id \(artefact.digest.hex)"))
        }
        rows.append(("recipe", attestation.recipe.hex))
        rows.append(("chain head", attestation.chainHead.hex))
        if let corpus = attestation.corpusID { rows.append(("corpus id", "\(corpus.hex) (under a key of the signer)")) }
        rows += attestation.passedTests.map { ("passed", escaped($0, limit: 300)) }
        rows += attestation.failedTests.map { ("FAILED", escaped($0, limit: 300)) }
        return rows
    }
}
