internal import Adapter
internal import Audit
internal import Bytes
package import CommandLineKit
internal import Conventions
internal import Digest
internal import Federation
internal import Foundation
internal import GGUF
internal import Seal

/// `federation aggregate`: a round's adapters, each verified, become one.
package enum FederationAggregate<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["federation", "aggregate"], summary: "Verify the adapters of a round and make one of them",
            discussion: """
                Every file is verified by itself: form, finite values, signature, a signer on the roster, scope, base,
                no delta larger than the largest gain of its tensor, not in an earlier round (--previous). Of a signer
                with several adapters the one with the lowest content id counts. What is left becomes one adapter,
                coordinate by coordinate, signed by you; a signed record says who was in, who was refused, and why.
                The same adapters give the same bytes, whatever their order, names or the number of threads.

                Of a folder, the files right in it that end in .gguf are meant.
                """,
            operands: [.init(name: "IN", help: "Adapters, or folders of adapters", isRepeated: true)],
            flags: Bases.flags.map { $0.name == Flag.base.name ? $0.required : $0 }
                + [
                    .round.required, .roster.required, .method, .faults, .trim, .clip, .adapterScope, .adapterEncoding,
                    .previous, .trusted, .out.required, .record, .identity, .threads, .json,
                ],
            exits: [
                .init(
                    .mismatch,
                    "fewer than 2 F + 3 adapters passed, a file changed meanwhile, or an earlier record does not hold")
            ],
            examples: [
                "polymath federation aggregate inbox --base nano.gguf --round 7 --roster roster.txt --out round-7.gguf"
            ])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let inputs = try arguments.inputs(from: 0)
        let rules = try arguments.aggregationRules()
        let rosterPath = try arguments.requiredText(.roster)
        try InputPath.requireFile(rosterPath, kind: "roster")
        let roster = try Roster.read(path: rosterPath)
        let out = try arguments.requiredText(.out)
        let recordPath =
            arguments.text(.record) ?? (out.hasSuffix(".gguf") ? String(out.dropLast(5)) : out) + ".record.json"
        guard !PathIdentity.isSamePlace(out, recordPath) else {
            throw UsageError.impossible("--out and --record are the same file; give two.")
        }
        try InputPath.requireFree(out)
        try InputPath.requireFree(recordPath, flag: "record")
        let identity = try arguments.text(.identity).map { try Identity.loadOrCreate(path: $0) } ?? .loadOrCreate()
        if let list = arguments.text(.trusted) { try InputPath.requireFile(list, kind: "list of signers") }
        let trust = try SignerTrust(
            signer: identity.publicKey.fingerprint, list: arguments.text(.trusted))
        let previous = try arguments.previousRecords(trust: trust)
        let round = try arguments.requiredText(.round)

        let base = try Bases.open(arguments.requiredText(.base), arguments)
        let aggregation = try Aggregation(
            base: base.gguf, root: base.manifest(console).root, roster: roster, round: round, rules: rules,
            previous: previous, threads: arguments.threadCount)
        let review = try aggregation.review(inputs) { console.progress("Verifying", done: $0, of: $1) }
        console.endProgress()
        RefusedShown.show(review.refused, console)
        let aggregate = try aggregation.aggregate(review, identity: identity) {
            console.progress("Aggregating", done: $0, of: $1)
        }
        console.endProgress()
        try base.gguf.checkWhole()
        // Both are whole before either has its name. The record first: an adapter without one would say nothing of where
        // it comes from.
        let recordFile = try StagedFile.write(for: recordPath) { try $0.write(aggregate.recordFile) }.file
        let adapterFile = try StagedFile.write(for: out) { try $0.write(aggregate.adapter) }.file
        try recordFile.put()
        do {
            try adapterFile.put()
        } catch {
            recordFile.discard()
            throw error
        }
        show(aggregate, review, out: out, record: recordPath, base, console)
    }

    private static func show(
        _ aggregate: Aggregate, _ review: RoundReview, out: String, record path: String, _ base: BaseAtHand,
        _ console: Console
    ) {
        let record = aggregate.record
        console.emit(
            "aggregate",
            [
                "round": .string(record.round), "base": .string(base.name), "base_root": .string(record.baseRoot.hex),
                "synthetic_weights": .bool(base.isSynthetic), "scope": .string(record.rules.scope.rawValue),
                "method": .string(record.rules.method.rawValue), "faults": .exactly(record.rules.faults),
                "accepted": .exactly(record.accepted.count), "refused": .exactly(record.refused.count),
                "refused_by_reason": RefusedShown.counts(review.refused), "adapter": .string(out),
                "adapter_bytes": .exactly(aggregate.adapter.count), "content_id": .string(aggregate.contentID.hex),
                "recipe": .string(record.recipe.hex), "record": .string(path),
                "record_sha256": .string(record.digest.hex), "signer": .string(record.operator.fingerprint),
            ])
        if !review.refused.isEmpty { console.show() }
        console.show(
            table([
                ("base", escaped(base.title)), ("round", escaped(record.round)),
                ("method", "\(record.rules.method.rawValue), against \(record.rules.faults) faults"),
                ("scope", record.rules.scope.rawValue),
                ("accepted", "\(grouped(record.accepted.count)) of \(grouped(record.rosterCount)) on the roster"),
                ("refused", grouped(record.refused.count)), ("adapter", escaped(out, limit: 200)),
                ("content id", aggregate.contentID.hex), ("bytes", grouped(aggregate.adapter.count)),
                ("record", escaped(path, limit: 200)), ("signer", record.operator.fingerprint),
            ]))
    }
}

extension Flag {
    /// The scope of a round's adapters.
    static let adapterScope = Flag(
        "scope", .choice(AdapterScope.allCases.map(\.rawValue)), "SCOPE", default: "norms",
        help: "The scope that every adapter of the round has")
}

extension Arguments {
    func aggregationRules() throws -> AggregationRules {
        try AggregationRules(
            text(.method).flatMap(AggregationMethod.init) ?? .median, faults: requiredInteger(.faults),
            trim: integer(.trim), clip: number(.clip), scope: text(.adapterScope).flatMap(AdapterScope.init) ?? .norms,
            encoding: text(.adapterEncoding).flatMap(DeltaEncoding.init) ?? .q8_0)
    }
}
