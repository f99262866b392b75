internal import Corpus
internal import Model
internal import Pipeline
internal import PolymathKit
internal import Tokenizer

/// Bet 12: eight stages under every disturbance that one process can make, against the whole decoder, bit by bit.
struct PipelineThrottle: Experiment {
    static let name = "pipeline-throttle"

    /// What is done to the stages, and how many requests are under way at a time.
    private struct Condition {
        let name: String
        let atOnce: Int
        var patience = 30.0
        let disturbance: @Sendable (_ stage: Int, _ attempt: Int) -> Disturbance
    }

    /// What was compared with the whole decoder.
    private struct Comparison {
        var tokens = 0
        var differingTokens = 0
        var differingLogProbabilities = 0
        var differingLogits = 0

        mutating func add(_ got: [PipelineOutcome], wanted: [PipelineOutcome]) {
            for (got, wanted) in zip(got, wanted) {
                tokens += wanted.tokens.count
                differingLogits += got.logits == wanted.logits ? 0 : 1
                // A token that is missing, or too many, differs.
                let excess = abs(got.tokens.count - wanted.tokens.count)
                differingTokens += excess
                differingLogProbabilities += excess
                for (first, second) in zip(got.tokens, wanted.tokens) {
                    if first.token != second.token { differingTokens += 1 }
                    if first.logProbability.bitPattern != second.logProbability.bitPattern {
                        differingLogProbabilities += 1
                    }
                }
            }
        }
    }

    func run(_ bench: Workbench) throws -> Measured {
        let base = try bench.base()
        let decoder = try base.decoder()
        let roles = DecoderPart.Role.finest(layerCount: decoder.configuration.layerCount)
        let conditions = Self.conditions
        let each = bench.isQuick ? 3 : 30
        let prompts = try Self.prompts(bench, base, count: each * conditions.count)
        func pipeline(_ condition: Condition, isDisturbed: Bool, takesAnything: Bool = false) throws
            -> PipelineCoordinator
        {
            var policy = PipelineCoordinator.Policy()
            policy.patience = condition.patience
            policy.requestsAtOnce = condition.atOnce
            policy.takesAnything = takesAnything
            let disturbance = condition.disturbance
            let stages = LocalStages(base.gguf, spareCount: 64) { stage, attempt in
                isDisturbed ? disturbance(stage, attempt) : Disturbance()
            }
            let coordinator = try PipelineCoordinator(
                decoder.configuration, roles: roles, source: stages, policy: policy)
            try coordinator.open()
            return coordinator
        }
        var total = Comparison()
        var unread = Comparison()
        var slowdowns: [Double] = []
        var setAside = 0
        var replaced = 0
        var rows: [[BetTable.Cell]] = []
        for (index, condition) in conditions.enumerated() {
            bench.note("condition \(index + 1) of \(conditions.count): \(condition.name)")
            let requests = (0..<each).map { place -> PipelineRequest in
                let number = index * each + place
                return PipelineRequest(
                    prompt: prompts[number], maxTokens: bench.isQuick ? 20 : 100,
                    sampler: Sampler(temperature: place % 2 == 0 ? 0 : 0.8, topP: 0.95, seed: UInt64(number)))
            }
            let wanted = try bench.time("whole decoder") { try requests.map { try decoder.outcome(of: $0) } }
            let steady = try Self.timed { try pipeline(condition, isDisturbed: false).run(requests) }
            let coordinator = try pipeline(condition, isDisturbed: true)
            let disturbed = try bench.time("disturbed: " + condition.name) {
                try Self.timed { try coordinator.run(requests) }
            }
            var comparison = Comparison()
            comparison.add(disturbed.outcomes, wanted: wanted)
            total.add(disturbed.outcomes, wanted: wanted)
            var undisturbed = Comparison()
            undisturbed.add(steady.outcomes, wanted: wanted)
            let slowdown = disturbed.seconds / steady.seconds
            slowdowns.append(slowdown)
            let aside = coordinator.setAside.values.reduce(0, +)
            setAside += aside
            replaced += coordinator.replacements.count
            rows.append([
                .text(condition.name), .number(Double(comparison.tokens), decimals: 0),
                .number(Double(comparison.differingTokens), decimals: 0),
                .number(Double(comparison.differingLogProbabilities), decimals: 0),
                .number(Double(undisturbed.differingTokens), decimals: 0),
                .number(steady.seconds, decimals: 2), .number(disturbed.seconds, decimals: 2),
                .number(slowdown, decimals: 2), .number(Double(aside), decimals: 0),
                .number(Double(coordinator.replacements.count), decimals: 0),
                .number(Double(coordinator.replacements.reduce(0) { $0 + $1.replayedCount }), decimals: 0),
            ])
            if index == Self.lateCondition {
                let outcomes = try bench.time("control") {
                    try pipeline(condition, isDisturbed: true, takesAnything: true).run(requests)
                }
                unread.add(outcomes, wanted: wanted)
            }
        }
        return Measured(
            measures: [
                "tokens": Double(total.tokens), "differing_tokens": Double(total.differingTokens),
                "differing_log_probabilities": Double(total.differingLogProbabilities),
                "differing_logits": Double(total.differingLogits), "slowdown": slowdowns.min() ?? .nan,
                "set_aside": Double(setAside), "replaced_stages": Double(replaced),
                "control_differing_tokens": Double(unread.differingTokens),
            ],
            tables: [
                BetTable(
                    title: "Eight stages in one process against the whole decoder.",
                    columns: [
                        "condition", "tokens", "differ", "log-probabilities differ", "differ undisturbed",
                        "seconds undisturbed", "seconds", "slowdown", "set aside", "stages replaced",
                        "pieces replayed",
                    ], rows: rows)
            ], seeds: (0..<UInt64(prompts.count)).map(\.self),
            remarks: [
                "Of \(unread.tokens) tokens of the control, \(unread.differingTokens) differ from the whole decoder's."
            ])
    }

