internal import Audit
internal import Digest
internal import PolymathKit
internal import Seal

/// `polymath audit verify`: judges a run folder from its files.
enum AuditVerify: Command {
    static let specification = CommandSpecification(
        path: ["audit", "verify"], summary: "Check a run's audit chain, attestation and exported file",
        discussion: """
              Every line names the ground on which it may be believed: arithmetic, replay, or the signer's word. A cut
              back to an older signed state shows only against an outside copy of the chain's head: --head HEX.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.base, .head, .signer, .threads, .home, .json],
        exits: [.init(.mismatch, "a check failed, or the run was never closed")],
        examples: ["polymath audit verify Telemetry/runs/2026-01-31T12-00-00Z-1a2b3c --base nano"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        try InputPath.requireFolder(folder, kind: "run folder")
        let head = try digest(arguments, .head)
        let fingerprint = try digest(arguments, .signer).map { "SHA256:" + $0.hex }
        var root: SHA256Digest?
        if arguments.text(.base) != nil {
            let base = try arguments.loadBase()
            root = try base.manifest(progress: console.hashingProgress(of: base)).root
            console.endProgress()
        }
        let chain = try? AuditChain.read(path: folder + "/audit.jsonl")
        let isTrusted = fingerprint != nil && chain?.signer.fingerprint == fingerprint
        var verdict = AuditVerification.verify(
            runFolder: folder, baseManifestRoot: root, head: head, trustedSigner: isTrusted ? chain?.signer : nil)
        if let fingerprint, let chain, !isTrusted {
            verdict.checks.removeAll { $0.name == "signer" }
            verdict.add(
                "signer", .failed, .signersWord,
                "The signer is \(chain.signer.fingerprint), not the trusted \(fingerprint).")
        }
        let status = chain?.status.description
        var members = verdict.json.asObject ?? [:]
        if let status { members["status"] = .string(status) }
        console.emit("verdict", members)
        console.stream(verdict.text)
        if let status { console.show("run: \(status)") }
        guard verdict.isPassed else { throw VerdictError(failed: verdict.checks.count { $0.result == .failed }) }
    }

    /// 32 bytes in hexadecimal; a fingerprint's `SHA256:` before it is understood.
    static func digest(_ arguments: Arguments, _ flag: Flag) throws -> SHA256Digest? {
        guard let text = arguments.text(flag) else { return nil }
        let digits = text.hasPrefix("SHA256:") ? String(text.dropFirst(7)) : text
        guard let digest = SHA256Digest(hex: digits) else {
            throw UsageError.badValue(flag: flag.name, value: text, expected: "64 hexadecimal digits")
        }
        return digest
    }
}

/// A verdict that did not pass; its checks have been printed.
struct VerdictError: ExitReporting, CustomStringConvertible {
    let failed: Int

    var exitStatus: ExitStatus { .mismatch }
    var description: String {
        failed == 0
            ? "The run is not verified: nothing could be checked." : "The run is not verified: \(failed) checks failed."
    }
}
