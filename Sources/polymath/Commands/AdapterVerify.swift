internal import Adapter
internal import Bytes
internal import Digest
internal import PolymathKit

/// `polymath adapter verify`: an adapter against the base it claims.
enum AdapterVerify: Command {
    static let specification = CommandSpecification(
        path: ["adapter", "verify"], summary: "Check an adapter's form, signature and base",
        discussion: """
              Hashes the whole base, and accepts the adapter only if it names that root, holds exactly its scope's
              norm gains, no delta is larger than the largest gain of its tensor, and its signature covers every byte.
            """,
        flags: [.base.required, .adapter.required, .signer, .threads, .home, .json],
        exits: [.init(.mismatch, "the adapter is for another base, was changed, or breaks a rule of the format")],
        examples: ["polymath adapter verify --base nano --adapter adapter.gguf"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredText(.adapter)
        try InputPath.requireFile(path, kind: "adapter")
        let trusted = try AuditVerify.digest(arguments, .signer).map { "SHA256:" + $0.hex }
        let base = try arguments.loadBase()
        let adapter = try base.verifiedAdapter(path: path, progress: console.hashingProgress(of: base))
        console.endProgress()
        if let trusted, trusted != adapter.signer.fingerprint {
            throw InputError.otherSigner(expected: trusted, found: adapter.signer.fingerprint)
        }
        var members = AdapterInspect.members(adapter, path: path)
        members["verified"] = true
        members["base"] = .string(base.name)
        members["synthetic_weights"] = .bool(base.isSynthetic)
        console.emit("adapter_verified", members)
        console.show(table([("base", escaped(base.title))] + AdapterInspect.rows(adapter)))
        console.show()
        console.show(
            "verified: it holds the deltas of \(adapter.deltas.count) norm gains of this base and nothing else.")
    }
}
