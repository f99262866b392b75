internal import Training

/// Bet 3: norm gains against both LoRAs of bet 2 over five seeds and three texts.
struct NormsOrLoraSeeds: Experiment {
    static let name = "norms-or-lora-seeds"

    func run(_ bench: Workbench) throws -> Measured {
        let people = bench.somePeople
        let seeds: [UInt64] = bench.isQuick ? [1, 2] : [1, 2, 3, 4, 5]
        let trials = try Trials(bench, people: people)
        let shape = trials.shape
        var races = people.flatMap { person in
            [
                LoraContest.normsRace(person, shape), LoraContest.thickRace(person, shape),
                LoraContest.thinRace(person, shape, isQuick: bench.isQuick),
            ]
        }
        try trials.tune(&races)
        var counts = (both: 0, bytes: 0, seconds: 0)
        var rows: [[BetTable.Cell]] = []
        for (index, person) in people.enumerated() {
            let own = Array(races[index * 3..<index * 3 + 3])
            let winners = own.compactMap(\.best)
            let seconds = try trials.stepSeconds(winners.prefix(2).map(\.trial.contestant), person: person)
            let steps = LoraContest.steps(inSecondsOf: winners[0].steps, at: seconds[1], against: seconds[0])
            let results = try trials.run(
                seeds.flatMap { seed in
                    [
                        LoraContest.again(own[0], seed: seed),
                        LoraContest.again(own[1], seed: seed, steps: steps),
                        LoraContest.again(own[2], seed: seed),
                    ].compactMap { $0 }
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
                        + [.text("\(steps) of \(winners[0].steps)"), .text(bytes && clock ? "ahead" : "not ahead")])
            }
        }
        return Measured(
            measures: [
                "ahead": Double(counts.both), "ahead_same_bytes": Double(counts.bytes),
                "ahead_same_seconds": Double(counts.seconds),
                "rates_at_edge": Double(races.count { $0.isAtEdge }),
            ],
            tables: [
                BetTable(
                    title: "Mean test loss, nats per token.",
                    columns: [
                        "person", "seed", "base", "norm gains", "LoRA rank 4, equal seconds",
                        "LoRA rank 1, equal bytes and steps", "rank 4's steps", "norm gains are",
                    ], rows: rows), .tuning(races),
            ], seeds: [0] + seeds)
    }
}
