internal import Adapter
internal import Conventions
internal import Device
internal import Digest
internal import Foundation
internal import PolymathKit
internal import TensorCore

/// Bet 10: what share of the processor time the evidence costs, where a base writes and where it is trained.
struct AuditCost: Experiment {
    static let name = "audit-cost"
    /// The stand-in at 1.5 billion parameters; taken where it has been made.
    static let large = "qwen-1.5b-q4-synthetic"

    func run(_ bench: Workbench) throws -> Measured {
        var training: [(person: String, share: Double)] = []
        var adapter: String?
        for person in bench.isQuick ? Array(Workbench.people.prefix(1)) : Workbench.people {
            let trained = try bench.time("training") { try bench.train(person) }
            training.append((person, trained.summary.sealCPUShare))
            adapter = adapter ?? trained.path
        }
        let nano = try bench.time("replies of nano") {
            try pairs("nano", adapter: adapter, count: bench.isQuick ? 4 : 60, tokens: bench.isQuick ? 20 : 200, bench)
        }
        var remarks = [
            "Every reply is written twice in one process from one seed, with the audit and without, the order changing "
                + "from pair to pair; the tokens are the same. Own: what the audit's clock saw of itself, its last whole check "
                + "and its rows included, of all processor time of the audited replies. The first hash of the base is not the "
                + "audit's: it is paid in any case where an adapter is verified, and the column with it adds it."
        ]
        var measures = nano.measures
        measures["training_share"] = training.map(\.share).max()
        var rows = [nano.row("nano")]
        if bench.isQuick {
            remarks.append("The 1.5B stand-in is left out of a quick run.")
        } else if (try? bench.base(Self.large)) != nil {
            let large = try bench.time("replies of the 1.5B stand-in") {
                try pairs(Self.large, adapter: nil, count: 2, tokens: 24, bench)
            }
            rows.append(large.row(Self.large))
            measures["large_running_share"] = large.runningShare
            let spare = 0.006 - large.runningShare
            if spare > 0 {
                measures["large_tokens_to_reach"] = large.closing / spare / (large.audited / Double(large.tokens))
            }
            remarks.append(
                "At 1.5B a whole check takes \(large.closing.formatted(.number.precision(.fractionLength(2)))) processor "
                    + "seconds; a session that ends with one must be as long as large_tokens_to_reach says to stay within 0.6 %."
            )
        } else {
            remarks.append("There is no \(Self.large) here: polymath base synth qwen-1.5b-q4 makes it.")
        }
        return Measured(
            measures: measures,
            tables: [
                BetTable(
                    title: "Inference: shares of processor time, in percent.",
                    columns: [
                        "base", "tokens", "CPU seconds", "own", "running alone", "own and first hash", "with − without",
                        "± standard error",
                    ], rows: rows),
                BetTable(
                    title: "Training: the guard's share of processor time, in percent.", columns: ["person", "share"],
                    rows: training.map { [.text($0.person), .number(100 * $0.share, decimals: 3)] }),
            ], remarks: remarks)
    }

    /// Processor seconds of replies in pairs.
    private struct Session {
        var tokens = 0
        var audited = 0.0
        var plain = 0.0
        /// Per pair: with less without.
        var differences: [Double] = []
        var own = 0.0
        var running = 0.0
        /// Of opening and closing the chain, the last whole check included.
        var closing = 0.0
        /// Of the first hash of the base.
        var firstHash = 0.0

        /// Of all that an audited session takes.
        var total: Double { audited + closing }
        var ownShare: Double { own / total }
        var runningShare: Double { running / total }
        var shareWithHash: Double { (own + firstHash) / (total + firstHash) }
        /// What whole-process clocks say, closing included.
        var pairedShare: Double { (differences.reduce(0, +) + closing) / total }
        var pairedError: Double {
            let count = Double(differences.count)
            let mean = differences.reduce(0, +) / count
            let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
            return (variance * count).squareRoot() / total
        }

        var measures: [String: Double] {
            [
                "inference_share": ownShare, "running_share": runningShare, "share_with_first_hash": shareWithHash,
                "paired_share": pairedShare, "paired_error": pairedError,
            ]
        }

        func row(_ name: String) -> [BetTable.Cell] {
            [.text(name), .number(Double(tokens), decimals: 0), .number(total, decimals: 2)]
                + [ownShare, runningShare, shareWithHash, pairedShare, pairedError].map {
                    .number(100 * $0, decimals: 3)
                }
        }
    }

    private func pairs(
        _ name: String, adapter: String?, count: Int, tokens: Int, _ bench: Workbench
    ) throws -> Session {
        // As `generate` computes where nothing is said.
        let base = try bench.base(name, arithmetic: .automatic)
        var session = Session()
        var mark = ProcessorTime.process
        func lap() -> Double {
            let last = mark
            mark = ProcessorTime.process
            return mark - last
        }
        _ = try base.manifest()
        session.firstHash = lap()
        var adapters: [SHA256Digest] = []
        if let adapter {
            let verified = try base.verifiedAdapter(path: adapter)
            try base.attach(verified)
            adapters = [verified.contentID]
        }
        // The first reply pays for pages and tables; it is not counted.
        _ = try reply(0, tokens: 2, base, nil)
        _ = lap()
        let audit = try InferenceAudit(
            folder: "\(bench.scratch)/replies-\(name)", base: base, adapters: adapters, options: [:],
            identity: Identity.fromSeed(Array(repeating: 9, count: 32)), output: nil)
        session.closing = lap()
        for pair in 0..<count {
            var seconds = [0.0, 0.0]
            for isAudited in pair % 2 == 0 ? [true, false] : [false, true] {
                _ = lap()
                let written = try reply(UInt64(pair), tokens: tokens, base, isAudited ? audit : nil)
                seconds[isAudited ? 0 : 1] = lap()
                if isAudited { session.tokens += written }
            }
            session.audited += seconds[0]
            session.plain += seconds[1]
            session.differences.append(seconds[0] - seconds[1])
            if pair % 10 == 0 { bench.note("\(name): pair \(pair + 1) of \(count)") }
        }
        _ = lap()
        let figures = try audit.close()
        session.closing += lap()
        session.own = figures.ownSeconds
        session.running = figures.runningSeconds
        return session
    }

    private func reply(
        _ seed: UInt64, tokens: Int, _ base: LoadedBase, _ audit: InferenceAudit?
    ) throws -> Int {
        let generation = GenerationRun(maxTokens: tokens, temperature: 1, topP: 1, seed: seed)
        return try generation.run(base, prompt: "We met at the landing and", audit: audit) { _ in true }.tokens.count
    }
}
