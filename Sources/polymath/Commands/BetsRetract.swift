internal import Bets
internal import Bytes
internal import CommandLineKit
internal import Digest
internal import PolymathKit

/// `polymath bets retract`: says of a result that it no longer counts. It stays in the table.
enum BetsRetract: Command {
    static let specification = CommandSpecification(
        path: ["bets", "retract"], summary: "Say why a bet's result no longer counts; it stays in the table",
        operands: [.init(name: "N", help: "Number of the bet")], flags: [.reason.required, .home, .json],
        examples: ["polymath bets retract 4 --reason \"the rates were tuned on the test part\""])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let word = try arguments.requiredOperand(0)
        guard let number = Int(word) else {
            throw UsageError.impossible("A bet has a number, which \(escaped(word)) is not.")
        }
        try BetRun.retract(number, reason: try arguments.requiredText(.reason), home: arguments.home)
        console.emit("bet_retracted", ["number": .exactly(number)])
        console.show("bet \(number) is retracted; polymath bets table shows it so")
    }
}
