internal import Corpus
internal import Model
internal import Training

/// Bet 4: what the bytes of a norm adapter do best.
struct SameBytes: Experiment {
    static let name = "same-bytes"

    func run(_ bench: Workbench) throws -> Measured {
        let people = bench.somePeople
        let trials = try Trials(bench, people: people)
        let kinds = ["norm gains", "gains and biases", "own words", "rank 1 on one matrix", "gains and own words"]
        var races: [Race] = []
        for person in people {
            let words = try bench.time("choosing words") {
                try OwnWords(trials.trainingWindows(person), base: trials.decoder())
            }
            races += self.races(person, words, trials.shape, isQuick: bench.isQuick)
        }
        try trials.tune(&races)
        var gains: [[Double]] = kinds.map { _ in [] }
        var promised: [[Double]] = kinds.map { _ in [] }
        var rows: [[BetTable.Cell]] = []
        for (index, person) in people.enumerated() {
            let base = try trials.baseLoss(person)
            let baseValidation = try trials.baseLoss(person, part: .validation)
            for kind in kinds.indices {
                guard let best = races[index * kinds.count + kind].best else { continue }
                let loss = try trials.testLoss(best)
                gains[kind].append(base - loss)
                promised[kind].append(baseValidation - best.validation)
                rows.append([
                    .text(person), .text(kinds[kind]), .text(best.trial.contestant.name),
                    .number(Double(best.byteCount), decimals: 0), .number(loss, decimals: 4),
                    .number(base - loss, decimals: 4), .number((base - loss) / gains[0][index], decimals: 3),
                ])
            }
        }
        // Chosen on validation text; what it is worth is said by test text.
        let winner = kinds.indices.max { promised[$0].average < promised[$1].average } ?? 0
        var measures = [
            "winner_ratio": gains[winner].average / gains[0].average,
            "best_ratio": (gains.map(\.average).max() ?? .nan) / gains[0].average,
            "largest_payload": races.compactMap { $0.best.map { Double($0.byteCount) } }.max() ?? .nan,
            "payload_limit": Double(LoraContest.byteLimit(trials.shape)),
            "rates_at_edge": Double(races.count { $0.isAtEdge }),
        ]
        for (key, kind) in [("biases", 1), ("own_words", 2), ("rank1", 3), ("gains_and_own_words", 4)] {
            measures["ratio_\(key)"] = gains[kind].average / gains[0].average
        }
        return Measured(
            measures: measures,
            tables: [
                BetTable(
                    title: "Test loss and gain, nats per token, of what is shipped.",
                    columns: ["person", "contestant", "what was fitted", "bytes", "loss", "gain", "of norm gains'"],
                    rows: rows), .tuning(races),
            ],
            remarks: ["By validation text the winner is: \(kinds[winner])."])
    }

    /// One race for each kind, in their order.
    private func races(
        _ person: String, _ words: OwnWords, _ shape: DecoderConfiguration, isQuick: Bool
    ) -> [Race] {
        let (middle, last) = (shape.layerCount / 2, shape.layerCount - 1)
        func gain(_ layer: Int, _ kind: String) -> String { "blk.\(layer).\(kind)_norm.weight" }
        func biases(_ layer: Int, _ kinds: String) -> [String] { kinds.map { "blk.\(layer).attn_\($0).bias" } }
        let output = "output_norm.weight"
        let (first, end) = ([gain(0, "attn"), gain(0, "ffn")], [gain(last, "attn"), gain(last, "ffn")])
        var mixed = [
            Contestant(
                name: "gains of layer \(last) and output, biases q k v of layer \(last)",
                parts: [.tensors(end + [output] + biases(last, "qkv"))]),
            Contestant(
                name: "gains of layer 0 and output, biases q k v of layer 0",
                parts: [.tensors(first + [output] + biases(0, "qkv"))]),
            Contestant(
                name: "gains of layers 0 and \(last), biases k v of layer 0",
                parts: [.tensors(first + end + biases(0, "kv"))]),
            Contestant(
                name: "gains less attn_norm of layer 0, biases v of layers 0 and \(last)",
                parts: [.tensors([first[1]] + end + [output] + biases(0, "v") + biases(last, "v"))]),
        ]
        // 448 ids of two bytes, as many values of one and 14 scales are 1,372 bytes; 160 are 490 beside three gains.
        func bias(_ tokens: [Int32]) -> Contestant.Part { .tokenBias(tokens, scale: 1) }
        var lone = [
            Contestant(name: "448 words by gain", parts: [bias(words.mostGained(448))]),
            Contestant(name: "448 words by frequency", parts: [bias(words.mostFrequent(448))]),
        ]
        var joint = [(end + [output], "\(last) and output"), (first + [output], "0 and output")].map { gains, name in
            // The rate suits gains; a logit's natural step is larger.
            Contestant(
                name: "gains of layer \(name), 160 words by gain",
                parts: [.tensors(gains), .tokenBias(words.mostGained(160), scale: 4)])
        }
        var thin = [0, middle, last].flatMap { layer in
            ["v", "output"].map { Contestant.thinLora(["\(layer).\($0)"]) }
        }
        if isQuick {
            mixed = Array(mixed.prefix(1))
            lone = Array(lone.prefix(1))
            joint = Array(joint.prefix(1))
            thin = Array(thin.prefix(1))
        }
        return [
            Race(person, [.normGains(shape)], middle: -3), Race(person, mixed, middle: -3),
            Race(person, lone, middle: -2), Race(person, thin, middle: -4), Race(person, joint, middle: -3),
        ]
    }
}
