// A record held against what it speaks of: the aggregate, and, where they are at hand, the adapters that went in.

public import Adapter
internal import Bytes
public import Digest
public import GGUF

/// What of a record can be checked by anybody, without the operator's word.
public struct AggregationCheck: Sendable {
    public let record: AggregationRecord

    public init(_ record: AggregationRecord) { self.record = record }

    /// What speaks against the adapter being the record's aggregate; nil where nothing does.
    public func objection(to adapter: NormAdapter) -> String? {
        guard adapter.contentID == record.contentID else {
            return "The adapter at hand has the content id \(adapter.contentID.hex), and the record says "
                + "\(record.contentID.hex)."
        }
        guard adapter.signer == record.operator else { return "The adapter is not signed by the record's operator." }
        guard adapter.recipe == record.recipe else { return "The adapter names another recipe than the record." }
        guard adapter.baseRoot == record.baseRoot, adapter.scope == record.rules.scope else {
            return "The adapter is of another base or scope than the record says."
        }
        return nil
    }

    /// Makes the aggregate again from the accepted adapters, and says what speaks against it; nil where nothing does.
    ///
    /// - Parameters:
    ///   - adapter: the record's, see ``objection(to:)``.
    ///   - inputs: files and folders; what the record does not list as accepted is passed over.
    /// - Throws: ``FederationError/missing(contentID:)``, what ``Aggregation`` throws.
    public func repeatedObjection(
        to adapter: NormAdapter, inputs: [String], base: GGUFFile, root: SHA256Digest, threads: Int,
        progress: (@Sendable (Int, Int) -> Void)? = nil
    ) throws -> String? {
        guard root == record.baseRoot else {
            return "The base at hand has the root \(root.hex), and the record says \(record.baseRoot.hex)."
        }
        let wanted = Dictionary(
            record.accepted.map { ($0.contentID, $0.signer) }, uniquingKeysWith: { first, _ in first })
        let rules = SubmissionRules(base: base, root: root, scope: record.rules.scope, roster: nil, seen: [])
        let paths = try SubmissionReview.files(of: inputs)
        let review = SubmissionReview(
            of: paths, by: rules, threads: threads, wanted: Set(wanted.keys),
            progress: Aggregation.counting(progress, of: paths.count))
        let found = Set(review.accepted.map(\.contentID))
        if let lost = record.accepted.first(where: { !found.contains($0.contentID) }) {
            throw FederationError.missing(contentID: lost.contentID)
        }
        if let other = review.accepted.first(where: { wanted[$0.contentID] != $0.signer.fingerprint }) {
            return "The adapter \(other.contentID.hex) is not signed by whom the record names."
        }
        let again = try Aggregation.combine(
            review.accepted, rules: record.rules,
            shape: RoundShape(
                base: base, scope: record.rules.scope, encodings: Set(review.accepted.map(\.encoding))), base: base,
            threads: threads,
            blockByteCount: Aggregation.defaultBlockByteCount)
        guard again.clipNorm == record.clipNorm else { return "The record's bound is not what its adapters give." }
        // Through the wire format, as the aggregate went; who signs does not show in the deltas.
        let bytes = try NormAdapter.encode(
            architecture: adapter.architecture, scope: adapter.scope, encoding: record.rules.encoding,
            layerCount: adapter.layerCount, baseRoot: root, recipe: record.recipe, deltas: again.deltas,
            identity: Identity.generate())
        let deltas = try NormAdapter.decode(bytes).deltas
        guard deltas == adapter.deltas, adapter.encoding == record.rules.encoding else {
            let differing = zip(deltas, adapter.deltas).first { $0 != $1 }?.0.name ?? "the encoding"
            return "Aggregated again, something else comes out: \(escaped(differing)) differs."
        }
        return nil
    }
}
