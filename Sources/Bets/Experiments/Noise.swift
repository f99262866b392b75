internal import PolymathKit
internal import Training

/// Bet 8: how much noise on hidden states training of norm gains bears.
struct Noise: Experiment {
    static let name = "noise"

    func run(_ bench: Workbench) throws -> Measured {
        let people = bench.somePeople
        let claimed = [1e-3, 1e-2, 1e-1]
        let controls = [0.3, 1.0]
        let trials = try Trials(bench, people: people)
        let rate = TrainingRequest.Defaults.learningRate(.norms, .adamw)
        let deviations = [0] + claimed + controls
        let results = try trials.run(
            people.flatMap { person in
                deviations.map {
                    Trial(contestant: .normGains(trials.shape), person: person, rate: rate, noise: $0)
                }
            })
        var kept: [Double: [Double]] = [:]
        var rows: [[BetTable.Cell]] = []
        for (index, person) in people.enumerated() {
            let base = try trials.baseLoss(person)
            var gain = Double.nan
            for (place, deviation) in deviations.enumerated() {
                let result = results[index * deviations.count + place]
                let loss = try trials.testLoss(result)
                if place == 0 { gain = base - loss }
                kept[deviation, default: []].append((base - loss) / gain)
                rows.append([
                    .text(person), .text("\(deviation)"), .number(loss, decimals: 4),
                    .number(base - loss, decimals: 4), .number((base - loss) / gain, decimals: 3),
                    .text("\(result.bestStep) of \(result.steps)"),
                ])
            }
        }
        func worst(_ deviations: [Double]) -> Double { deviations.compactMap { kept[$0]?.min() }.min() ?? .nan }
        return Measured(
            measures: [
                "worst_gain_kept": worst(claimed), "worst_gain_kept_0_001": worst([1e-3]),
                "worst_gain_kept_0_01": worst([1e-2]), "worst_gain_kept_0_1": worst([1e-1]),
                "worst_gain_kept_0_3": worst([0.3]), "worst_gain_kept_1": worst([1]),
                "best_gain_kept_1": kept[1]?.max() ?? .nan,
            ],
            tables: [
                BetTable(
                    title: "Test loss and gain over the base, nats per token.",
                    columns: ["person", "deviation", "loss", "gain", "share of the gain without noise", "best step"],
                    rows: rows)
            ])
    }
}
