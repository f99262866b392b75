/// Rates 1, 3, 10, 30 … times a power of ten, by rung: rung 0 is 1, rung −1 is 0.3.
package enum RateLadder {
    package static func rate(_ rung: Int) -> Double {
        let tens = (rung - (rung & 1)) / 2
        let power = (0..<abs(tens)).reduce(1.0) { value, _ in value * 10 }
        let digit = rung & 1 == 0 ? 1.0 : 3
        return tens < 0 ? digit / power : digit * power
    }
}

/// A contestant's search for its own rate on one person's validation text.
///
/// Where there are several candidates, as of matrices to fit, each runs at the middle rung first and the best goes on.
/// Three neighbouring rungs are tried, and then one further at a time while the best is the outermost.
package struct Race {
    package let person: String
    package let candidates: [Contestant]
    /// Of ``RateLadder``.
    package let middle: Int
    package private(set) var tried: [Int: TrialResult] = [:]
    /// By candidate's name, at the middle rung.
    package private(set) var screened: [(name: String, validation: Double)] = []
    private var chosen: Contestant?

    /// Rungs after which a search gives up with its best at the edge.
    package static let mostRungs = 8

    package init(_ person: String, _ candidates: [Contestant], middle: Int) {
        self.person = person
        self.candidates = candidates
        self.middle = middle
        if candidates.count == 1 { chosen = candidates[0] }
    }

    /// The trial with the lowest validation loss.
    package var best: TrialResult? {
        tried.values.min { ($0.validation, $0.trial.rate) < ($1.validation, $1.trial.rate) }
    }

    /// Whether the best rate has no neighbour on one side.
    package var isAtEdge: Bool {
        guard let (low, high) = span, let rung = bestRung else { return true }
        return rung == low || rung == high
    }

    private var span: (Int, Int)? {
        guard let low = tried.keys.min(), let high = tried.keys.max() else { return nil }
        return (low, high)
    }

    private var bestRung: Int? {
        tried.min { ($0.value.validation, $0.key) < ($1.value.validation, $1.key) }?.key
    }

    /// What to run next; nothing when the search is over.
    package func pending(isQuick: Bool) -> [(rung: Int, contestant: Contestant)] {
        guard let chosen else { return candidates.map { (middle, $0) } }
        let missing = (middle - 1...middle + 1).filter { tried[$0] == nil }
        if !missing.isEmpty { return missing.map { ($0, chosen) } }
        guard !isQuick, isAtEdge, tried.count < Self.mostRungs, let (low, high) = span else { return [] }
        return [(bestRung == low ? low - 1 : high + 1, chosen)]
    }

    package mutating func take(_ results: [(rung: Int, result: TrialResult)]) {
        if chosen == nil {
            screened = results.map { ($0.result.trial.contestant.name, $0.result.validation) }
            guard let best = results.min(by: { $0.result.validation < $1.result.validation }) else { return }
            chosen = best.result.trial.contestant
            tried[best.rung] = best.result
        } else {
            for (rung, result) in results { tried[rung] = result }
        }
    }

    /// Rates and their validation losses, ascending, for the record.
    package var record: String {
        tried.sorted { $0.key < $1.key }
            .map { "\(RateLadder.rate($0.key)): \(($0.value.validation * 1e4).rounded() / 1e4)" }
            .joined(separator: "; ")
    }
}

extension Trials {
    /// Runs every race to its end, all side by side.
    func tune(_ races: inout [Race]) throws {
        while true {
            let pending = races.enumerated().flatMap { index, race in
                race.pending(isQuick: bench.isQuick).map { (race: index, rung: $0.rung, contestant: $0.contestant) }
            }
            guard !pending.isEmpty else { return }
            let results = try run(
                pending.map {
                    Trial(
                        contestant: $0.contestant, person: races[$0.race].person, rate: RateLadder.rate($0.rung))
                }, label: "tuning of rates")
            let found = zip(pending, results)
            for index in races.indices {
                races[index].take(found.filter { $0.0.race == index }.map { ($0.0.rung, $0.1) })
            }
        }
    }
}
