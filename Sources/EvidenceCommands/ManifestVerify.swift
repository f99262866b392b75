internal import Adapter
internal import Audit
internal import Bytes
package import CommandLineKit
internal import Conventions
package import Digest
package import Federation
internal import Seal

/// `federation manifest verify`: a specialist manifest by itself, or against the base it describes.
package enum ManifestVerify<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["federation", "manifest", "verify"],
            summary: "Check a specialist manifest's form, signature and base",
            discussion: """
                Accepts only the exact bytes that the format has for what a manifest says: canonical JSON of less than
                4 KB, no member too many or too few, https addresses alone, and a signature over all of it by a trusted
                signer: named by --signer or in --trusted, or yourself. With --base, the root, the tokenizer, every
                dimension, the storage types, size and digest of the weights and the sizes of adapters are computed from
                that file. No address is ever opened.
                """,
            operands: [.init(name: "MANIFEST", help: "Manifest file")],
            flags: Bases.flags + Flag.trustFlags + [.threads, .json], exclusive: Flag.exclusiveTrust,
            exits: [
                .init(.mismatch, "it was changed, breaks a rule of the format, is of another base, or not trusted")
            ],
            examples: ["polymath federation manifest verify nano.json --base nano.gguf --trusted signers.txt"])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredOperand(0)
        try InputPath.requireFile(path, kind: "manifest")
        let trust = try arguments.signerTrust()
        let signed = try SignedManifest.read(path: path)
        var base: BaseAtHand?
        if let name = arguments.text(.base) {
            let found = try Bases.open(name, arguments)
            try signed.manifest.verify(against: found.gguf, root: found.manifest(console).root)
            base = found
        }
        let standing = try trust.standing(of: signed.signer)
        var members = ManifestShown.members(signed)
        members["verified"] = .bool(standing != .unknown)
        members["intact"] = true
        if let base {
            members["base"] = .string(base.name)
            members["synthetic_weights"] = .bool(base.isSynthetic)
        }
        console.emit("manifest_verified", members)
        console.show(table(ManifestShown.rows(signed) + [("signer is", standing.row)]))
        console.show()
        let about = base.map { "everything that it says of its base is so of \(escaped($0.title))" }
        console.show("\(standing.word): \(about ?? "its form and signature hold; the base is not at hand").")
    }
}

/// What is shown of a manifest.
package enum ManifestShown {
    package static func rows(_ signed: SignedManifest) -> [(String, String)] {
        let manifest = signed.manifest
        let base = manifest.base
        let sizes = BaseFacts.Dimension.allCases.map { "\($0.rawValue) \(base.dimensions[$0] ?? 0)" }
        return [
            ("manifest id", signed.id.hex), ("bytes", grouped(signed.byteCount)), ("model", manifest.modelID),
            ("architecture", base.architecture), ("base root", base.root.hex), ("tokenizer", base.tokenizer.hex),
            ("dimensions", sizes.joined(separator: ", ")), ("quantisation", base.quantisation),
            ("weights", "\(grouped(base.fileBytes)) bytes, SHA-256 \(base.fileDigest.hex)"),
        ] + manifest.urls.map { ("", $0) }
            + manifest.adapters.map {
                ("takes", "\($0.scope.rawValue) in \($0.encoding.rawValue), at most \(grouped($0.maxBytes)) bytes")
            } + [("signer", signed.signer.fingerprint), ("signature", "valid")]
    }

    package static func members(_ signed: SignedManifest) -> [String: JSONValue] {
        let manifest = signed.manifest
        let base = manifest.base
        return [
            "id": .string(signed.id.hex), "bytes": .exactly(signed.byteCount), "model_id": .string(manifest.modelID),
            "architecture": .string(base.architecture), "base_root": .string(base.root.hex),
            "tokenizer_sha256": .string(base.tokenizer.hex), "quantisation": .string(base.quantisation),
            "weights_bytes": .exactly(base.fileBytes), "weights_sha256": .string(base.fileDigest.hex),
            "urls": .array(manifest.urls.map { .string($0) }),
            "adapters": .array(
                manifest.adapters.map {
                    [
                        "scope": .string($0.scope.rawValue), "encoding": .string($0.encoding.rawValue),
                        "max_bytes": .exactly($0.maxBytes),
                    ]
                }), "signer": .string(signed.signer.fingerprint), "signature_valid": true,
        ]
    }
}
