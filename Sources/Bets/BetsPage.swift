internal import Foundation

/// `Documentation/BETS.md`: made from results and from nothing else.
public enum BetsPage {
    public static func markdown(_ results: [BetResult]) throws -> String {
        var lines = [
            "# Bets", "",
            "Claims that were written down before they were run. A bet is a file in `Bets`: hypothesis, criteria, setup,",
            "and the control that could sink it, committed before the run; the result names that commit. The verdict is",
            "computed from the figures: **strict** where every strict criterion holds, **lenient** where only the lenient",
            "ones do, **falsified** where not even those do, **catastrophe** where a catastrophic one holds. Falsified",
            "and retracted bets stay here. `polymath bets table` makes this page from the files in `Results/bets`, and",
            "from nothing else; `polymath bets run N` makes one of those.", "",
            "| | bet | verdict | criterion (strict) | measured |", "|---|---|---|---|---|",
        ]
        for result in results {
            let claim = result.claim
            let measured = claim.strict.map { "\($0.measure) = \(figure(result.measured.measures[$0.measure]))" }
            lines.append(
                "| \(claim.number) | [\(claim.title)](#\(anchor(claim))) | \(try label(result)) | "
                    + "\(list(claim.strict)) | \(measured.joined(separator: "; ")) |")
        }
        for result in results { lines += ["", try section(result)] }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func section(_ result: BetResult) throws -> String {
        let claim = result.claim
        var lines = ["## \(claim.number). \(claim.title)", "", "**\(try label(result))**", ""]
        if let reason = result.retraction { lines += ["Retracted: \(reason)", ""] }
        lines += [
            "- Hypothesis: \(claim.hypothesis)", "- Known elsewhere: \(claim.known)", "- Setup: \(claim.setup)",
            "- Control: \(claim.control)", "", "| criterion | | measured | holds |", "|---|---|---|---|",
        ]
        for (kind, criteria) in [
            ("strict", claim.strict), ("lenient", claim.lenient), ("catastrophic", claim.catastrophic),
        ] {
            for criterion in criteria {
                let value = result.measured.measures[criterion.measure]
                lines.append(
                    "| \(kind) | `\(criterion.text)` | \(figure(value)) | "
                        + "\(criterion.holds(for: value ?? .nan) ? "yes" : "no") |")
            }
        }
        lines += ["", "| measure | what it is | value |", "|---|---|---|"]
        for name in result.measured.measures.keys.sorted() {
            lines.append(
                "| `\(name)` | \(claim.measures[name] ?? "") | \(figure(result.measured.measures[name])) |")
        }
        for table in result.measured.tables {
            lines += ["", table.title, "", row(table.columns), row(table.columns.map { _ in "---" })]
            lines += table.rows.map { row($0.map(shown)) }
        }
        if !result.measured.remarks.isEmpty { lines += [""] + result.measured.remarks.map { "- \($0)" } }
        lines += ["", provenance(result)]
        return lines.joined(separator: "\n")
    }

    private static func provenance(_ result: BetResult) -> String {
        let seeds = result.measured.seeds.map(String.init).joined(separator: ", ")
        return
            "`\(result.command)`, \(result.began), \(fixed(result.seconds, 0)) s; seeds \(seeds); claim committed in "
            + "`\(result.claimCommit.prefix(12))`, run at `\(result.commit.prefix(12))`; \(result.program); "
            + "\(result.machine); [figures](Results/bets/\(result.claim.fileName))."
    }

    private static func label(_ result: BetResult) throws -> String {
        let verdict = try result.verdict.rawValue
        return result.retraction == nil ? verdict : "retracted (was \(verdict))"
    }

    private static func list(_ criteria: [Criterion]) -> String {
        criteria.map { "`\($0.text)`" }.joined(separator: ", ")
    }

    private static func anchor(_ claim: BetClaim) -> String {
        let letters = "\(claim.number). \(claim.title)".lowercased().compactMap { character -> Character? in
            if character == " " { return "-" }
            return character.isLetter || character.isNumber || character == "-" ? character : nil
        }
        return String(letters)
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

    private static func shown(_ cell: BetTable.Cell) -> String {
        switch cell {
        case .text(let text): text
        case .number(let value, let decimals): fixed(value, decimals)
        }
    }

    /// Four significant digits; whole numbers as they are.
    private static func figure(_ value: Double?) -> String {
        guard let value else { return "–" }
        if value == value.rounded(), abs(value) < 1e9 { return fixed(value, 0) }
        return value.formatted(
            .number.precision(.significantDigits(1...4)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        value.formatted(
            .number.precision(.fractionLength(decimals)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
    }
}
