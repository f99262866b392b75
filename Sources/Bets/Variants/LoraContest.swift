package import Model
internal import Training

/// Norm gains against LoRA on one person's text, each at its own rate: what two bets measure in the same way.
package struct LoraContest {
    let person: String
    let norms: Race
    let thick: Race
    let thin: Race

    /// Most bytes of values, scales and ids that count as those of scope `norms`: 5.4·d.
    package static func byteLimit(_ shape: DecoderConfiguration) -> Int { shape.embeddingLength * 54 / 10 }

    static func normsRace(_ person: String, _ shape: DecoderConfiguration) -> Race {
        Race(person, [.normGains(shape)], middle: -3)
    }

    static func thickRace(_ person: String, _ shape: DecoderConfiguration) -> Race {
        Race(person, [.lora(rank: 4, shape)], middle: -5)
    }

    /// LoRA of rank 1 in eight bits on as many projections as the bytes of scope norms pay for; which of them, validation
    /// text decides.
    package static func thinRace(_ person: String, _ shape: DecoderConfiguration, isQuick: Bool) -> Race {
        let (middle, last) = (shape.layerCount / 2, shape.layerCount - 1)
        let menu = [
            ["0.v", "\(middle).v", "\(last).v"], ["0.q", "0.v", "\(last).v"], ["\(last).q", "\(last).v", "0.v"],
            ["0.output", "\(last).output"], ["\(last).output", "0.v", "\(last).v"],
            ["\(middle).output", "\(middle).v", "\(last).v"],
        ]
        return Race(person, (isQuick ? Array(menu.prefix(2)) : menu).map { .thinLora($0) }, middle: -4)
    }

    /// The best trial of a race, as another training of the same contestant at the same rate.
    static func again(_ race: Race, seed: UInt64 = 0, steps: Int? = nil) -> Trial? {
        race.best.map {
            Trial(contestant: $0.trial.contestant, person: race.person, rate: $0.trial.rate, seed: seed, steps: steps)
        }
    }

    /// Steps that a contestant makes in the seconds that norm gains need for `steps`.
    static func steps(inSecondsOf steps: Int, at own: Double, against norms: Double) -> Int {
        max(1, Int((Double(steps) * norms / own).rounded(.down)))
    }
}

extension BetTable {
    /// What was tried in each race, and what won it.
    static func tuning(_ races: [Race]) -> BetTable {
        BetTable(
            title: "Rates tried, and the validation loss of each in nats per token, of what would be shipped.",
            columns: [
                "person", "contestant", "bytes", "rate", "best step", "rates tried: validation loss", "screened",
            ],
            rows: races.compactMap { race in
                guard let best = race.best else { return nil }
                return [
                    .text(race.person), .text(best.trial.contestant.name),
                    .number(Double(best.byteCount), decimals: 0), .text("\(best.trial.rate)"),
                    .text("\(best.bestStep) of \(best.steps)"), .text(race.record),
                    .text(
                        race.screened.map { "\($0.name): \(($0.validation * 1e4).rounded() / 1e4)" }
                            .joined(separator: "; ")),
                ]
            })
    }
}

extension Workbench {
    /// The three people; one in a smoke test.
    var somePeople: [String] { isQuick ? Array(Self.people.prefix(1)) : Self.people }
}
