// One round of a federation: verified adapters of many signers become one, signed by the operator.

public import Adapter
internal import Bytes
public import Digest
public import GGUF

/// What came in for a round, judged; nothing is aggregated yet.
public struct RoundReview: Sendable {
    let accepted: [Submission]
    /// In a record's order.
    public let refused: [RefusedFile]

    public var acceptedCount: Int { accepted.count }
    public var acceptedIDs: [SHA256Digest] { accepted.map(\.contentID) }
}

/// What a round made.
public struct Aggregate: Sendable {
    /// The bytes of an ordinary adapter.
    public let adapter: [UInt8]
    public let contentID: SHA256Digest
    /// What it holds, as it is read back from those bytes.
    public let deltas: [NormDelta]
    public let record: AggregationRecord
    /// The bytes of the signed record.
    public let recordFile: [UInt8]
}

/// Verifies and aggregates the adapters of a round.
///
/// Two passes: the first verifies each file and keeps some hundred bytes of it; the second reads a block of coordinates from
/// each accepted one. The result depends on the adapters, the base, the roster and the rules alone: not on paths, order
/// or threads.
public struct Aggregation: Sendable {
    private let base: GGUFFile
    private let root: SHA256Digest
    private let roster: Roster
    private let round: String
    private let rules: AggregationRules
    private let previous: [SHA256Digest]
    private let seen: Set<SHA256Digest>
    private let threads: Int
    /// Most bytes of deltas in memory at a time.
    public var blockByteCount = Self.defaultBlockByteCount
    static let defaultBlockByteCount = 64 << 20

    /// - Parameters:
    ///   - root: of `base`, as computed now.
    ///   - round: its name: 1 to 64 letters, digits, dots, underscores and dashes.
    ///   - previous: records of earlier rounds, whose operators the caller believes.
    /// - Throws: ``FederationError`` for a name that is none, or one that an earlier record has.
    public init(
        base: GGUFFile, root: SHA256Digest, roster: Roster, round: String, rules: AggregationRules,
        previous: [AggregationRecord] = [], threads: Int = 1
    ) throws(FederationError) {
        guard AggregationRules.isRoundName(round) else { throw .roundName(round) }
        guard !previous.contains(where: { $0.round == round && $0.baseRoot == root }) else {
            throw .roundRecorded(round: round)
        }
        self.base = base
        self.root = root
        self.roster = roster
        self.round = round
        self.rules = rules
        self.previous = Set(previous.map(\.digest)).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        seen = previous.reduce(into: []) { seen, record in
            for one in record.accepted { seen.insert(one.contentID) }
            for one in record.refused { if let contentID = one.contentID { seen.insert(contentID) } }
        }
        self.threads = max(1, threads)
    }

    /// The first pass.
    ///
    /// - Parameters:
    ///   - inputs: files, and folders whose files ending in `.gguf` are meant.
    ///   - progress: done and all, in files.
    /// - Throws: ``FederationError/folder(path:)``; whatever is wrong with a file is a refusal.
    public func review(
        _ inputs: [String], progress: (@Sendable (Int, Int) -> Void)? = nil
    ) throws(FederationError) -> RoundReview {
        let paths = try SubmissionReview.files(of: inputs)
        let review = SubmissionReview(
            of: paths,
            by: SubmissionRules(base: base, root: root, scope: rules.scope, roster: roster, seen: seen),
            threads: threads, progress: Self.counting(progress, of: paths.count))
        return RoundReview(accepted: review.accepted, refused: review.refused)
    }

    /// The second pass: the aggregate, signed.
    ///
    /// - Throws: ``FederationError/tooFew(accepted:needed:faults:refused:)``, `.changed`; what signing throws.
    public func aggregate(
        _ review: RoundReview, identity: Identity, progress: (@Sendable (Int, Int) -> Void)? = nil
    ) throws -> Aggregate {
        let accepted = review.accepted
        guard accepted.count >= rules.needed else {
            throw FederationError.tooFew(
                accepted: accepted.count, needed: rules.needed, faults: rules.faults, refused: review.refused.count)
        }
        let shape = try RoundShape(base: base, scope: rules.scope, encodings: Set(accepted.map(\.encoding)))
        let combined = try Self.combine(
            accepted, rules: rules, shape: shape, base: base, threads: threads, blockByteCount: blockByteCount,
            progress: progress)
        let recipe = rules.recipe(round: round, root: root, accepted: accepted.map(\.contentID))
        let bytes = try NormAdapter.encode(
            architecture: shape.architecture, scope: rules.scope, encoding: rules.encoding,
            layerCount: shape.layerCount, baseRoot: root, recipe: recipe, deltas: combined.deltas, identity: identity)
        let adapter: NormAdapter
        do {
            adapter = try NormAdapter.decode(bytes)
            try adapter.verify(against: base, root: root)
        } catch {
            throw FederationError.unusable(reason: "\(error)")
        }
        let record = AggregationRecord(
            round: round, baseRoot: root, architecture: shape.architecture, layerCount: shape.layerCount,
            embeddingLength: shape.embeddingLength, rules: rules, clipNorm: combined.clipNorm, roster: roster,
            previous: previous,
            accepted: accepted.map { .init(contentID: $0.contentID, signer: $0.signer.fingerprint) },
            refused: review.refused.map(\.refusal), contentID: adapter.contentID, recipe: recipe,
            operator: identity.publicKey)
        return Aggregate(
            adapter: bytes, contentID: adapter.contentID, deltas: adapter.deltas, record: record,
            recordFile: try record.encode(signedBy: identity))
    }

    static func counting(
        _ progress: (@Sendable (Int, Int) -> Void)?, of count: Int
    ) -> (@Sendable (Int) -> Void)? {
        guard let progress else { return nil }
        return { done in progress(done, count) }
    }

    /// The deltas of an aggregate, in file order, and the bound of a clipped mean.
    ///
    /// - Parameter accepted: ascending by content id; not empty.
    static func combine(
        _ accepted: [Submission], rules: AggregationRules, shape: RoundShape, base: GGUFFile, threads: Int,
        blockByteCount: Int,
        progress: (@Sendable (Int, Int) -> Void)? = nil
    ) throws -> (deltas: [NormDelta], clipNorm: Double?) {
        let clipNorm =
            rules.method == .clippedMean ? rules.clip ?? Combiner.medianNorm(accepted.map(\.norm)) : nil
        let combiner: Combiner =
            switch rules.method {
            case .median: .median
            case .trimmedMean: .trimmedMean(rules.trim ?? 0)
            case .clippedMean:
                .scaledMean(accepted.map { $0.norm > clipNorm ?? .infinity ? (clipNorm ?? 0) / $0.norm : 1 })
            }
        let values = try DeltaBlocks(
            submissions: accepted, shape: shape, combiner: combiner, threads: threads, byteCount: blockByteCount
        ).aggregate(progress: counting(progress, of: accepted.count))
        let length = shape.embeddingLength
        let deltas = try shape.names.enumerated().map { index, name in
            // As a training holds its gains (decision 0002): eight bits may round up, and no delta may pass the limit.
            let bound = try base.largestGain(named: name, length: length) * (1 - 0x1p-9)
            return NormDelta(
                name: name, values: values[index * length..<(index + 1) * length].map { min(bound, max(-bound, $0)) })
        }
        return (deltas, clipNorm)
    }
}
