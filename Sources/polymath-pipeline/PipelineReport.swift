internal import CommandLineKit
internal import Digest
internal import Model
internal import Pipeline

/// What a run through a pipeline took, for programs and for people.
struct PipelineReport {
    let base: String
    let isSynthetic: Bool
    let coordinator: PipelineCoordinator
    let outcome: PipelineOutcome
    /// Of the pipeline's own run.
    let seconds: Double
    /// What the whole decoder makes of the same request, where it was asked.
    let whole: PipelineOutcome?

    /// Whether tokens, log-probabilities and all logits are the whole decoder's; nil where nobody asked.
    var isIdentical: Bool? {
        whole.map { $0.tokens == outcome.tokens && $0.logits == outcome.logits && $0.end == outcome.end }
    }

    /// Seconds per token after the first, whose pass is the prompt's; ascending.
    private var latencies: [Double] { outcome.seconds.dropFirst().sorted() }

    /// The smallest value that at least `share` of the latencies do not exceed; 0 of none.
    private func percentile(_ share: Double) -> Double {
        guard !latencies.isEmpty else { return 0 }
        return latencies[min(latencies.count - 1, max(0, Int((share * Double(latencies.count)).rounded(.up)) - 1))]
    }

    private var computeSeconds: Double { coordinator.figures.reduce(0) { $0 + $1.computeSeconds } }

    var events: [(String, [String: JSONValue])] {
        var events: [(String, [String: JSONValue])] = []
        for (index, drawn) in outcome.tokens.enumerated() {
            events.append(
                (
                    "token",
                    [
                        "index": .exactly(index), "token": .integer(Int64(drawn.token)),
                        "log_probability": .number(drawn.logProbability), "seconds": .number(outcome.seconds[index]),
                    ]
                ))
        }
        for replacement in coordinator.replacements {
            events.append(
                (
                    "replacement",
                    [
                        "stage": .string("\(coordinator.roles[replacement.stage])"),
                        "reason": .string(replacement.reason), "replayed_pieces": .exactly(replacement.replayedCount),
                    ]
                ))
        }
        var members: [String: JSONValue] = [
            "base": .string(base), "synthetic_weights": .bool(isSynthetic), "instrument": "measuring, not serving",
            "num_tokens": .exactly(outcome.tokens.count), "end": .string(outcome.end.rawValue),
            "tokens": .array(outcome.tokens.map { .integer(Int64($0.token)) }),
            "logits_sha256_chain": .string(outcome.logits.hex), "seconds": .number(seconds),
            "first_token_seconds": .number(outcome.seconds.first ?? 0),
            "latency_median_seconds": .number(percentile(0.5)), "latency_p95_seconds": .number(percentile(0.95)),
            "set_aside": .object(
                Dictionary(
                    uniqueKeysWithValues: coordinator.setAside.map { ($0.key.rawValue, .exactly($0.value)) })),
            "replacements": .exactly(coordinator.replacements.count),
            "stages": .array(zip(coordinator.roles, coordinator.figures).map { stage("\($0)", $1) }),
        ]
        if let isIdentical { members["identical_to_whole_decoder"] = .bool(isIdentical) }
        return events + [("pipeline_finished", members)]
    }

    private func stage(_ role: String, _ figures: StageFigures) -> JSONValue {
        [
            "role": .string(role), "at": .string(figures.name), "num_pieces": .exactly(figures.pieceCount),
            "compute_seconds": .number(figures.computeSeconds), "answer_seconds": .number(figures.answerSeconds),
            "compute_share": .number(computeSeconds > 0 ? figures.computeSeconds / computeSeconds : 0),
            "anonymous_memory_bytes": .exactly(figures.anonymousBytes),
            "resident_memory_bytes": .exactly(figures.residentBytes),
        ]
    }

    /// For people, on standard error.
    var lines: [String] {
        var lines = [
            "A measuring instrument, not a serving engine: \(outcome.tokens.count) tokens, \(milliseconds(percentile(0.5))) at "
                + "the median, \(milliseconds(percentile(0.95))) at the 95th percentile, the first after "
                + "\(milliseconds(outcome.seconds.first ?? 0))."
        ]
        for (role, figures) in zip(coordinator.roles, coordinator.figures) {
            let share = computeSeconds > 0 ? figures.computeSeconds / computeSeconds * 100 : 0
            lines.append(
                "  \(role) (\(figures.name)): \(figures.pieceCount) pieces, \(fixed(figures.computeSeconds, 3)) s of computing "
                    + "(\(fixed(share, 1)) %), answers after \(fixed(figures.answerSeconds, 3)) s in all.")
        }
        for replacement in coordinator.replacements {
            lines.append(
                "  \(coordinator.roles[replacement.stage]) went to another, \(replacement.replayedCount) pieces again: "
                    + replacement.reason)
        }
        let aside = coordinator.setAside.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.value) \($0.key.rawValue)" }
        if !aside.isEmpty { lines.append("  Set aside: \(aside.joined(separator: ", ")).") }
        if isIdentical == true { lines.append("  Identical to the whole decoder, to the bit.") }
        return lines
    }

    private func milliseconds(_ seconds: Double) -> String { "\(fixed(seconds * 1_000, 1)) ms" }
}
