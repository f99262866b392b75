internal import Bets
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Foundation
internal import PolymathKit

/// `polymath bets run`: from a committed claim to a result.
enum BetsRun: Command {
    static let specification = CommandSpecification(
        path: ["bets", "run"], summary: "Run a bet whose claim is committed, and keep its result",
        discussion: """
            The claim and the code that measures it must be committed as they stand; the result names the commits, and
            holds figures, seeds, timings and the flags that follow. It is kept in Documentation/Results/bets, where it
            takes the place of an earlier one of the same bet. --quick does the same on much less, asks for no commit,
            and keeps nothing: a smoke test whose figures mean nothing.
            """,
        operands: [.init(name: "N", help: "Number of the bet", isRequired: false)],
        flags: [.allBets, .quick, .threads, .home, .json],
        examples: ["polymath bets run 5", "polymath bets run --all --quick"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let claims = try BetClaim.all(home: arguments.home.root)
        var chosen = claims
        if let word = arguments.operands.first {
            guard !arguments.isOn(.allBets) else {
                throw UsageError.impossible("Give the number of a bet or --all, not both.")
            }
            chosen = [try claim(word, of: claims)]
        } else if !arguments.isOn(.allBets) {
            throw UsageError.impossible("Give the number of a bet, or --all.")
        }
        for claim in chosen {
            var run = BetRun(home: arguments.home, threads: arguments.threadCount)
            run.isQuick = arguments.isOn(.quick)
            run.command = "polymath bets run \(claim.number)"
            console.note("bet \(claim.number): \(escaped(claim.title))")
            let outcome = try run.run(claim) { console.note("  " + $0) }
            show(outcome, isQuick: run.isQuick, console)
        }
    }

    private static func claim(_ word: String, of claims: [BetClaim]) throws -> BetClaim {
        guard let number = Int(word) else {
            throw UsageError.impossible("A bet has a number, which \(escaped(word)) is not.")
        }
        guard let claim = claims.first(where: { $0.number == number }) else {
            throw BetError.unknownBet(number: number, known: claims.map(\.number))
        }
        return claim
    }

    private static func show(_ outcome: BetRun.Outcome, isQuick: Bool, _ console: Console) {
        var members: [String: JSONValue] = [
            "number": .exactly(outcome.claim.number), "name": .string(outcome.claim.name), "quick": .bool(isQuick),
            "seconds": .number(outcome.seconds),
            "measures": .object(outcome.measured.measures.mapValues { .number($0) }),
        ]
        // What a smoke test finds is no verdict.
        if !isQuick { members["verdict"] = .string(outcome.verdict.rawValue) }
        if let path = outcome.path { members["result"] = .string(path) }
        console.emit("bet_result", members)
        var rows = outcome.measured.measures.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        if !isQuick { rows.append(("verdict", outcome.verdict.rawValue)) }
        rows.append(("seconds", fixed(outcome.seconds, 1)))
        if let path = outcome.path { rows.append(("kept", escaped(path, limit: 300))) }
        console.show("bet \(outcome.claim.number): \(escaped(outcome.claim.title))\(isQuick ? " (quick)" : "")")
        console.show(table(rows.map { ("  " + $0.0, $0.1) }))
    }
}
