internal import Adapter
internal import Audit
package import CommandLineKit
internal import Conventions
internal import Digest
internal import Federation
internal import Seal

/// `federation check`: a round's record against its aggregate and, where they are at hand, the adapters that went in.
package enum FederationCheck<Bases: BaseAccess>: Command {
    package static var specification: CommandSpecification {
        CommandSpecification(
            path: ["federation", "check"], summary: "Check a round's record, and aggregate its adapters again",
            discussion: """
                Checks the record's signature, its operator, and that the adapter is the one it speaks of. With the
                accepted adapters and the base at hand, the aggregate is made again and must hold the same deltas.
                Who was refused, and why, stays the operator's word.
                """,
            operands: [
                .init(name: "RECORD", help: "Signed record of a round"),
                .init(name: "IN", help: "Adapters, or folders of adapters", isRequired: false, isRepeated: true),
            ],
            flags: [.adapter.required] + Bases.flags + Flag.trustFlags + [.threads, .json],
            exclusive: Flag.exclusiveTrust,
            exits: [
                .init(
                    .mismatch,
                    "it was changed, speaks of another adapter, something else comes out, or its operator is not trusted"
                )
            ],
            examples: ["polymath federation check round-7.record.json inbox --adapter round-7.gguf --base nano.gguf"])
    }

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let trust = try arguments.signerTrust()
        let inputs = try arguments.inputs(from: 1)
        let path = try arguments.requiredText(.adapter)
        try InputPath.requireFile(path, kind: "adapter")
        if !inputs.isEmpty, arguments.text(.base) == nil {
            throw UsageError.missingFlag(Flag.base.name, placeholder: Flag.base.placeholder)
        }
        let record = try AggregationRecord.read(path: arguments.requiredOperand(0))
        let check = AggregationCheck(record)
        var verdict = Verdict()
        verdict.add(
            "record", .passed, .arithmetic,
            "The record's signature covers every byte of it and is \(record.operator.fingerprint)'s.")
        AuditVerification.judgeSigner("record", record.operator, trust, &verdict)
        let adapter = try NormAdapter.read(path: path)
        let objection = check.objection(to: adapter)
        verdict.add(
            "adapter", objection == nil ? .passed : .failed, .arithmetic,
            objection
                ?? "The adapter at hand is the aggregate that the record names, and its recipe lists the same round.")
        if objection == nil, let name = arguments.text(.base) {
            let base = try Bases.open(name, arguments)
            let root = try base.manifest(console).root
            try adapter.verify(against: base.gguf, root: root)
            verdict.add("base", .passed, .arithmetic, "The adapter holds deltas of this base within its limits.")
            if !inputs.isEmpty {
                let difference = try check.repeatedObjection(
                    to: adapter, inputs: inputs, base: base.gguf, root: root, threads: arguments.threadCount
                ) { console.progress("Verifying", done: $0, of: $1) }
                console.endProgress()
                verdict.add(
                    "aggregate", difference == nil ? .passed : .failed, .arithmetic,
                    difference
                        ?? "Aggregated again, the \(record.accepted.count) accepted adapters give the same deltas.")
            }
        }
        if inputs.isEmpty {
            verdict.add(
                "aggregate", .notChecked, .arithmetic,
                "The \(record.accepted.count) accepted adapters are not at hand, so nothing was aggregated again.")
        }
        verdict.add(
            "refused", .notChecked, .signersWord,
            "That \(record.refused.count) adapters were refused, and why, is the operator's word.")
        console.show(
            table([
                ("round", record.round), ("method", record.rules.method.rawValue),
                ("accepted", grouped(record.accepted.count)), ("refused", grouped(record.refused.count)),
                ("content id", record.contentID.hex),
            ]))
        console.show()
        try console.judge(
            verdict, subject: "record",
            members: [
                "round": .string(record.round), "content_id": .string(record.contentID.hex),
                "accepted": .exactly(record.accepted.count), "refused": .exactly(record.refused.count),
            ])
    }
}
