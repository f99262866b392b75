internal import Adapter
internal import Audit
internal import Bytes
package import CommandLineKit
internal import Conventions
internal import Digest
internal import GGUF
internal import Seal

/// `adapter verify`: an adapter, or a boundary file, against the base it claims.
package enum AdapterVerify<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["adapter", "verify"], summary: "Check an adapter's form, signature, signer and base",
            discussion: """
                Hashes the whole base, and accepts the adapter only if it names that root, holds exactly its scope's
                norm gains, no delta is larger than the largest gain of its tensor, its signature covers every byte,
                and its signer is trusted: named by --signer or in --trusted, or yourself. A boundary.gguf is checked
                in the same way.
                """,
            flags: Bases.flags.map { $0.name == Flag.base.name ? $0.required : $0 } + [.adapter.required]
                + Flag.trustFlags + [.threads, .json],
            exclusive: Flag.exclusiveTrust,
            exits: [
                .init(
                    .mismatch,
                    "the adapter is for another base, was changed, breaks a rule of the format, or its signer is not trusted"
                )
            ],
            examples: [
                "polymath adapter verify --base nano.gguf --adapter adapter.gguf --trusted signers.txt"
            ])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredText(.adapter)
        try InputPath.requireFile(path, kind: "adapter")
        let trust = try arguments.signerTrust()
        let base = try Bases.open(arguments.requiredText(.base), arguments)
        if (try? GGUFFile(path: path))?["general.type"]?.asString == "boundary" {
            let boundary = try BoundaryFile.read(path: path)
            try boundary.verify(against: base.gguf, root: base.manifest(console).root)
            let standing = try trust.standing(of: boundary.signer)
            report(
                standing, members: BoundaryShown.members(boundary, path: path), rows: BoundaryShown.rows(boundary),
                base, console,
                "it holds the \(boundary.tensors.count) trained tensors of this base's boundary and nothing else.")
        } else {
            let adapter = try NormAdapter.read(path: path)
            try adapter.verify(against: base.gguf, root: base.manifest(console).root)
            let standing = try trust.standing(of: adapter.signer)
            report(
                standing, members: AdapterInspect.members(adapter, path: path), rows: AdapterInspect.rows(adapter),
                base, console,
                "it holds the deltas of \(adapter.deltas.count) norm gains of this base and nothing else.")
        }
    }

    private static func report(
        _ standing: SignerTrust.Standing, members: [String: JSONValue], rows: [(String, String)], _ base: BaseAtHand,
        _ console: Console, _ sentence: String
    ) {
        var members = members
        members["verified"] = .bool(standing != .unknown)
        members["intact"] = true
        members["base"] = .string(base.name)
        members["synthetic_weights"] = .bool(base.isSynthetic)
        console.emit("adapter_verified", members)
        console.show(table([("base", escaped(base.title))] + rows + [("signer is", standing.row)]))
        console.show()
        console.show("\(standing.word): \(sentence)")
    }
}

/// What is shown of a boundary file.
enum BoundaryShown {
    static func rows(_ file: BoundaryFile) -> [(String, String)] {
        [
            ("content id", file.contentID.hex), ("bytes", grouped(file.byteCount)),
            ("architecture", "\(escaped(file.architecture)), \(file.layerCount) layers"), ("scope", "boundary"),
            ("tensors", "\(file.tensors.count)"), ("base root", file.baseRoot.hex), ("recipe", file.recipe.hex),
            ("signer", file.signer.fingerprint), ("signature", "valid"),
        ]
    }

    static func members(_ file: BoundaryFile, path: String) -> [String: JSONValue] {
        [
            "path": .string(path), "content_id": .string(file.contentID.hex), "bytes": .exactly(file.byteCount),
            "architecture": .string(file.architecture), "layers": .exactly(file.layerCount), "scope": "boundary",
            "base_root": .string(file.baseRoot.hex), "recipe": .string(file.recipe.hex),
            "signer": .string(file.signer.fingerprint), "signature_valid": true,
            "tensors": .array(
                file.tensors.map { ["name": .string($0.name), "count": .exactly($0.elementCount)] }),
        ]
    }
}
