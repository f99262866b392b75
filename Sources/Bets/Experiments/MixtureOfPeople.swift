internal import Adapter
internal import Corpus
internal import Model
internal import PolymathKit
internal import Tokenizer

/// Bet 9: the mixture of three people's adapters, for a fourth person whom none of them was made for.
struct MixtureOfPeople: Experiment {
    static let name = "mixture"
    /// The person whose text nobody trained on.
    static let unseen = "tarrow-log"

    func run(_ bench: Workbench) throws -> Measured {
        let people = Workbench.people
        var paths: [String] = []
        var random: [String] = []
        for (index, person) in people.enumerated() {
            let own = try bench.time("training") { try bench.train(person) }
            paths.append(own.path)
            random.append(
                try bench.time("training of controls") {
                    try RandomTokens.uniform.train(person, seed: UInt64(index), steps: own.summary.steps, bench).path
                })
        }
        let baseline = try losses(nil, bench)
        let single = try paths.map { try losses($0, bench) }
        let mixture = mixed(single)
        let best = single.map(\.mean).min() ?? .nan
        let ofBase = mixed([baseline, baseline, baseline])
        let averaged = try averageOfDeltas(paths, bench).mean
        let ofRandom = mixed(try random.map { try losses($0, bench) })
        let logged = try bench.time("residual") { try residual(paths, bench) }
        let byWindow = windowDifferences(mixture, best: single.min { $0.mean < $1.mean } ?? [])
        return Measured(
            measures: [
                "ahead_of_best_single": best - mixture.mean, "gain_over_base": baseline.mean - mixture.mean,
                "residual": logged.residual, "residual_with_a_stranger": logged.stranger,
                "residual_tokens": Double(logged.tokens),
                "base_with_itself": zip(ofBase, baseline).map { Double(abs($0 - $1)) }.max() ?? .nan,
                "mean_of_adapters_gain": baseline.mean - averaged,
                "random_mixture_gain": baseline.mean - ofRandom.mean,
                "windows_ahead": Double(byWindow.count { $0 > 0 }) / Double(max(1, byWindow.count)),
            ],
            tables: [
                BetTable(
                    title: "Test part of \(Self.unseen), nats per token.", columns: ["", "loss", "gain over the base"],
                    rows: [("base", baseline.mean)].appending(zip(people, single.map(\.mean)))
                        .appending([
                            ("mixture of the three", mixture.mean), ("mean of their deltas", averaged),
                            ("mixture of the base with itself", ofBase.mean),
                            ("mixture of three trained on random tokens", ofRandom.mean),
                        ]).map { name, loss in
                            [.text(name), .number(loss, decimals: 4), .number(baseline.mean - loss, decimals: 4)]
                        })
            ],
            remarks: [
                "The residual is the largest of |log p as told at generation, with a cache and one token at a time, less log "
                    + "p recomputed by one teacher-forced pass| over \(logged.tokens) tokens, for each of the three "
                    + "specialists alone and for logsumexp(log p_i) - log 3 of the recomputed.",
                "With a stranger: the same, but one specialist is recomputed from the base without its adapter.",
            ])
    }

    private func losses(_ path: String?, _ bench: Workbench) throws -> [Float] {
        let base = try bench.base()
        let adapter = try path.map { try base.verifiedAdapter(path: $0) }
        return try bench.time("evaluation") { try bench.losses(adapter, on: Self.unseen, base: base) }
    }

    /// −(logsumexp(log pᵢ) − log N) per token.
    private func mixed(_ parts: [[Float]]) -> [Float] {
        (parts.first ?? []).indices.map { place in
            Float(-Mixture.logMean(of: parts.map { -Double($0[place]) }))
        }
    }

    private func averageOfDeltas(_ paths: [String], _ bench: Workbench) throws -> [Float] {
        let base = try bench.base()
        let all = try paths.map { try Deltas(base.verifiedAdapter(path: $0), on: base) }
        guard let mean = Deltas.mean(of: all) else { return [] }
        try mean.attach(to: base)
        return try bench.losses(nil, on: Self.unseen, base: base)
    }

    /// By how much each window's mean loss is below the best single adapter's.
    private func windowDifferences(_ mixture: [Float], best: [Float]) -> [Double] {
        let length = TrainingRequest.Defaults.sequenceLength
        return stride(from: 0, to: mixture.count, by: length).map { start in
            let range = start..<min(start + length, mixture.count)
            return Array(best[range]).mean - Array(mixture[range]).mean
        }
    }

    // MARK: Glass box

    /// Writes from the mixture, and computes what it told of each token anew, every specialist alone.
    private func residual(
        _ paths: [String], _ bench: Workbench
    ) throws -> (residual: Double, stranger: Double, tokens: Int) {
        let wanted = bench.isQuick ? 40 : 1_000
        let base = try bench.base()
        let mixture = try AdapterMixture(
            base, adapters: paths.map { (path: $0, adapter: try base.verifiedAdapter(path: $0)) })
        // The mixture stands in the order of content ids; what is recomputed must too.
        let alone = try mixture.specialists.map { try specialist($0.file, bench) }
        let stranger = try bench.base().decoder()
        let prompts = try (Workbench.people + [Self.unseen]).map {
            try bench.corpus($0).validation.all().first?.opening ?? "We"
        }
        var (worst, strangest, tokens, seed) = (0.0, 0.0, 0, UInt64(0))
        while tokens < wanted {
            let prompt = prompts[Int(seed) % prompts.count]
            let generation = GenerationRun(
                maxTokens: min(200, wanted - tokens), temperature: 1, topP: 1, seed: seed)
            let written = try generation.run(base, mixture: mixture, prompt: prompt) { _ in true }
            seed += 1
            guard !written.tokens.isEmpty else { continue }
            let window = try window(prompt: base.tokenizer().encode(prompt), written.tokens)
            let parts = try alone.map { try $0.losses(window).map { -Double($0) } }
            let unknown = try stranger.losses(window).map { -Double($0) }
            for (place, told) in written.attribution.enumerated() {
                let found = parts.map { $0[place] }
                worst = max(worst, abs(told.logProbability - Mixture.logMean(of: found)))
                for (one, other) in zip(told.specialists, found) { worst = max(worst, abs(one - other)) }
                let wrong = [unknown[place]] + found.dropFirst()
                strangest = max(strangest, abs(told.logProbability - Mixture.logMean(of: Array(wrong))))
            }
            tokens += written.tokens.count
        }
        return (worst, strangest, tokens)
    }

    private func specialist(_ path: String, _ bench: Workbench) throws -> Decoder {
        let base = try bench.base()
        try base.attach(base.verifiedAdapter(path: path))
        return try base.decoder()
    }

    private func window(prompt: [Int32], _ tokens: [Int32]) -> TokenWindow {
        let all = prompt + tokens
        return TokenWindow(
            inputs: Array(all.dropLast()), targets: Array(all.dropFirst()),
            counted: (1..<all.count).map { $0 >= prompt.count })
    }
}

extension Document {
    /// The first few words of its text.
    fileprivate var opening: String? { texts.first?.split(separator: " ").prefix(8).joined(separator: " ") }
}

extension Array where Element == (String, Double) {
    fileprivate func appending(_ more: some Sequence<(String, Double)>) -> [(String, Double)] { self + Array(more) }
}
