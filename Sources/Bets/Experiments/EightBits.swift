internal import Adapter
internal import PolymathKit
internal import Training

/// Bet 5: the same training exported in F32 and in Q8_0, with 4 and 2 bits as the control that should hurt.
struct EightBits: Experiment {
    static let name = "eight-bits"

    func run(_ bench: Workbench) throws -> Measured {
        var changes: [Int: [Double]] = [8: [], 4: [], 2: []]
        var worse = 0.0
        var rows: [[BetTable.Cell]] = []
        let people = bench.isQuick ? Array(Workbench.people.prefix(1)) : Workbench.people
        for person in people {
            let baseline = try bench.losses(nil, on: person, base: bench.base()).mean
            for scope in [Scope.norms, .tail, .allNorms] {
                func export(_ encoding: TrainingRequest.ExportEncoding) throws -> String {
                    try bench.time("training") {
                        try bench.train(person) { request in
                            request.scope = scope
                            request.encoding = encoding
                        }.path
                    }
                }
                let base = try bench.base()
                let exact = try base.verifiedAdapter(path: export(.f32))
                let loss = try bench.losses(exact, on: person, base: base).mean
                let small = try base.verifiedAdapter(path: export(.q8_0))
                let quantised = try bench.losses(small, on: person, base: base).mean
                changes[8, default: []].append(abs(quantised - loss))
                if quantised > baseline { worse += 1 }
                var cells: [BetTable.Cell] = [
                    .text("\(person), \(scope.rawValue)"), .number(baseline, decimals: 4), .number(loss, decimals: 5),
                    .number(quantised, decimals: 5),
                ]
                for bits in [4, 2] {
                    let gains = try Deltas(exact, on: base).rounded(toBits: bits)
                    try gains.attach(to: base)
                    let rough = try bench.losses(nil, on: person, base: base).mean
                    changes[bits, default: []].append(abs(rough - loss))
                    cells.append(.number(rough, decimals: 5))
                }
                rows.append(cells)
            }
        }
        return Measured(
            measures: [
                "largest_change": changes[8]?.max() ?? .nan, "largest_change_4_bits": changes[4]?.max() ?? .nan,
                "largest_change_2_bits": changes[2]?.max() ?? .nan, "worse_than_base": worse,
            ],
            tables: [
                BetTable(
                    title: "Mean test loss, nats per token.",
                    columns: ["person, scope", "base", "F32", "Q8_0", "4 bits", "2 bits"], rows: rows)
            ])
    }
}
