internal import Adapter
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Corpus
internal import Digest
internal import PolymathKit
internal import TensorCore

/// `polymath eval`: loss and perplexity of a base, with or without an adapter.
enum Eval: Command {
    static let specification = CommandSpecification(
        path: ["eval"], summary: "Measure loss and perplexity on text, with or without an adapter",
        discussion: """
              The mean cross-entropy over every counted target of whole windows of --seq-len tokens; tokens after the
              last whole window are dropped and reported. A collection's test part is taken if it has one, else its
              validation part, else its training part.
            """,
        flags: [
            .base.required, .adapter, .corpus, .tokens, .part, .seqLen, .compare, .bootstrap, .seed, .compute, .threads,
            .home, .json,
        ],
        exclusive: [[.corpus, .tokens], [.part, .tokens]],
        exits: [
            .init(.mismatch, "the adapter is for another base or was changed, or the base differs from its record")
        ],
        examples: ["polymath eval --base nano --corpus Corpora/skerry-diary --adapter adapter.gguf --compare"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        guard let source = try arguments.textSource() else {
            throw UsageError.impossible("Text to measure on is needed: --corpus PATH or --tokens FILE.json.")
        }
        if arguments.isOn(.compare), arguments.text(.adapter) == nil {
            throw UsageError.impossible("--compare needs an adapter to compare with the base: give --adapter FILE.")
        }
        let base = try arguments.loadBase()
        let adapter = try arguments.text(.adapter).map {
            try base.verifiedAdapter(path: $0, progress: console.hashingProgress(of: base))
        }
        var evaluation = EvaluationRun(sequenceLength: try arguments.requiredInteger(.seqLen))
        evaluation.resamples = try arguments.requiredInteger(.bootstrap)
        evaluation.seed = UInt64(try arguments.requiredInteger(.seed))
        evaluation.comparesWithBase = arguments.isOn(.compare)
        let result = try evaluation.run(base, adapter: adapter, source: source) { done, total in
            console.progress("Evaluating", done: done, of: total)
        }
        console.endProgress()
        console.emit("evaluation", members(result, base: base, adapter: adapter))
        console.show(table(rows(result, base: base, adapter: adapter, source: source, arguments: arguments)))
    }

    private static func rows(
        _ result: EvaluationRun.Result, base: LoadedBase, adapter: NormAdapter?, source: EvaluationRun.Source,
        arguments: Arguments
    ) -> [(String, String)] {
        var rows = [("base", escaped(base.title))]
        if let adapter { rows.append(("adapter", "\(adapter.contentID.hex)  (signature and base verified)")) }
        switch source {
        case .tokens(let path): rows.append(("tokens", escaped(path)))
        case .corpus(let corpus, _):
            rows.append(("text", "\(escaped(corpus.name)), \(result.part?.rawValue ?? "") part"))
        }
        rows.append(
            ("windows", "\(grouped(result.windowCount)) with \(grouped(result.tokenCount)) counted targets"))
        let dropped = result.droppedTokenCount
        let empty = result.droppedWindowCount
        rows.append(
            ("dropped", "\(dropped) tokens of an incomplete last window, \(empty) windows without a counted target"))
        if let baseline = result.baseline {
            rows.append(("loss of the base", shown(baseline)))
            rows.append(("perplexity of the base", fixed(baseline.perplexity, 3)))
        }
        rows.append(("loss", shown(result.figures)))
        rows.append(("perplexity", fixed(result.figures.perplexity, 3)))
        if let baseline = result.baseline {
            let interval = result.differenceInterval.map { "  (95 %: \(shown($0)))" } ?? ""
            rows.append(("difference", fixed(result.figures.loss - baseline.loss, 4) + interval))
        }
        return rows
    }

    private static func shown(_ figures: EvaluationRun.Figures) -> String {
        fixed(figures.loss, 4) + (figures.interval.map { "  (95 %: \(shown($0)))" } ?? "")
    }

    private static func shown(_ interval: ClosedRange<Double>) -> String {
        "\(fixed(interval.lowerBound, 4)) to \(fixed(interval.upperBound, 4))"
    }

    private static func members(
        _ result: EvaluationRun.Result, base: LoadedBase, adapter: NormAdapter?
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
            "compute": .string(base.arithmetic.rawValue),
            "loss": .number(result.figures.loss), "perplexity": .number(result.figures.perplexity),
            "num_tokens": .exactly(result.tokenCount), "num_windows": .exactly(result.windowCount),
            "dropped_tokens": .exactly(result.droppedTokenCount),
            "dropped_windows": .exactly(result.droppedWindowCount),
        ]
        if let part = result.part { members["part"] = .string(part.rawValue) }
        if let adapter { members["adapter"] = .string(adapter.contentID.hex) }
        if let interval = result.figures.interval { members["loss_interval"] = json(interval) }
        if let baseline = result.baseline {
            members["base_loss"] = .number(baseline.loss)
            members["base_perplexity"] = .number(baseline.perplexity)
            if let interval = baseline.interval { members["base_loss_interval"] = json(interval) }
        }
        if let interval = result.differenceInterval { members["difference_interval"] = json(interval) }
        return members
    }

    private static func json(_ interval: ClosedRange<Double>) -> JSONValue {
        [.number(interval.lowerBound), .number(interval.upperBound)]
    }
}
