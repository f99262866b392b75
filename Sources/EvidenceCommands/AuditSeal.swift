internal import Audit
internal import Bytes
package import CommandLineKit
internal import Conventions
internal import Digest
internal import GGUF
internal import Seal

/// `audit seal`: every tensor's digest, and the root; or a check of both against a list.
package enum AuditSeal<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["audit", "seal"], summary: "Compute every tensor's digest and the root of a base, or check a list",
            discussion: """
                A tensor's digest is the SHA-256 of its stored bytes, in the lines of llama-gguf-hash; the root is the
                RFC 6962 tree hash over metadata and tensors. --out writes a seal.json with the digests of chunks too.
                --check FILE compares the base with either form. Neither form is signed: it proves as much as the place
                you have it from. --compare FILE takes a copy that is known to be whole and names the first byte that
                differs in each tensor.
                """,
            operands: [.init(name: "BASE", help: "The base, as for --base", isRequired: false)],
            flags: Bases.flags + [.check, .compare, .out, .threads, .json], exclusive: [[.check, .compare, .out]],
            exits: [.init(.mismatch, "the base differs from the list, or from the root that the catalogue records")],
            examples: [
                "polymath audit seal nano.gguf > nano.sha256", "polymath audit seal nano.gguf --check nano.sha256",
            ])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        if arguments.operand(0) != nil, arguments.isGiven(.base) {
            throw UsageError.impossible("The base was given twice, as BASE and as --base; give it once.")
        }
        let base = try Bases.open(arguments.operand(0) ?? arguments.requiredText(.base), arguments)
        if let path = arguments.text(.out) { try InputPath.requireFree(path) }
        if let path = arguments.text(.compare) { return try compare(path, base, console) }
        if let path = arguments.text(.check) { return try check(path, base, console) }
        let manifest = try base.manifest(console)
        if let path = arguments.text(.out) {
            try AtomicFile.write(manifest.json.canonicalBytes + [0x0A], to: path, within: SealManifest.byteLimit)
        }
        console.emit(
            "seal",
            [
                "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
                "root": .string(manifest.root.hex), "metadata": .string(manifest.metadataDigest.hex),
                "tensors": .array(
                    manifest.tensors.map { ["name": .string($0.name), "sha256": .string($0.digest.hex)] }),
            ])
        for line in HashList.lines(of: manifest) { console.show(line) }
        // As remarks, so that the output as a whole is a list that can be checked.
        console.show("# base      \(escaped(base.title))")
        console.show("# metadata  \(manifest.metadataDigest.hex)")
        console.show("# root      \(manifest.root.hex)")
        if let path = arguments.text(.out) { console.note("Written to \(escaped(path)).") }
    }

    private static func compare(_ path: String, _ base: BaseAtHand, _ console: Console) throws {
        try InputPath.requireFile(path, kind: "copy")
        let copy: GGUFFile
        do {
            copy = try GGUFFile(path: path)
        } catch {
            throw InputError.unusable(kind: "copy", path: path, reason: "\(error)")
        }
        var verdict = Verdict()
        if let differences = try TensorDifference.all(in: base.gguf, comparedWith: copy) {
            for found in differences {
                verdict.add(
                    found.tensor, .failed, .arithmetic,
                    "Tensor \(escaped(found.tensor)) first differs at byte \(found.fileOffset) of the file, which is "
                        + "\(found.actual) and should be \(found.expected); \(found.count) of its bytes differ.")
            }
            if differences.isEmpty {
                verdict.add(
                    "tensors", .passed, .arithmetic,
                    "All \(base.gguf.tensors.count) tensors hold the same bytes as the copy's.")
            }
        } else {
            verdict.add(
                "tensors", .failed, .arithmetic,
                "The copy is of another model: its tensors have other names, types or dimensions.")
        }
        try console.judge(verdict, subject: "base", members: ["base": .string(base.name)])
    }

    private static func check(_ path: String, _ base: BaseAtHand, _ console: Console) throws {
        try InputPath.requireFile(path, kind: "list")
        let recorded: SealVerification
        do {
            recorded = try SealVerification(WholeFile.read(path, limit: SealManifest.byteLimit))
        } catch {
            throw InputError.unusable(kind: "list", path: path, reason: "\(error)")
        }
        let manifest = try base.manifest(console)
        try console.judge(
            recorded.judge(manifest), subject: "base",
            members: ["base": .string(base.name), "root": .string(manifest.root.hex)])
    }
}
