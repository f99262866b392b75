internal import Audit
internal import Digest

/// What a chain says of steps that a resume computes again: rows that nobody has signed for must agree with what comes out.
struct ToldSteps {
    private struct Key: Hashable {
        let kind: String
        let step: Int
    }
    private var bodies: [Key: [JSONValue]] = [:]

    /// Nothing is told.
    init() {}

    /// - Parameters:
    ///   - rows: of the run's chain.
    ///   - vouchedCount: how many of them a signature covers.
    ///   - step: the last step that is not computed again.
    ///   - last: the last that the run makes.
    /// - Throws: `ResumeError.strayRow` for an unsigned row of a step that will not be computed again.
    init(_ rows: [AuditRow], vouchedCount: Int, after step: Int, last: Int) throws(ResumeError) {
        for (index, row) in rows.enumerated().dropFirst(vouchedCount)
        where [RowKind.step, RowKind.validation].contains(row.kind) {
            let told = row.body["step"]?.asInt ?? -1
            let isMade = told <= last && (told > step || step == 0 && told == 0 && row.kind == RowKind.validation)
            guard isMade || told < step else { throw .strayRow(line: index + 1, kind: row.kind, step: told) }
        }
        // Where other kernels had a part in them, the last bits may differ.
        guard !rows.contains(where: { $0.kind == RowKind.resume && $0.body["other_kernels_allowed"] != nil }) else {
            return
        }
        for row in rows where [RowKind.step, RowKind.validation].contains(row.kind) {
            guard let told = row.body["step"]?.asInt else { continue }
            // A validation follows its step; that of the checkpoint's own step was made before it was written.
            guard told > step || step == 0 && told == 0 else { continue }
            bodies[Key(kind: row.kind, step: told), default: []].append(row.body)
        }
    }

    /// - Throws: `ResumeError.otherStep` where a row of this kind and step has another loss or gradient norm.
    func check(_ kind: String, _ step: Int, _ body: [String: JSONValue]) throws(ResumeError) {
        for told in bodies[Key(kind: kind, step: step)] ?? [] {
            for (member, name) in [("loss", "loss"), ("grad_norm", "gradient norm")] {
                guard let computed = body[member]?.asString, computed != told[member]?.asString else { continue }
                throw .otherStep(
                    step: step, member: kind == RowKind.validation ? "validation loss" : name,
                    recorded: told[member]?.asString ?? "nothing", computed: computed)
            }
        }
    }
}
