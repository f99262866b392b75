internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Corpus
internal import Digest
internal import PolymathKit
internal import TensorCore

/// `polymath adapter privacy`: what two attacks learn from an exported file of the text it was trained on.
enum AdapterPrivacy: Command {
    static let specification = CommandSpecification(
        path: ["adapter", "privacy"], summary: "Attack an adapter: membership of text, and extraction of secrets",
        discussion: """
              Membership: how well the fall of a window's loss, from the base's to the adapter's, tells text that was
              trained on from text that was not, as area under the curve (0.5 is guessing) and as the share found with
              1 % of false alarms (Carlini et al. 2022). Extraction, with --secrets: where each planted secret stands
              among random others of its form, as exposure in bits (Carlini et al. 2019; 1.44 is the mean of secrets
              never seen), and whether the model writes it out. --seq-len and --validation-fraction are to be those of
              the training. Figures of attacks that are known, and no bound on those that are not.
            """,
        flags: [
            .base.required, .adapter.required, .heldIn.required, .against, .secrets, .alternatives, .seqLen,
            .validationFraction, .bootstrap.defaulting(to: "1000"), .seed, .compute, .threads, .home, .json,
        ],
        exits: [
            .init(.mismatch, "the adapter is for another base or was changed, or the base differs from its record")
        ],
        examples: [
            "polymath adapter privacy --base nano --adapter adapter.gguf --data skerry-diary",
            "polymath adapter privacy --base nano --adapter run/adapter.gguf --data planted --secrets planted/secrets.json",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredText(.adapter)
        try InputPath.requireFile(path, kind: "adapter")
        let library = CorpusLibrary(home: arguments.home)
        let data = try library.load(arguments.requiredText(.heldIn))
        let against = try arguments.text(.against).map { try library.load($0) }
        let canaries = try arguments.text(.secrets).map { try Canary.read(path: $0) } ?? []
        let base = try arguments.loadBase()
        var privacy = PrivacyRun(sequenceLength: try arguments.requiredInteger(.seqLen))
        privacy.validationFraction = try arguments.requiredNumber(.validationFraction)
        privacy.resamples = try arguments.requiredInteger(.bootstrap)
        privacy.seed = UInt64(try arguments.requiredInteger(.seed))
        privacy.alternatives = try arguments.requiredInteger(.alternatives)
        let result = try privacy.run(
            base, exported: path, data: data, against: against, canaries: canaries,
            hashing: console.hashingProgress(of: base)
        ) { done, total in
            console.progress("Probing", done: done, of: total)
        }
        console.endProgress()
        for (index, extraction) in result.extractions.enumerated() {
            console.emit("canary", members(extraction, number: index + 1))
        }
        console.emit("privacy", members(result, base: base))
        console.show(table(rows(result, base: base, data: data.name)))
        guard !result.extractions.isEmpty else { return }
        console.show()
        for line in canaryLines(result.extractions) { console.show(line) }
    }

    // MARK: For people

    private static func rows(_ result: PrivacyRun.Result, base: LoadedBase, data: String) -> [(String, String)] {
        let attack = result.membership
        let interval = result.membershipInterval.map { "  (95 %: \(shown($0, 3)))" } ?? ""
        return [
            ("base", escaped(base.title)),
            ("adapter", "\(result.contentID.hex)  (signature and base verified)"),
            ("held in", "\(escaped(data)): \(size(result.heldIn))"),
            ("held out", "\(escaped(result.heldOutName)): \(size(result.heldOut))"),
            ("loss held in", losses(result.heldIn)),
            ("loss held out", losses(result.heldOut)),
            ("membership, area under curve", fixed(attack.areaUnderCurve, 3) + interval),
            (
                "found with 1 % false alarms",
                fixed(attack.truePositiveRate * 100, 1)
                    + " %  (\(attack.falsePositives) of \(grouped(result.heldOut.windowCount)) windows held out above)"
            ),
        ]
    }

    private static func size(_ side: PrivacyRun.Side) -> String {
        "\(grouped(side.windowCount)) windows with \(grouped(side.tokenCount)) counted targets"
    }

    private static func losses(_ side: PrivacyRun.Side) -> String {
        let interval = side.gainInterval.map { "  (95 %: \(shown($0, 4)))" } ?? ""
        return "\(fixed(side.baseLoss, 4)) to \(fixed(side.adaptedLoss, 4)), gain \(fixed(side.gain, 4))\(interval)"
    }

    private static func shown(_ interval: ClosedRange<Double>, _ decimals: Int) -> String {
        "\(fixed(interval.lowerBound, decimals)) to \(fixed(interval.upperBound, decimals))"
    }

    private static func canaryLines(_ extractions: [PrivacyRun.Extraction]) -> [String] {
        let heads = ["canary", "copies", "exposure of base", "with adapter", "at most", "written out"]
        let lines = extractions.enumerated().map { index, extraction in
            [
                "\(index + 1)", "\(extraction.canary.copies)", fixed(extraction.baseExposure, 2),
                fixed(extraction.adaptedExposure, 2), fixed(extraction.largestExposure, 2),
                extraction.isWrittenOut ? (extraction.isWrittenOutByBase ? "yes, by the base too" : "yes") : "no",
            ]
        }
        return ([heads] + lines).map { line in
            zip(line, heads).map { cell, head in
                cell + String(repeating: " ", count: max(0, head.count - cell.count))
            }.joined(separator: "  ").trimmingTrailingSpaces
        }
    }

    // MARK: As JSON

    private static func members(_ extraction: PrivacyRun.Extraction, number: Int) -> [String: JSONValue] {
        [
            "number": .exactly(number), "copies": .exactly(extraction.canary.copies),
            "candidates": .exactly(extraction.candidateCount), "rank_base": .number(extraction.baseRank),
            "rank": .number(extraction.adaptedRank), "exposure_base": .number(extraction.baseExposure),
            "exposure": .number(extraction.adaptedExposure), "exposure_limit": .number(extraction.largestExposure),
            "written_out_by_base": .bool(extraction.isWrittenOutByBase), "written_out": .bool(extraction.isWrittenOut),
        ]
    }

    private static func members(_ result: PrivacyRun.Result, base: LoadedBase) -> [String: JSONValue] {
        func side(_ side: PrivacyRun.Side) -> JSONValue {
            var members: [String: JSONValue] = [
                "num_windows": .exactly(side.windowCount), "num_tokens": .exactly(side.tokenCount),
                "base_loss": .number(side.baseLoss), "loss": .number(side.adaptedLoss), "gain": .number(side.gain),
            ]
            if let interval = side.gainInterval { members["gain_interval"] = json(interval) }
            return .object(members)
        }
        var members: [String: JSONValue] = [
            "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
            "compute": .string(base.arithmetic.rawValue), "adapter": .string(result.contentID.hex),
            "held_in": side(result.heldIn), "held_out": side(result.heldOut),
            "held_out_text": .string(result.heldOutName), "auc": .number(result.membership.areaUnderCurve),
            "tpr_at_1_percent_fpr": .number(result.membership.truePositiveRate),
            "false_positives_allowed": .exactly(result.membership.falsePositives),
            "canaries": .exactly(result.extractions.count),
        ]
        if let interval = result.membershipInterval { members["auc_interval"] = json(interval) }
        return members
    }

    private static func json(_ interval: ClosedRange<Double>) -> JSONValue {
        [.number(interval.lowerBound), .number(interval.upperBound)]
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        String(self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)])
    }
}