    private static func timed(
        _ work: () throws -> [PipelineOutcome]
    ) rethrows -> (outcomes: [PipelineOutcome], seconds: Double) {
        let begin = ContinuousClock.now
        let outcomes = try work()
        return (outcomes, (ContinuousClock.now - begin) / .seconds(1))
    }

    /// The first 8 to 24 tokens of texts of the three test parts, in turn.
    private static func prompts(_ bench: Workbench, _ base: LoadedBase, count: Int) throws -> [[Int32]] {
        let tokenizer = try base.tokenizer()
        let texts = try Workbench.people.map { try bench.corpus($0).documents(of: .test).all().flatMap(\.texts) }
        var prompts: [[Int32]] = []
        var place = 0
        while prompts.count < count {
            let own = texts[place % texts.count]
            let tokens = tokenizer.encode(own[place / texts.count % own.count])
            // Where the texts run out, the same ones are cut elsewhere.
            let start = place / texts.count / own.count * 24
            prompts.append(Array(tokens.dropFirst(start).prefix(8 + place % 17)))
            if prompts.last?.isEmpty == true { prompts[prompts.count - 1] = [Int32(place % 4_096)] }
            place += 1
        }
        return prompts
    }

    private static let lateCondition = 3

    private static let conditions: [Condition] = [
        Condition(name: "every stage works 2/5 of the time", atOnce: 1) { _, _ in
            var disturbance = Disturbance()
            disturbance.busyShare = 0.4
            return disturbance
        },
        Condition(name: "one layer works 1/20 of the time", atOnce: 1) { stage, _ in
            var disturbance = Disturbance()
            if stage == 4 { disturbance.busyShare = 0.05 }
            return disturbance
        },
        Condition(name: "uneven shares, 0.05 to 1", atOnce: 4) { stage, _ in
            var disturbance = Disturbance()
            disturbance.busyShare = [1, 0.3, 0.05, 0.2, 0.8, 0.1, 0.4, 0.6][stage % 8]
            return disturbance
        },
        Condition(name: "late, doubled, overtaking", atOnce: 8) { stage, _ in
            var disturbance = Disturbance()
            disturbance.delay = 0...0.01
            disturbance.duplicateShare = 0.3
            disturbance.duplicateDelay = 0...0.15
            disturbance.seed = UInt64(stage)
            return disturbance
        },
        Condition(name: "silent, late, misreading and garbling stages at half speed", atOnce: 4, patience: 0.5) {
            stage, attempt in
            var disturbance = Disturbance()
            disturbance.busyShare = 0.5
            disturbance.delay = 0...0.004
            disturbance.seed = UInt64(8 * attempt + stage)
            guard attempt == 0 else { return disturbance }
            switch stage {
            case 1: disturbance.faults = [40: .pauses(seconds: 0.9)]
            case 2: disturbance.faults = [30: .dies]
            case 4: disturbance.faults = [20: .misreads]
            case 6: disturbance.faults = [50: .garbles]
            case 7: disturbance.faults = [25: .dies]
            default: break
            }
            return disturbance
        },
    ]
}
