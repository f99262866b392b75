package import Audit
package import CommandLineKit
package import Conventions
package import Digest
internal import Seal

/// `audit verify`: judges a run folder from its files.
package enum AuditVerify<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["audit", "verify"], summary: "Check a run's audit chain, attestation and exported file",
            discussion: """
                Every line names the ground on which it may be believed: arithmetic, replay, or the signer's word; whose
                word counts, --signer or --trusted says, else it is your own. The last line says how far the run got:
                closed, paused at a step, or open; only a closed run passes. A cut back to an older signed state shows
                only against an outside copy of the chain's head: --head HEX.
                """,
            operands: [.init(name: "RUN", help: "Run folder")],
            flags: Bases.flags + [.head] + Flag.trustFlags + [.threads, .json], exclusive: Flag.exclusiveTrust,
            exits: [.init(.mismatch, "a check failed, the run was never closed, or its signer is not trusted")],
            examples: ["polymath audit verify Telemetry/runs/20270105T080000Z-9f3c2a1b --base nano.gguf"])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        try InputPath.requireFolder(folder, kind: "run folder")
        let head = try arguments.digest(.head)
        let trust = try arguments.signerTrust()
        try Bases.willVerify(runFolder: folder, console)
        var root: SHA256Digest?
        if let name = arguments.text(.base) { root = try Bases.open(name, arguments).manifest(console).root }
        let verdict = AuditVerification.verify(runFolder: folder, baseManifestRoot: root, head: head, trust: trust)
        let chain = try? AuditChain.read(path: folder + "/audit.jsonl")
        let status = chain?.status.description
        try console.judge(
            verdict, subject: "run", members: status.map { ["status": .string($0)] } ?? [:],
            last: status.map { "run: \($0)" })
    }
}

extension Console {
    /// Shows a verdict, and ends the command accordingly.
    ///
    /// - Parameters:
    ///   - subject: what is judged, e.g. "run".
    ///   - last: a line after the verdict.
    /// - Throws: ``VerdictError`` unless the verdict passed.
    package func judge(
        _ verdict: Verdict, subject: String, members more: [String: JSONValue] = [:], last: String? = nil
    ) throws {
        let members = (verdict.json.asObject ?? [:]).merging(more) { _, new in new }
        emit(more["event"]?.asString ?? "verdict", members)
        stream(verdict.text)
        if let last { show(last) }
        guard verdict.isPassed else { throw VerdictError(subject: subject, verdict: verdict) }
    }
}

/// A verdict that did not pass; its checks have been printed.
package struct VerdictError: ExitReporting, CustomStringConvertible {
    let subject: String
    let verdict: Verdict

    package var exitStatus: ExitStatus { .mismatch }
    package var description: String {
        let failed = verdict.checks.filter { $0.result == .failed }
        guard let first = failed.first else { return "The \(subject) is not verified: nothing could be checked." }
        let count = failed.count == 1 ? "" : " (the first of \(failed.count) checks that failed)"
        return "The \(subject) is not verified\(count): \(first.sentence)"
    }
}
