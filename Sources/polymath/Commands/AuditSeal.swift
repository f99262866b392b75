internal import Bytes
internal import Digest
internal import PolymathKit
internal import Seal

/// `polymath audit seal`: every tensor's digest, and the root.
enum AuditSeal: Command {
    static let specification = CommandSpecification(
        path: ["audit", "seal"], summary: "Compute every tensor's digest and the root of a base",
        discussion: """
              A tensor's digest is the SHA-256 of its stored bytes, as llama-gguf-hash prints it; the root is the
              RFC 6962 tree hash over metadata and tensors.
            """,
        flags: [.base.required, .out, .threads, .home, .json],
        exits: [.init(.mismatch, "the catalogue records another root for this base")],
        examples: ["polymath audit seal --base nano --out nano.seal.json"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let base = try arguments.loadBase()
        if let path = arguments.text(.out) { try InputPath.requireFree(path) }
        let manifest = try base.manifest(progress: console.hashingProgress(of: base))
        console.endProgress()
        if let path = arguments.text(.out) {
            try AtomicFile.write(manifest.json.canonicalBytes + [0x0A], to: path)
        }
        console.emit(
            "seal",
            [
                "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
                "root": .string(manifest.root.hex), "metadata": .string(manifest.metadataDigest.hex),
                "tensors": .array(
                    manifest.tensors.map { ["name": .string($0.name), "sha256": .string($0.digest.hex)] }),
            ])
        for tensor in manifest.tensors { console.show("\(tensor.digest.hex)  \(escaped(tensor.name))") }
        console.show()
        console.show(
            table([
                ("base", escaped(base.title)), ("metadata", manifest.metadataDigest.hex), ("root", manifest.root.hex),
            ]))
        if let path = arguments.text(.out) { console.note("Written to \(escaped(path)).") }
    }
}
