internal import Model

/// The rates, and the projections of LoRA of rank 1, that bet 2 found on validation text: read from its kept result, so
/// that they are found once.
struct SettledRates {
    struct Line {
        let contestant: Contestant
        let rate: Double
        let isAtEdge: Bool
    }

    private let lines: [String: [Line]]

    /// Norm gains, LoRA of rank 4, LoRA of rank 1 for one person.
    func contest(_ person: String) throws(BetError) -> [Line] {
        guard let found = lines[person], found.count == 3 else {
            throw .unmet(reason: "The kept result of bet 2 has no rates for \(person); run bet 2 first.")
        }
        return found
    }

    /// - Throws: `BetError.unmet` where bet 2 has not been run.
    init(home root: String, shape: DecoderConfiguration) throws {
        guard let result = try BetResult.all(home: root).first(where: { $0.claim.name == NormsOrLora.name }),
            let table = result.measured.tables.first(where: { $0.columns.contains("rates tried: validation loss") })
        else {
            throw BetError.unmet(reason: "Bet 3 takes its rates from the kept result of bet 2; run bet 2 first.")
        }
        var lines: [String: [Line]] = [:]
        for row in table.rows {
            guard case .text(let person) = row[0], case .text(let name) = row[1],
                let contestant = Self.contestant(name, shape), let at = table.columns.firstIndex(of: "rate"),
                case .text(let text) = row[at], let rate = Double(text),
                let last = table.columns.firstIndex(of: "rates tried: validation loss"),
                case .text(let tried) = row[last]
            else { continue }
            let rungs = tried.split(separator: ";").compactMap { $0.split(separator: ":").first }
                .compactMap { Double($0.filter { $0 != " " }) }
            lines[person, default: []].append(
                Line(contestant: contestant, rate: rate, isAtEdge: rate == rungs.min() || rate == rungs.max()))
        }
        self.lines = lines
    }

    /// For a smoke test: middle rates, untried.
    init(untried people: [String], shape: DecoderConfiguration) {
        let contestants: [(Contestant, Double)] = [
            (.normGains(shape), 0.03), (.lora(rank: 4, shape), 0.003), (.thinLora(["0.v", "1.v"]), 0.01),
        ]
        let own = contestants.map { Line(contestant: $0.0, rate: $0.1, isAtEdge: false) }
        lines = Dictionary(uniqueKeysWithValues: people.map { ($0, own) })
    }

    /// The contestant of a name; nil for those that bet 3 does not ask about.
    private static func contestant(_ name: String, _ shape: DecoderConfiguration) -> Contestant? {
        let known = [Contestant.normGains(shape), .lora(rank: 4, shape)]
        if let found = known.first(where: { $0.name == name }) { return found }
        let start = Contestant.thinLora([]).name
        guard name.hasPrefix(start) else { return nil }
        return .thinLora(name.dropFirst(start.count).split(separator: ",").map { $0.filter { $0 != " " } })
    }
}
