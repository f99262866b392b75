internal import Conventions
public import Corpus
public import Digest
internal import Foundation
internal import Model
internal import Training

/// What an exported file tells of the text it was trained on, as two attacks see it: figures, and no bound.
///
/// - Membership: can a window that was trained on be told from one that was not?
/// - Extraction: does a planted or real secret stand out among others of its form, and is it written out?
public struct PrivacyRun {
    /// Tokens per window: the training's, for the windows to be those that it saw.
    public var sequenceLength: Int
    /// What the training set aside of a corpus without a validation part.
    public var validationFraction = 0.1
    /// Resamples for the intervals; 0 for none.
    public var resamples = 1000
    public var seed: UInt64 = 0
    /// How many other secrets each canary is ranked among.
    public var alternatives = 1024

    public init(sequenceLength: Int) {
        self.sequenceLength = sequenceLength
    }

    /// One of the two texts, before and after.
    public struct Side: Equatable, Sendable {
        public let windowCount: Int
        /// Counted targets.
        public let tokenCount: Int
        /// Nats per counted target.
        public let baseLoss: Double
        public let adaptedLoss: Double
        /// 95 % interval of (base − adapted); nil without resamples.
        public let gainInterval: ClosedRange<Double>?

        /// Nats per counted target that the adapter takes off.
        public var gain: Double { baseLoss - adaptedLoss }
    }

    public struct Extraction: Equatable, Sendable {
        public let canary: Canary
        /// The secret and its alternatives.
        public let candidateCount: Int
        public let baseRank: Double
        public let adaptedRank: Double
        public let isWrittenOutByBase: Bool
        public let isWrittenOut: Bool

        public var baseExposure: Double { exposure(baseRank) }
        public var adaptedExposure: Double { exposure(adaptedRank) }
        /// Of rank 1.
        public var largestExposure: Double { exposure(1) }

        /// log2 |R| − log2 rank (Carlini et al. 2019, section 4.2), both counted in the candidates: at most log2 of
        /// their number. Of secrets that the model never met it is 1.44 (1 ÷ ln 2) on average.
        private func exposure(_ rank: Double) -> Double { log2(Double(candidateCount)) - log2(rank) }
    }

    public struct Result: Sendable {
        public let contentID: SHA256Digest
        public let heldIn: Side
        public let heldOut: Side
        /// Which text was held out, as `test part of NAME`.
        public let heldOutName: String
        public let membership: MembershipAttack
        public let membershipInterval: ClosedRange<Double>?
        public let extractions: [Extraction]
    }

