public import Adapter
public import Corpus
internal import Digest
public import PolymathKit
public import TensorCore
internal import Device
internal import Foundation
internal import Training

/// What experiments work with: bases, people's texts, trainings as `polymath train` makes them, and a clock.
public final class Workbench {
    /// The collections, each the voice of one invented person.
    public static let people = ["skerry-diary", "wendle-notes", "amsel-letters"]

    public let home: Home
    /// Whether this is a smoke test: less of everything, and no result.
    public let isQuick: Bool
    public let threads: Int
    /// A folder for what a run makes on the way; gone afterwards.
    public let scratch: String
    /// Wall seconds by label, in the order that labels first came.
    public private(set) var timings: [(label: String, seconds: Double)] = []
    private let say: (String) -> Void
    private var trainings = 0
    private var corpora: [String: Corpus] = [:]

    /// - Parameters:
    ///   - scratch: an existing folder.
    ///   - say: takes lines of progress.
    public init(home: Home, isQuick: Bool, threads: Int, scratch: String, say: @escaping (String) -> Void) {
        self.home = home
        self.isQuick = isQuick
        self.threads = threads
        self.scratch = scratch
        self.say = say
    }

    /// Tells how far the run is.
    public func note(_ line: String) { say(line) }

    /// A person's texts, all parts.
    public func corpus(_ person: String) throws -> Corpus {
        if let known = corpora[person] { return known }
        let corpus = try CorpusLibrary(home: home).load(person)
        corpora[person] = corpus
        return corpus
    }

    /// A base, freshly mapped, with nothing attached.
    public func base(_ name: String = "nano", arithmetic: Arithmetic = .f32) throws -> LoadedBase {
        try LoadedBase(name, home: home, workers: Workers(count: threads), arithmetic: arithmetic)
    }

    /// One training's outcome.
    public struct TrainedAdapter: Sendable {
        public let path: String
        public let runFolder: String
        /// Of the training steps alone.
        public let seconds: Double
        public let summary: RunSummary
    }

    /// Trains on a person's text as `polymath train --base nano` does, in f32.
    ///
    /// A quick run makes 12 steps unless `adjust` says how many.
    public func train(
        _ person: String, seed: UInt64 = 0, adjust: (inout TrainingRequest) -> Void = { _ in }
    ) throws -> TrainedAdapter {
        var request = TrainingRequest(base: "nano")
        request.corpus = person
        request.seed = seed
        request.arithmetic = .f32
        request.threads = threads
        // A key of this workbench: the user's own signs nothing here.
        request.identityPath = scratch + "/identity.pem"
        if isQuick { request.steps = 12 }
        adjust(&request)
        trainings += 1
        request.out = "\(scratch)/run-\(trainings)"
        note(
            "training \(trainings): \(request.corpus ?? "tokens"), scope \(request.scope.rawValue), seed \(seed)"
        )
        let clock = StepClock()
        let summary = try TrainingRun(request, home: home, listener: clock).run()
        return TrainedAdapter(
            path: summary.exportPath, runFolder: summary.folder, seconds: clock.seconds, summary: summary)
    }

    /// Nats per counted target of a person's text, under `base` with `adapter`, or as it stands.
    ///
    /// - Parameter adapter: verified against `base`, which keeps it attached afterwards.
    public func losses(
        _ adapter: NormAdapter?, on person: String, part: Corpus.Part = .test, base: LoadedBase
    ) throws -> [Float] {
        var evaluation = EvaluationRun(sequenceLength: TrainingRequest.Defaults.sequenceLength)
        evaluation.comparesWithBase = false
        let source = EvaluationRun.Source.corpus(try corpus(person), part: part)
        return try evaluation.run(base, adapter: adapter, source: source).figures.losses
    }

    /// Runs `work` and records how long it took.
    public func time<T>(_ label: String, _ work: () throws -> T) rethrows -> T {
        let begin = ContinuousClock.now
        defer {
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            if let index = timings.firstIndex(where: { $0.label == label }) {
                timings[index].seconds += seconds
            } else {
                timings.append((label, seconds))
            }
        }
        return try work()
    }
}

/// Adds up the seconds between the events of consecutive steps.
private final class StepClock: RunListener {
    private(set) var seconds = 0.0
    private var tokens = 0

    func event(_ name: String, _ members: [String: JSONValue]) {
        guard name == "step", let speed = members["tokens_per_second"]?.asDouble,
            let sum = members["num_tokens"]?.asInt, speed > 0
        else { return }
        seconds += Double(sum - tokens) / speed
        tokens = sum
    }

    func progress(_ title: String, done: Int, of total: Int) {}
}

extension Array where Element == Float {
    /// Arithmetic mean in f64; NaN of nothing.
    public var mean: Double { isEmpty ? .nan : reduce(0.0) { $0 + Double($1) } / Double(count) }
}
