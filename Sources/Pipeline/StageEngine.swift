public import Digest
public import Model
internal import Bytes
internal import TensorCore

/// Computes one part of a decoder piece by piece, with a cache per request. Not safe for concurrent use.
public final class StageEngine {
    /// Requests that are remembered at a time.
    public static let requestLimit = 256

    public let part: DecoderPart
    private var states: [SHA256Digest: State] = [:]

    private struct State {
        var cache: KeyValueCache
        var history: SHA256Digest
    }

    public init(_ part: DecoderPart) { self.part = part }

    /// Frees what a request left.
    public func forget(_ request: SHA256Digest) { states[request] = nil }

    /// The result of one piece. A piece at position 0 begins its request anew.
    ///
    /// - Throws: `PipelineError.unfitWork` for rows that do not follow those before, have another size or hold a value that
    ///   is not finite; `ModelError`.
    public func process(_ work: StageWork) throws -> Contribution {
        let begin = ContinuousClock.now
        let input = SHA256Digest.of(work.payload)
        let before: SHA256Digest
        let payload: [UInt8]
        switch part.role {
        case .embedding:
            before = .noHistory
            payload = bytes(of: try part.embed(tokens(work)))
        case .head:
            before = .noHistory
            payload = bytes(of: part.logits(try hidden(work)))
        case .layers:
            let state = try state(for: work)
            before = state.history
            let rows = try hidden(work)
            try part.run(rows, cache: state.cache)
            payload = bytes(of: rows)
        }
        let history = before.extended(
            request: work.request, stage: work.stage, position: work.position, rowCount: work.rowCount, input: input)
        states[work.request]?.history = history
        let output = SHA256Digest.of(payload)
        return Contribution(
            request: work.request, stage: work.stage, attempt: work.attempt, position: work.position,
            rowCount: work.rowCount, input: input, history: history, output: output,
            seconds: (ContinuousClock.now - begin) / .seconds(1), payload: work.isReplay ? [] : payload)
    }

    private func state(for work: StageWork) throws -> State {
        if work.position == 0 {
            guard work.capacity > 0, work.capacity <= part.configuration.contextLength else {
                throw refusal("\(work.capacity) positions, where the context has \(part.configuration.contextLength)")
            }
            guard states[work.request] != nil || states.count < Self.requestLimit else {
                throw refusal("\(Self.requestLimit) requests are under way already")
            }
            states[work.request] = State(cache: try part.cache(capacity: work.capacity), history: .noHistory)
        }
        guard let state = states[work.request], state.cache.count == work.position else {
            let wanted = states[work.request]?.cache.count ?? 0
            throw refusal("it is of position \(work.position), where position \(wanted) comes next")
        }
        return state
    }

    private func tokens(_ work: StageWork) throws -> [Int32] {
        guard work.rowCount > 0, work.payload.count == work.rowCount * 4 else {
            throw refusal("\(work.payload.count) bytes for \(work.rowCount) tokens")
        }
        var cursor = ByteCursor(ByteRegion(work.payload))
        return try (0..<work.rowCount).map { _ in try cursor.readInt32() }
    }

    private func hidden(_ work: StageWork) throws -> Matrix {
        let width = part.configuration.embeddingLength
        guard work.rowCount > 0, work.rowCount <= part.configuration.contextLength,
            work.payload.count == work.rowCount * width * 4
        else { throw refusal("\(work.payload.count) bytes for \(work.rowCount) rows of \(width) values") }
        let rows = Matrix(rows: work.rowCount, columns: width)
        let bad = rows.withMutableSpan { ByteRegion(work.payload).readFloats(into: &$0) }
        if let bad { throw refusal("value \(bad) is no finite number") }
        return rows
    }

    private func bytes(of matrix: Matrix) -> [UInt8] {
        var writer = ByteWriter(capacity: matrix.count * 4)
        matrix.withSpan { writer.append($0) }
        return writer.bytes
    }

    private func refusal(_ reason: String) -> PipelineError {
        .unfitWork(stage: "\(part.role)", reason: reason)
    }
}
