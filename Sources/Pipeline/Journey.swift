internal import Digest
internal import Bytes

/// A request on its way through the stages.
final class Journey {
    /// What one stage was given, kept so that another can be brought to the same state.
    struct Piece {
        let position: Int
        let rowCount: Int
        let payload: [UInt8]
        let input: SHA256Digest
        /// The stage's history after this piece.
        let history: SHA256Digest
        /// Of the result; nil until it has come.
        var output: SHA256Digest?
    }

    let index: Int
    let request: PipelineRequest
    let id: SHA256Digest
    let capacity: Int
    var outcome = PipelineOutcome()
    /// Of the rows under way: the position of the first, and their number at the bottom.
    private(set) var position = 0
    private(set) var rowCount = 0
    /// Where they are.
    private(set) var stage = 0
    /// By stage; where a stage does not remember, its last piece alone.
    private(set) var pieces: [[Piece]]
    /// By stage, the indices of those of its pieces that are computed again and whose digests have not come yet.
    var replays: [Int: [Int]] = [:]
    private var began = ContinuousClock.now

    init(index: Int, request: PipelineRequest, id: SHA256Digest, capacity: Int, stageCount: Int) {
        self.index = index
        self.request = request
        self.id = id
        self.capacity = capacity
        pieces = Array(repeating: [], count: stageCount)
    }

    /// The piece whose result is awaited.
    var awaited: Piece? { pieces[stage].last.flatMap { $0.output == nil ? $0 : nil } }

    var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }

    /// Begins a pass with the tokens at `position`.
    func begin(_ tokens: [Int32]) {
        position += rowCount
        rowCount = tokens.count
        stage = 0
        began = .now
        var writer = ByteWriter(capacity: tokens.count * 4)
        for token in tokens { writer.append(token) }
        enter(writer.bytes, rowCount: tokens.count, remembers: false)
    }

    /// Marks the awaited piece as done.
    func settle(output: SHA256Digest) {
        pieces[stage][pieces[stage].count - 1].output = output
    }

    /// Moves on to the next stage with what the last one gave.
    func advance(_ payload: [UInt8], rowCount: Int, remembers: Bool) {
        stage += 1
        enter(payload, rowCount: rowCount, remembers: remembers)
    }

    private func enter(_ payload: [UInt8], rowCount: Int, remembers: Bool) {
        let input = SHA256Digest.of(payload)
        let before = remembers ? pieces[stage].last?.history ?? .noHistory : .noHistory
        // A head is given the last row alone; it is named by the position of the pass all the same.
        let history = before.extended(
            request: id, stage: stage, position: position, rowCount: rowCount, input: input)
        if !remembers { pieces[stage] = [] }
        pieces[stage].append(
            Piece(position: position, rowCount: rowCount, payload: payload, input: input, history: history))
    }

    func work(_ piece: Piece, stage: Int, attempt: Int, isReplay: Bool) -> StageWork {
        StageWork(
            request: id, stage: stage, attempt: attempt, position: piece.position, rowCount: piece.rowCount,
            capacity: capacity, isReplay: isReplay, payload: piece.payload)
    }
}
