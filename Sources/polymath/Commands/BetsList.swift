internal import Bets
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath bets list`: what has been claimed, and what came of it.
enum BetsList: Command {
    static let specification = CommandSpecification(
        path: ["bets", "list"], summary: "List the bets: claims written down before they are run",
        discussion: """
            A bet is a file in the folder Bets: hypothesis, criteria, setup, and the control that could sink it. Its
            verdict is computed from what a run measured: strict, lenient, falsified or catastrophe.
            """,
        flags: [.home, .json])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let root = arguments.home.root
        let results = try BetResult.all(home: root)
        var rows: [(String, String)] = []
        for claim in try BetClaim.all(home: root) {
            let result = results.first { $0.claim.number == claim.number }
            let verdict = try result.map { try $0.verdict.rawValue }
            // A result speaks for the claim that it was run with.
            let state = result.map { $0.claim.digest == claim.digest ? "" : " (of an earlier wording)" } ?? ""
            let retracted = result?.retraction == nil ? "" : ", retracted"
            rows.append(("\(claim.number)", "\(escaped(claim.title)): \(verdict ?? "not run")\(state)\(retracted)"))
            var members: [String: JSONValue] = [
                "number": .exactly(claim.number), "name": .string(claim.name), "title": .string(claim.title),
                "claim_digest": .string(claim.digest.hex), "retracted": .bool(result?.retraction != nil),
            ]
            if let verdict { members["verdict"] = .string(verdict) }
            console.emit("bet", members)
        }
        console.show(table(rows))
    }
}
