internal import Blocks
internal import GGUF
internal import PolymathKit
internal import Training

/// Bet 7: what a base loses when its projections become ternary, and what an adapter brings back.
struct Ternary: Experiment {
    static let name = "ternary"

    /// Passes over the training part, for every training of this bet.
    static let epochs = 3
    /// The scope that the claim speaks of.
    static let claimed = Scope.allNorms

    /// Nats per token on one person's test part.
    private struct Losses {
        var half = 0.0
        var ternary = 0.0
        /// With an adapter trained on that same base.
        var halfAdapted = 0.0
        var ternaryAdapted = 0.0

        var lost: Double { ternary - half }
        var recovered: Double { (ternary - ternaryAdapted) / lost }
        /// After subtracting what the same training gains on the base that lost nothing.
        var corrected: Double { ((ternary - ternaryAdapted) - (half - halfAdapted)) / lost }
        /// Against what the person could have had: the f16 base with an adapter.
        var ofAdapted: Double { (ternary - ternaryAdapted) / (ternary - halfAdapted) }
    }

    func run(_ bench: Workbench) throws -> Measured {
        let half = try bench.base("nano-f16")
        let whole = try ReplacedTypes(projections: .f32, embedding: .f32).byteCount(half.gguf)
        let two = bench.scratch + "/nano-tq2_0.gguf"
        let one = bench.scratch + "/nano-tq1_0.gguf"
        let sizeOfTwo = try ReplacedTypes(projections: .tq2_0, embedding: .q4_K).write(half.gguf, to: two)
        let sizeOfOne = try ReplacedTypes(projections: .tq1_0, embedding: .q4_K).write(half.gguf, to: one)
        let people = bench.isQuick ? Array(Workbench.people.prefix(1)) : Workbench.people
        let scopes: [Scope] = bench.isQuick ? [Self.claimed] : [.norms, .allNorms]
        var measures = [
            "size_ratio": Double(max(sizeOfTwo, sizeOfOne)) / Double(whole),
            "size_ratio_tq1_0": Double(sizeOfOne) / Double(whole),
        ]
        var tables: [BetTable] = []
        var formatDifference = 0.0
        for scope in scopes {
            var all: [Losses] = []
            for person in people {
                var losses = Losses()
                losses.half = try loss(person, nil, base: "nano-f16", bench)
                losses.ternary = try loss(person, nil, base: two, bench)
                formatDifference = max(
                    formatDifference, abs(try loss(person, nil, base: one, bench) - losses.ternary))
                losses.halfAdapted = try adapted(person, scope, base: "nano-f16", bench)
                losses.ternaryAdapted = try adapted(person, scope, base: two, bench)
                all.append(losses)
            }
            let prefix = scope == Self.claimed ? "" : scope.rawValue + "_"
            measures[prefix + "recovered_share"] = all.map(\.recovered).min()
            measures[prefix + "corrected_share"] = all.map(\.corrected).min()
            measures[prefix + "share_of_adapted"] = all.map(\.ofAdapted).min()
            measures["lost_nats"] = all.map(\.lost).reduce(0, +) / Double(all.count)
            tables.append(table(scope, people, all))
        }
        measures["format_difference"] = formatDifference
        return Measured(
            measures: measures, tables: tables,
            remarks: [
                "Projections in TQ2_0 (TQ1_0 holds the same values in fewer bytes), embedding and head in Q4_K, norms and "
                    + "biases in F32; scales by least squares, no training of the base.",
                "The files have \(sizeOfTwo) and \(sizeOfOne) bytes; all in F32 the model would have \(whole).",
            ])
    }

    private func loss(_ person: String, _ adapter: String?, base: String, _ bench: Workbench) throws -> Double {
        let base = try bench.base(base)
        let adapter = try adapter.map { try base.verifiedAdapter(path: $0) }
        return try bench.time("evaluation") { try bench.losses(adapter, on: person, base: base).mean }
    }

    private func adapted(_ person: String, _ scope: Scope, base: String, _ bench: Workbench) throws -> Double {
        let trained = try bench.time("training") {
            try bench.train(person) { request in
                request.base = base
                request.scope = scope
                if !bench.isQuick { request.epochs = Self.epochs }
            }
        }
        return try loss(person, trained.path, base: base, bench)
    }

    private func table(_ scope: Scope, _ people: [String], _ all: [Losses]) -> BetTable {
        BetTable(
            title: "Scope \(scope.rawValue): test loss in nats per token, and shares of what ternary lost.",
            columns: [
                "person", "f16", "ternary", "f16 + adapter", "ternary + adapter", "recovered", "corrected",
                "of f16 + adapter",
            ],
            rows: zip(people, all).map { person, losses in
                [.text(person)]
                    + [losses.half, losses.ternary, losses.halfAdapted, losses.ternaryAdapted].map {
                        .number($0, decimals: 4)
                    } + [losses.recovered, losses.corrected, losses.ofAdapted].map { .number($0, decimals: 3) }
            })
    }
}
