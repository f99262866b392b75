internal import GGUF
internal import Model
internal import PolymathKit
internal import Training

/// Bet 2: norm gains, LoRA of rank 4, LoRA of rank 1 in the same bytes, and scope boundary, each at its own rate, after
/// equally many steps and in equally many seconds.
struct NormsOrLora: Experiment {
    static let name = "norms-or-lora"

    /// One contestant's figures on one person's text: mean test losses, nats.
    private struct Line {
        let name: String
        let seconds: Double
        let sameSteps: Double
        let sameSeconds: Double
        let steps: Int
        let bytes: Int
    }

    func run(_ bench: Workbench) throws -> Measured {
        let people = bench.somePeople
        let trials = try Trials(bench, people: people)
        let shape = trials.shape
        // In this order for every person.
        var races = people.flatMap { person in
            [
                LoraContest.normsRace(person, shape), LoraContest.thickRace(person, shape),
                LoraContest.thinRace(person, shape, isQuick: bench.isQuick),
                Race(person, [try? Self.boundary(trials)].compactMap { $0 }, middle: -6),
            ]
        }
        try trials.tune(&races)
        var leads: [String: [Double]] = [:]
        var gains: [String: [Double]] = [:]
        var rows: [[BetTable.Cell]] = []
        for (index, person) in people.enumerated() {
            let own = Array(races[index * 4..<index * 4 + 4])
            let lines = try lines(own, person, trials)
            let base = try trials.baseLoss(person)
            let norms = lines[0]
            func lead(_ key: String, _ other: Double) { leads[key, default: []].append(other - norms.sameSteps) }
            lead("rank 4, steps", lines[1].sameSteps)
            lead("rank 4, seconds", lines[1].sameSeconds)
            lead("rank 1, steps", lines[2].sameSteps)
            lead("rank 1, seconds", lines[2].sameSeconds)
            lead("boundary, steps", lines[3].sameSteps)
            lead("boundary, seconds", lines[3].sameSeconds)
            gains["norms", default: []].append(base - norms.sameSteps)
            gains["rank 1", default: []].append(base - lines[2].sameSteps)
            let shared = try sharedRate(own, person, trials)
            lead("rank 4, shared rate", shared)
            rows += lines.map { line in
                [
                    .text(person), .text(line.name), .number(Double(line.bytes), decimals: 0),
                    .number(line.seconds * 1e3, decimals: 1), .number(line.sameSteps, decimals: 4),
                    .number(base - line.sameSteps, decimals: 4), .number(Double(line.steps), decimals: 0),
                    .number(line.sameSeconds, decimals: 4),
                ]
            }
            rows.append([
                .text(person), "LoRA rank 4 at the norm gains' rate", "", "", .number(shared, decimals: 4),
                .number(base - shared, decimals: 4), "", "",
            ])
            rows.append([.text(person), "base", "", "", .number(base, decimals: 4), "", "", ""])
        }
        func worst(_ key: String) -> Double { leads[key]?.min() ?? .nan }
        let bytes = min(worst("rank 1, steps"), worst("rank 1, seconds"))
        return Measured(
            measures: [
                "worst_lead_same_bytes": bytes, "worst_lead_same_seconds": worst("rank 4, seconds"),
                "worst_lead_rank4_same_steps": worst("rank 4, steps"),
                "worst_lead_rank4_shared_rate": worst("rank 4, shared rate"),
                "worst_lead_boundary_same_steps": worst("boundary, steps"),
                "worst_lead_boundary_same_seconds": worst("boundary, seconds"),
                "gain_over_rank1": (gains["norms"]?.average ?? .nan) / (gains["rank 1"]?.average ?? .nan),
                "rates_at_edge": Double(races.count { $0.isAtEdge }),
            ],
            tables: [
                BetTable(
                    title: "Mean test loss, nats per token; equal seconds are those of the norm gains' three epochs.",
                    columns: [
                        "person", "contestant", "bytes", "ms per step", "loss, equal steps", "gain, equal steps",
                        "steps in equal seconds", "loss, equal seconds",
                    ], rows: rows), .tuning(races),
            ],
            remarks: ["The clock was read for the milliseconds per step alone; they fixed the steps in equal seconds."])
    }

    /// Everything that scope boundary trains, shipped in f32.
    private static func boundary(_ trials: Trials) throws -> Contestant {
        let base = try trials.bench.base()
        let names = Scope.boundary.tensorNames(of: trials.shape) { base.gguf.tensor(named: $0) != nil }
        return Contestant(name: "boundary", parts: [.tensors(names)], encoding: .f32)
    }

    private func lines(_ races: [Race], _ person: String, _ trials: Trials) throws -> [Line] {
        let winners = races.compactMap(\.best)
        let seconds = try trials.stepSeconds(winners.map(\.trial.contestant), person: person)
        let steps = zip(winners, seconds).map { winner, own in
            LoraContest.steps(inSecondsOf: winners[0].steps, at: own, against: seconds[0])
        }
        let timed = try trials.run(
            zip(races, steps).dropFirst().compactMap { LoraContest.again($0, steps: $1) }, label: "equal seconds")
        let all = [winners[0]] + timed
        return try winners.indices.map { index in
            Line(
                name: winners[index].trial.contestant.name, seconds: seconds[index],
                sameSteps: try trials.testLoss(winners[index]),
                sameSeconds: try trials.testLoss(all[index]), steps: steps[index], bytes: winners[index].byteCount)
        }
    }

    /// Test loss of LoRA of rank 4 at the rate that norm gains like best: the comparison as others made it.
    private func sharedRate(_ races: [Race], _ person: String, _ trials: Trials) throws -> Double {
        guard let norms = races[0].best, let thick = races[1].best else { return .nan }
        let trial = Trial(contestant: thick.trial.contestant, person: person, rate: norms.trial.rate)
        return try trials.run([trial], label: "shared rate").first.map(trials.testLoss) ?? .nan
    }
}

extension [Double] {
    /// Arithmetic mean; NaN of nothing.
    var average: Double { isEmpty ? .nan : reduce(0, +) / Double(count) }
}
