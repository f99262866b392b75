internal import Adapter
internal import Foundation
internal import PolymathKit

/// Bet 1: adapters × people, with adapters trained on random tokens as the control.
struct OwnAdapter: Experiment {
    static let name = "own-adapter"

    /// One row of the matrix: who trained, and the mean test loss of every person.
    private struct Row {
        let name: String
        var losses: [Double]
    }

    func run(_ bench: Workbench) throws -> Measured {
        let people = Workbench.people
        let base = try bench.base()
        let baseline = Row(name: "none (base)", losses: try testLosses(nil, base, bench))
        var own: [Row] = []
        var uniform: [Row] = []
        var shuffled: [Row] = []
        for (index, person) in people.enumerated() {
            let trained = try bench.time("training") { try bench.train(person) }
            own.append(Row(name: person, losses: try testLosses(trained, base, bench)))
            for order in [RandomTokens.uniform, .shuffled] {
                let control = try bench.time("training of controls") {
                    try order.train(person, seed: UInt64(index), steps: trained.summary.steps, bench)
                }
                let row = Row(name: "\(order.title) (\(person))", losses: try testLosses(control, base, bench))
                if order == .uniform { uniform.append(row) } else { shuffled.append(row) }
            }
        }
        var measures = ["diagonal_best": 0.0]
        var margins: [Double] = []
        var leads: [Double] = []
        var randomShares: [Double] = []
        var shuffledShares: [Double] = []
        for person in people.indices {
            func gain(_ row: Row) -> Double { baseline.losses[person] - row.losses[person] }
            let others = people.indices.filter { $0 != person }.map { gain(own[$0]) }
            let best = others.max() ?? 0
            let mine = gain(own[person])
            if mine > best { measures["diagonal_best", default: 0] += 1 }
            margins.append(exp(mine - best) - 1)
            leads.append(mine - max(0, gain(uniform[person])) - best)
            randomShares.append(gain(uniform[person]) / mine)
            shuffledShares.append(gain(shuffled[person]) / mine)
        }
        measures["worst_margin"] = margins.min()
        measures["worst_corrected_lead"] = leads.min()
        measures["largest_random_share"] = randomShares.max()
        measures["largest_shuffled_share"] = shuffledShares.max()
        let rows = [baseline] + own + uniform + shuffled
        return Measured(
            measures: measures,
            tables: [
                BetTable(
                    title: "Mean test loss, nats per token.", columns: ["adapter of"] + people,
                    rows: rows.map { row in [.text(row.name)] + row.losses.map { .number($0, decimals: 4) } }),
                BetTable(
                    title: "Per person.", columns: ["", "margin over the best other", "corrected lead, nats"],
                    rows: people.indices.map { index in
                        [
                            .text(people[index]), .number(margins[index], decimals: 3),
                            .number(leads[index], decimals: 4),
                        ]
                    }),
            ])
    }

    /// Mean test loss of every person.
    private func testLosses(
        _ trained: Workbench.TrainedAdapter?, _ base: LoadedBase, _ bench: Workbench
    ) throws -> [Double] {
        let adapter = try trained.map { try base.verifiedAdapter(path: $0.path) }
        return try bench.time("evaluation") {
            try Workbench.people.map { try bench.losses(adapter, on: $0, base: base).mean }
        }
    }
}
