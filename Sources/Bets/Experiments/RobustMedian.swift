internal import Adapter
internal import Digest
internal import Federation
internal import PolymathKit

/// Bet 11: eight clients, one of them hostile, and the coordinate-wise median of what they send.
struct RobustMedian: Experiment {
    static let name = "robust-median"

    func run(_ bench: Workbench) throws -> Measured {
        let base = try bench.base()
        let rounds = bench.isQuick ? 2 : 5
        let federation = try FederatedRounds(bench, base: base, rounds: rounds, steps: bench.isQuick ? 2 : 12)
        func loss(_ path: String?) throws -> Double {
            let adapter = try path.map { try base.verifiedAdapter(path: $0) }
            return try bench.time("evaluation") {
                let losses = try Workbench.people.map { try bench.losses(adapter, on: $0, base: base).mean }
                return losses.reduce(0, +) / Double(losses.count)
            }
        }
        let untrained = try loss(nil)
        var rows: [[BetTable.Cell]] = []
        var remarks: [String] = []
        var lost = 0

        /// Runs one, and returns its final loss.
        func final(_ scenario: FederatedRounds.Scenario, clean: Double?) throws -> (Double, FederatedRounds.Outcome) {
            bench.note(scenario.name + (scenario.isMean ? ", plain mean" : ""))
            let outcome = try federation.run(scenario)
            let found = try loss(outcome.adapter)
            let reference = clean ?? found
            let refused = outcome.refusals.compactMap { $0?.rawValue }
            rows.append([
                .text(scenario.name), .text(scenario.isMean ? "mean" : "median"), .number(found, decimals: 4),
                .number(found / reference, decimals: 4),
                .number((untrained - found) / (untrained - reference), decimals: 3),
                .text(outcome.accepted.map { "\($0)" }.joined(separator: " ")),
                .text(refused.isEmpty ? "–" : "\(refused.count) x \(Set(refused).sorted().joined(separator: ", "))"),
            ])
            return (found, outcome)
        }

        let clean = try final(.init(name: "nobody hostile"), clean: nil).0
        var worst = 0.0
        var smallestKept = Double.infinity
        var refusedOnTheWire = 0.0
        let moved: @Sendable (Int) -> Set<Int> = { round in [2 * (round - 1) % 7, (2 * round - 1) % 7] }
        var scenarios = Attack.allCases.map { FederatedRounds.Scenario(name: $0.rawValue, attack: $0) }
        scenarios.append(.init(name: "churn, flip at the limit", attack: .flipAtTheLimit, absent: moved))
        let cutOff = bench.isQuick ? 2 : 3
        scenarios.append(
            .init(
                name: "partition, flip at the limit", attack: .flipAtTheLimit,
                absent: { $0 == cutOff ? [0, 1, 2, 3] : [] }))
        for scenario in scenarios {
            let (found, outcome) = try final(scenario, clean: clean)
            worst = max(worst, found / clean)
            smallestKept = min(smallestKept, (untrained - found) / (untrained - clean))
            lost += outcome.lostRounds
            guard let attack = scenario.attack, attack.breaksARule else { continue }
            // What it sends in round 1 is new then; from round 2 on it is a replay.
            let tried = attack == .replay ? Array(outcome.refusals.dropFirst()) : outcome.refusals
            let reasons = Set(tried.compactMap { $0?.rawValue })
            if tried.allSatisfy({ $0 != nil }) { refusedOnTheWire += 1 }
            remarks.append(
                "\(scenario.name): refused in \(tried.count { $0 != nil }) of \(tried.count) rounds "
                    + "(\(reasons.sorted().joined(separator: ", "))).")
        }

        let cleanMean = try final(.init(name: "nobody hostile", isMean: true), clean: nil).0
        var worstMean = 0.0
        var meanRatios: [(name: String, ratio: Double)] = []
        for attack in bench.isQuick ? [.flipAtTheLimit] : Attack.allCases where !attack.breaksARule {
            let (found, _) = try final(
                .init(name: attack.rawValue, attack: attack, isMean: true), clean: cleanMean)
            worstMean = max(worstMean, found / cleanMean)
            meanRatios.append((attack.rawValue, found / cleanMean))
        }
        if untrained / clean <= 1.084 {
            remarks.append(
                "The base alone has \(rounded(untrained / clean)) times the clean federation's loss: a federation that learned "
                    + "nothing would meet 1.084 too, so the share of the gain that is kept says more.")
        }
        let harmless = meanRatios.filter { $0.ratio < 1.01 }.map(\.name)
        if !harmless.isEmpty {
            remarks.append(
                "Under the plain mean these do little harm either, so they prove little: \(harmless.joined(separator: "; "))."
            )
        }
        return Measured(
            measures: [
                "worst_ratio": worst, "worst_gain_kept": smallestKept, "clean_gain": untrained - clean,
                "base_ratio": untrained / clean, "worst_mean_ratio": worstMean,
                "refused_on_the_wire": refusedOnTheWire, "lost_rounds": Double(lost),
            ],
            tables: [
                BetTable(
                    title:
                        "Final loss, mean of three test parts, nats per token (base \(rounded(untrained))); ratio and "
                        + "share of the gain against the same aggregation without an attacker.",
                    columns: [
                        "scenario", "aggregate", "loss", "ratio", "gain kept", "accepted per round", "hostile refused",
                    ], rows: rows)
            ], seeds: (1...rounds).map { UInt64($0) }, remarks: remarks)
    }

    private func rounded(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}
