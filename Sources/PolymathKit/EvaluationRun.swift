internal import Conventions
public import Adapter
public import Corpus
internal import Foundation
internal import Model
internal import Training

/// Measures a base, with or without an adapter, on text or token ids.
public struct EvaluationRun {
    /// What is measured on.
    public enum Source: Equatable, Sendable {
        /// A loaded corpus; without a part its test part, else its validation part, else its training part.
        case corpus(Corpus, part: Corpus.Part?)
        /// A JSON file of token ids.
        case tokens(path: String)
    }

    /// The figures of one pass.
    public struct Figures: Equatable, Sendable {
        /// Nats per counted target, in order.
        public let losses: [Float]
        /// Mean over all counted targets, nats.
        public let loss: Double
        public let perplexity: Double
        /// 95 % interval of `loss`; nil when no resamples were asked for.
        public let interval: ClosedRange<Double>?
    }

    public struct Result: Equatable, Sendable {
        /// With the adapter if one was given, else of the base.
        public let figures: Figures
        /// Of the base alone, when comparing.
        public let baseline: Figures?
        /// 95 % interval of (loss with adapter − loss of the base), from the same resamples.
        public let differenceInterval: ClosedRange<Double>?
        /// Counted targets.
        public let tokenCount: Int
        public let windowCount: Int
        /// Tokens after the last whole window.
        public let droppedTokenCount: Int
        /// Windows without a counted target.
        public let droppedWindowCount: Int
        /// Nil for token ids.
        public let part: Corpus.Part?
    }

    /// Tokens per window.
    public var sequenceLength: Int
    /// Resamples for the intervals; 0 for none.
    public var resamples = 0
    public var seed: UInt64 = 0
    /// Whether the base alone is measured too when there is an adapter.
    public var comparesWithBase = false

    public init(sequenceLength: Int) {
        self.sequenceLength = sequenceLength
    }

    /// - Parameters:
    ///   - adapter: verified against `base`.
    ///   - progress: windows done, and windows in all.
    public func run(
        _ base: LoadedBase, adapter: NormAdapter?, source: Source, progress: ((Int, Int) -> Void)? = nil
    ) throws -> Result {
        let decoder = try base.decoder()
        guard sequenceLength <= decoder.configuration.contextLength else {
            throw RunError.sequenceTooLong(
                requested: sequenceLength, contextLength: decoder.configuration.contextLength)
        }
        let (stream, part) = try source.stream(base, vocabularySize: decoder.configuration.vocabularySize)
        let windows = try Windows(stream, sequenceLength: sequenceLength)
        let tokenWindows = TokenWindows(windows)
        var sizes: [Int] = []
        try tokenWindows.forEach { _, window in
            try decoder.check(window.inputs)
            try decoder.check(window.targets)
            if resamples > 0 { sizes.append(window.countedCount) }
        }
        let passes = adapter != nil && comparesWithBase ? 2 : 1
        let total = tokenWindows.count * passes
        var baseline: Evaluation?
        if passes == 2 {
            baseline = try Evaluation.run(tokenWindows, on: decoder) { progress?($0, total) }
        }
        if let adapter { try base.attach(adapter) }
        let done = total - tokenWindows.count
        let evaluation = try Evaluation.run(tokenWindows, on: decoder) { progress?(done + $0, total) }
        for losses in [baseline?.losses ?? [], evaluation.losses] {
            if let index = losses.firstIndex(where: { !$0.isFinite }) { throw InputError.lossNotFinite(target: index) }
        }
        let bootstrap = resamples > 0 ? Bootstrap(windowSizes: sizes, resamples: resamples, seed: seed) : nil
        return Result(
            figures: figures(evaluation, bootstrap), baseline: baseline.map { figures($0, bootstrap) },
            differenceInterval: baseline.flatMap { bootstrap?.interval(of: evaluation.losses, minus: $0.losses) },
            tokenCount: evaluation.losses.count, windowCount: windows.count,
            droppedTokenCount: windows.leftOverTokens, droppedWindowCount: windows.droppedWindows, part: part)
    }

    private func figures(_ evaluation: Evaluation, _ bootstrap: Bootstrap?) -> Figures {
        Figures(
            losses: evaluation.losses, loss: evaluation.meanLoss, perplexity: evaluation.perplexity,
            interval: bootstrap?.interval(of: evaluation.losses))
    }
}

extension EvaluationRun.Source {
    /// The tokens that are measured on, and the part of the corpus that they are from.
    func stream(_ base: LoadedBase, vocabularySize: Int) throws -> (stream: TokenStream, part: Corpus.Part?) {
        switch self {
        case .tokens(let path):
            try InputPath.requireFile(path, kind: "token file")
            return (try TokenFile(path: path, vocabularySize: vocabularySize).stream, nil)
        case .corpus(let corpus, let wanted):
            let part = wanted ?? [.test, .validation].first { !corpus.documents(of: $0).isEmpty } ?? .training
            let documents = corpus.documents(of: part)
            guard !documents.isEmpty else {
                throw InputError.missingPart(corpus: corpus.name, part: part.rawValue, file: part.fileName)
            }
            return (try TokenStream(documents, tokenizer: base.tokenizer()), part)
        }
    }
}