    /// - Parameters:
    ///   - path: of an adapter, or of a boundary file; checked as on any use of one.
    ///   - data: what it was trained on; of a corpus without a validation part, less the windows set aside.
    ///   - against: text it was not trained on; nil for the test part of `data`, else its validation part, else the
    ///     windows set aside.
    ///   - progress: windows done, and windows in all.
    public func run(
        _ base: LoadedBase, exported path: String, data: Corpus, against: Corpus?, canaries: [Canary],
        hashing: (@Sendable (Int) -> Void)? = nil, progress: ((Int, Int) -> Void)? = nil
    ) throws -> Result {
        let exported = try base.verifiedExport(path: path, progress: hashing)
        let decoder = try base.decoder()
        guard sequenceLength <= decoder.configuration.contextLength else {
            throw RunError.sequenceTooLong(
                requested: sequenceLength, contextLength: decoder.configuration.contextLength)
        }
        let tokenizer = try base.tokenizer()
        let (inside, outside, name) = try texts(base, data: data, against: against)
        for windows in [inside, outside] {
            try windows.forEach { _, window in
                try decoder.check(window.inputs)
                try decoder.check(window.targets)
            }
        }
        let probes = try canaries.enumerated().map { index, canary in
            try ExtractionProbe(
                canary, number: index + 1,
                alternatives: canary.alternatives(alternatives, seed: seed, index: index), tokenizer: tokenizer,
                decoder: decoder)
        }
        let total = 2 * (inside.count + outside.count + probes.reduce(0) { $0 + $1.candidateCount })
        var done = 0
        func step() {
            done += 1
            progress?(done, total)
        }
        func measure() throws -> (inside: Evaluation, outside: Evaluation, findings: [ExtractionProbe.Finding]) {
            let evaluations = try [inside, outside].map { windows in
                let evaluation = try Evaluation.run(windows, on: decoder) { _ in step() }
                if let index = evaluation.losses.firstIndex(where: { !$0.isFinite }) {
                    throw InputError.lossNotFinite(target: index)
                }
                return evaluation
            }
            return (
                evaluations[0], evaluations[1],
                try probes.map { try $0.find(in: decoder, tokenizer: tokenizer, progress: step) }
            )
        }
        let before = try measure()
        try base.attach(exported)
        let after = try measure()
        let attack = try MembershipAttack(
            members: scores(inside, before.inside, after.inside),
            others: scores(outside, before.outside, after.outside))
        return try Result(
            contentID: exported.contentID, heldIn: side(inside, before.inside, after.inside),
            heldOut: side(outside, before.outside, after.outside), heldOutName: name, membership: attack,
            membershipInterval: attack.interval(resamples: resamples, seed: seed),
            extractions: canaries.indices.map { index in
                Extraction(
                    canary: canaries[index], candidateCount: probes[index].candidateCount,
                    baseRank: before.findings[index].rank, adaptedRank: after.findings[index].rank,
                    isWrittenOutByBase: before.findings[index].isWrittenOut,
                    isWrittenOut: after.findings[index].isWrittenOut)
            })
    }

    /// Windows that were trained on, windows that were not, and what the latter are called.
    private func texts(
        _ base: LoadedBase, data: Corpus, against: Corpus?
    ) throws -> (inside: TokenWindows, outside: TokenWindows, name: String) {
        func windows(_ corpus: Corpus, _ part: Corpus.Part) throws -> Windows {
            try Windows(
                TokenStream(corpus.documents(of: part), tokenizer: base.tokenizer()), sequenceLength: sequenceLength)
        }
        var inside = try windows(data, .training)
        var aside: Windows?
        if data.validation.isEmpty {
            (inside, aside) = try inside.split(validationFraction: validationFraction)
        }
        let other = against ?? data
        if let part = [Corpus.Part.test, .validation].first(where: { !other.documents(of: $0).isEmpty }) {
            return (
                TokenWindows(inside), TokenWindows(try windows(other, part)), "\(part.rawValue) part of \(other.name)"
            )
        }
        if against != nil { return (TokenWindows(inside), TokenWindows(try windows(other, .training)), other.name) }
        guard let aside else { throw InputError.nothingHeldOut(corpus: data.name) }
        return (TokenWindows(inside), TokenWindows(aside), "windows set aside of \(data.name)")
    }

    private func side(_ windows: TokenWindows, _ before: Evaluation, _ after: Evaluation) throws -> Side {
        let bootstrap =
            resamples > 0
            ? Bootstrap(windowSizes: try Self.sizes(windows), resamples: resamples, seed: seed) : nil
        return Side(
            windowCount: windows.count, tokenCount: before.losses.count, baseLoss: before.meanLoss,
            adaptedLoss: after.meanLoss, gainInterval: bootstrap?.interval(of: before.losses, minus: after.losses))
    }

    /// Nats per counted target that each window's loss came down.
    private func scores(_ windows: TokenWindows, _ before: Evaluation, _ after: Evaluation) throws -> [Double] {
        var start = 0
        return try Self.sizes(windows).map { size in
            let range = start..<start + size
            start = range.upperBound
            return range.reduce(0.0) { $0 + Double(before.losses[$1]) - Double(after.losses[$1]) } / Double(range.count)
        }
    }

    /// Counted targets of each window.
    private static func sizes(_ windows: TokenWindows) throws -> [Int] {
        var sizes: [Int] = []
        try windows.forEach { _, window in sizes.append(window.countedCount) }
        return sizes
    }
}
