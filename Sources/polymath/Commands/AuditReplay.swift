internal import Audit
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import EvidenceCommands
internal import Foundation
internal import PolymathKit

/// `polymath audit replay`: trains a run again and says whether the same comes out.
enum AuditReplay: Command {
    static let specification = CommandSpecification(
        path: ["audit", "replay"], summary: "Train a run again and compare what comes out",
        discussion: """
            Trains in a temporary folder with the options that the run recorded, and compares every loss and the
            exported file. With the run's own identity the content ids must be equal. Without it the file is signed
            with a key made for the occasion, and every byte must be equal but signer, signature and the digest of
            the recipe, which names the corpus under the signer's key.

            A run with a secret seed can be replayed by its owner, with the run's identity and folder, and by whoever
            was given the seed in a file (--secret; the owner gets it from polymath audit secret).

            It needs the same base, the same text and the same kernel path (processor features, BLAS, program
            version), and refuses to start where one of them differs.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.base, .corpus, .tokens, .identity, .secret, .threads, .home, .json], exclusive: [[.corpus, .tokens]],
        exits: [
            .init(.mismatch, "something else came out, or base, text, seed, options or kernel path are not the run's"),
            .init(.signal(15), "stopped by SIGTERM before anything was decided (129 by SIGHUP, 130 by SIGINT)"),
        ],
        examples: ["polymath audit replay Telemetry/runs/20270105T080000Z-9f3c2a1b --base nano --corpus skerry-diary"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        try InputPath.requireFolder(folder, kind: "run folder")
        if let path = arguments.text(.identity) { try InputPath.requireFile(path, kind: "identity") }
        if let path = arguments.text(.secret) { try InputPath.requireFile(path, kind: "secret seed") }
        let signals = StopSignals(console: console)
        var replay = ReplayRun(
            folder: folder, home: arguments.home, listener: ReplayPrinter(console: console), stop: signals.request)
        replay.base = arguments.text(.base)
        replay.corpus = arguments.text(.corpus)
        replay.tokens = arguments.text(.tokens)
        replay.identityPath = arguments.text(.identity)
        replay.secretPath = arguments.text(.secret)
        replay.threads = arguments.integer(.threads)
        var verdict = Verdict()
        try signals.whileWatching { verdict = try replay.run() }
        console.endProgress()
        let result = verdict.isPassed ? "same" : "different"
        try console.judge(
            verdict, subject: "run", members: ["event": "replay", "result": .string(result)],
            last: "replay: \(result)")
    }
}

/// Shows how far a replay is, and nothing else of the training inside it.
private final class ReplayPrinter: RunListener {
    private let console: Console
    private var steps = 0

    init(console: Console) { self.console = console }

    func event(_ name: String, _ members: [String: JSONValue]) {
        switch name {
        case "run_started": steps = members["steps"]?.asInt ?? 0
        case "step": console.progress("Training again", done: members["step"]?.asInt ?? 0, of: steps)
        default: break
        }
    }

    func progress(_ title: String, done: Int, of total: Int) {}
}
