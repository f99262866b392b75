internal import Foundation
internal import PolymathKit

/// Bet 6: the mean of two people's deltas, for both of them and for a third who was never seen.
struct Averaging: Experiment {
    static let name = "averaging"

    func run(_ bench: Workbench) throws -> Measured {
        let people = Workbench.people
        let base = try bench.base()
        let baseline = try people.map { try bench.losses(nil, on: $0, base: base).mean }
        var own: [Deltas] = []
        var random: [Deltas] = []
        for (index, person) in people.enumerated() {
            let trained = try bench.time("training") { try bench.train(person) }
            own.append(try Deltas(base.verifiedAdapter(path: trained.path), on: base))
            let control = try bench.time("training of controls") {
                try RandomTokens.uniform.train(
                    person, seed: UInt64(index), steps: trained.summary.steps, bench)
            }
            random.append(try Deltas(base.verifiedAdapter(path: control.path), on: base))
        }
        func losses(_ deltas: Deltas, _ person: Int) throws -> [Float] {
            try deltas.attach(to: base)
            return try bench.time("evaluation") { try bench.losses(nil, on: people[person], base: base) }
        }
        func gain(_ deltas: Deltas, _ person: Int) throws -> Double {
            baseline[person] - (try losses(deltas, person)).mean
        }
        let ownGains = try people.indices.map { try gain(own[$0], $0) }
        let halves = try people.indices.map { try gain(own[$0].scaled(by: 0.5), $0) }
        var helping = 0.0
        var kept: [Double] = []
        var unknown: [Double] = []
        var mixtures: [Double] = []
        var randomGains: [Double] = []
        var rows: [[BetTable.Cell]] = []
        for third in people.indices {
            let pair = people.indices.filter { $0 != third }
            let mean = own[pair[0]].mean(with: own[pair[1]])
            let gains = try pair.map { try gain(mean, $0) }
            if gains.allSatisfy({ $0 > 0 }) { helping += 1 }
            for (place, person) in pair.enumerated() { kept.append(gains[place] / ownGains[person]) }
            unknown.append(try gain(mean, third))
            let mixture = try mixed(losses(own[pair[0]], third), losses(own[pair[1]], third))
            mixtures.append(baseline[third] - mixture)
            let noise = random[pair[0]].mean(with: random[pair[1]])
            randomGains += try people.indices.map { try gain(noise, $0) }
            rows.append([
                .text("\(people[pair[0]]) + \(people[pair[1]])"), .number(gains[0], decimals: 4),
                .number(gains[1], decimals: 4), .number(unknown[third], decimals: 4),
                .number(mixtures[third], decimals: 4),
            ])
        }
        return Measured(
            measures: [
                "pairs_helping_both": helping, "worst_unknown_gain": unknown.min() ?? .nan,
                "worst_unknown_mixture_gain": mixtures.min() ?? .nan,
                "mean_share_kept": kept.reduce(0, +) / Double(kept.count),
                "mean_share_of_half": zip(halves, ownGains).map { $0 / $1 }.reduce(0, +) / Double(people.count),
                "random_gain": randomGains.max() ?? .nan,
            ],
            tables: [
                BetTable(
                    title: "Gain over the base on test parts, nats per token.",
                    columns: ["pair", "first", "second", "the third, mean of deltas", "the third, mixture"], rows: rows),
                BetTable(
                    title: "One's own deltas, whole and half, nats per token.", columns: ["", "whole", "half"],
                    rows: people.indices.map { index in
                        [
                            .text(people[index]), .number(ownGains[index], decimals: 4),
                            .number(halves[index], decimals: 4),
                        ]
                    }),
            ])
    }

    /// Mean loss of the mixture of two: −log((p + q) / 2) per token.
    private func mixed(_ first: [Float], _ second: [Float]) -> Double {
        let sum = zip(first, second).reduce(0.0) { sum, pair in
            let (a, b) = (-Double(pair.0), -Double(pair.1))
            let top = max(a, b)
            return sum - (top + log(exp(a - top) + exp(b - top)) - log(2))
        }
        return sum / Double(first.count)
    }
}
