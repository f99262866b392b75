internal import Bets
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath bets table`: the page of bets, from results alone.
enum BetsTable: Command {
    static let specification = CommandSpecification(
        path: ["bets", "table"], summary: "Make the page of bets from the results that were kept",
        discussion: """
            Every flag is computed again from the figures; a result whose flags are others is refused. The page goes to
            standard output, or to the file that --out names, in the place of what is there.
            """,
        flags: [.out, .home, .json],
        exits: [.init(.mismatch, "a result's flags do not follow from its figures")],
        examples: ["polymath bets table --out Documentation/BETS.md"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let results = try BetResult.all(home: arguments.home.root)
        let page = try BetsPage.markdown(results)
        if let path = arguments.text(.out) {
            // An earlier page is replaced, and nothing else.
            if (try? WholeFile.read(path, limit: 1 << 24))?.starts(with: Array("# Bets\n".utf8)) == true {
                try InputPath.requireReplaceable(path)
            } else {
                try InputPath.requireFree(path)
            }
            guard !BetResult.paths(home: arguments.home.root).contains(where: { PathIdentity.isSamePlace($0, path) })
            else { throw UsageError.impossible("--out is a result that the page is made of; name another file.") }
            try AtomicFile.write(Array(page.utf8), to: path, mode: 0o644, placement: .replacing)
        } else {
            console.stream(page)
        }
        for result in results {
            console.emit(
                "bet",
                [
                    "number": .exactly(result.claim.number), "name": .string(result.claim.name),
                    "verdict": .string(try result.verdict.rawValue), "retracted": .bool(result.retraction != nil),
                    "measures": .object(result.measured.measures.mapValues { .number($0) }),
                ])
        }
    }
}
