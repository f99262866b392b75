internal import PolymathKit
internal import Training

/// Bet 3: norm gains against both LoRAs of bet 2 over five seeds and three texts.
struct NormsOrLoraSeeds: Experiment {
    static let name = "norms-or-lora-seeds"

    func run(_ bench: Workbench) throws -> Measured {
        let people = bench.somePeople
        let seeds: [UInt64] = bench.isQuick ? [1, 2] : [1, 2, 3, 4, 5]
        let trials = try Trials(bench, people: people)
        let shape = trials.shape
        let settled =
            bench.isQuick
            ? SettledRates(untried: people, shape: shape)
            : try SettledRates(home: bench.home.root, shape: shape)
        let contests = try people.map { try settled.contest($0) }
        var counts = (both: 0, bytes: 0, seconds: 0)
        var rows: [[BetTable.Cell]] = []
        for (index, person) in people.enumerated() {
            let own = contests[index]
            let seconds = try trials.stepSeconds(own.prefix(2).map(\.contestant), person: person)
            let all = try trials.steps(person)
            let steps = LoraContest.steps(inSecondsOf: all, at: seconds[1], against: seconds[0])
            let results = try trials.run(
                seeds.flatMap { seed in
                    own.enumerated().map { place, line in
                        Trial(
                            contestant: line.contestant, person: person, rate: line.rate, seed: seed,
                            steps: place == 1 ? steps : all)
                    }
                }, label: "seeds")
            let base = try trials.baseLoss(person)
            for (place, seed) in seeds.enumerated() {
                let losses = try results[place * 3..<place * 3 + 3].map(trials.testLoss)
                let (bytes, clock) = (losses[0] < losses[2], losses[0] < losses[1])
                counts.bytes += bytes ? 1 : 0
                counts.seconds += clock ? 1 : 0
                counts.both += bytes && clock ? 1 : 0
                rows.append(
                    [.text(person), .text("\(seed)"), .number(base, decimals: 4)]
                        + losses.map { .number($0, decimals: 4) }
                        + [.text("\(steps) of \(all)"), .text(bytes && clock ? "ahead" : "not ahead")])
            }
        }
        return Measured(
            measures: [
                "ahead": Double(counts.both), "ahead_same_bytes": Double(counts.bytes),
                "ahead_same_seconds": Double(counts.seconds),
                "rates_at_edge": Double(contests.joined().count(where: \.isAtEdge)),
            ],
            tables: [
                BetTable(
                    title: "Mean test loss, nats per token.",
                    columns: [
                        "person", "seed", "base", "norm gains", "LoRA rank 4, equal seconds",
                        "LoRA rank 1, equal bytes and steps", "rank 4's steps", "norm gains are",
                    ], rows: rows)
            ], seeds: seeds)
    }
}
