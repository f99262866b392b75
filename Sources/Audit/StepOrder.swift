// Which step a row of a training may speak of: none is left out, and a resume says from where.

internal import Digest

/// Follows a chain of training row by row.
///
/// Steps count up by one. A `resume` row goes back to a step of which a checkpoint's row is in the chain, or to 0;
/// validations, checkpoints, pauses and the close are of the step that was reached. So no step between two signatures
/// can be cut out, and no state can be gone on from that the chain does not know.
struct StepOrder {
    /// Chains of version 1 did not vouch for their checkpoints: there a resume need only not lie ahead.
    private let knowsCheckpoints: Bool
    private(set) var reached = 0
    private var checkpoints: [Int: String] = [:]

    init(version: Int) { knowsCheckpoints = version >= 2 }

    mutating func take(_ row: AuditRow, line: Int) throws(AuditChainError) {
        switch row.kind {
        case RowKind.step:
            try require(row.body["step"], reached + 1, row, line)
            reached += 1
        case RowKind.validation:
            try require(row.body["step"], reached, row, line)
        case RowKind.checkpoint:
            try require(row.body["step"], reached, row, line)
            checkpoints[reached] = row.body["sha256"]?.asString
        case RowKind.pause, RowKind.close:
            try require(row.body["state"]?["step"], reached, row, line)
        case RowKind.resume:
            try goBack(row, line)
        default: break
        }
    }

    private mutating func goBack(_ row: AuditRow, _ line: Int) throws(AuditChainError) {
        guard let step = row.body["from_step"]?.asInt else {
            guard knowsCheckpoints else { return }
            throw .resumePoint(line: line, step: nil, reached: reached)
        }
        let isKnown = step == 0 || checkpoints[step].map { $0 == row.body["checkpoint_sha256"]?.asString } ?? false
        guard step >= 0, step <= reached, isKnown || !knowsCheckpoints else {
            throw .resumePoint(line: line, step: step, reached: reached)
        }
        reached = step
    }

    private func require(
        _ found: JSONValue?, _ expected: Int, _ row: AuditRow, _ line: Int
    ) throws(AuditChainError) {
        guard let step = found?.asInt, step == expected else {
            throw .stepOrder(line: line, kind: row.kind, expected: expected, found: found?.asInt)
        }
    }
}
