// The gradients of causal grouped-query attention, with the letters of Attention.swift.
//
//   D_i = Σ_c dO_ic · o_ic;  dP_ij = dO_i · v_j;  dS_ij = P_ij · (dP_ij − D_i) / sqrt(h)
//   dq_i += Σ_j dS_ij k_j;  dk_j += Σ_i dS_ij q_i;  dv_j += Σ_i P_ij dO_i
//
// One task per query head: the shares of the heads that read one key head are kept apart and added in their order, so
// that no sum is shared between threads. Dao et al., 2022 (arXiv:2205.14135), algorithm 4.

/// What a backward pass writes: `dq`, `[tokens, headCount · h]`; each query head's share of the gradients of its key and
/// value head, shaped as `dq`; and their sums `dk` and `dv`, `[tokens, keyValueHeadCount · h]`. All are assigned.
public struct AttentionGradients {
    public let dq: Matrix
    public let dk: Matrix
    public let dv: Matrix
    let keyShares: Matrix
    let valueShares: Matrix

    /// - Precondition: `arena` has room.
    public init(tokens: Int, queryLength: Int, keyValueLength: Int, in arena: Arena) {
        dq = Matrix(rows: tokens, columns: queryLength, in: arena)
        dk = Matrix(rows: tokens, columns: keyValueLength, in: arena)
        dv = Matrix(rows: tokens, columns: keyValueLength, in: arena)
        keyShares = Matrix(rows: tokens, columns: queryLength, in: arena)
        valueShares = Matrix(rows: tokens, columns: queryLength, in: arena)
    }
}

/// The gradients of `attention` over a whole sequence (as many keys as queries).
///
/// - Parameters:
///   - dO: `[tokens, headCount · h]`, the gradient of `o`.
///   - q: `[tokens, headCount · h]`, as given to `attention`.
///   - k: `[tokens, keyValueHeadCount · h]`, as given to `attention`.
///   - v: as `k`.
///   - o: `[tokens, headCount · h]`, as `attention` left it.
///   - logSumExp: `[headCount, tokens]`, as `attention` left it.
///   - gradients: assigned.
public func attentionBackward(
    _ dO: Matrix, q: Activation, k: Activation, v: Activation, o: Activation, logSumExp: Matrix, headCount: Int,
    keyValueHeadCount: Int, into gradients: AttentionGradients, workers: Workers
) {
    workers.times?.begin(.attentionGradient)
    defer { workers.times?.end() }
    let shape = AttentionShape(
        q: q, k: k, v: v, keyCount: k.rows, headCount: headCount, keyValueHeadCount: keyValueHeadCount)
    precondition(shape.first == 0, "attentionBackward: \(k.rows) keys for \(q.rows) queries; they must be as many")
    precondition(
        dO.hasShape(q.rows, q.columns) && o.rows == q.rows && o.columns == q.columns
            && gradients.dq.hasShape(of: dO) && gradients.dk.hasShape(k.rows, k.columns)
            && logSumExp.hasShape(headCount, q.rows), "attentionBackward: every gradient must have its value's shape")
    let isPacked = q.format == .bf16
    let products =
        unsafe isPacked ? PackedAttentionGradient.scratchCount(shape) : FloatAttentionGradient.scratchCount(shape)
    let own = unsafe AttentionHead.scratchCount(shape)
    unsafe workers.forEach(tasks: headCount, scratch: own + products) { head, scratch in
        let operands = AttentionOperands(shape: shape, head: head, q: q, k: k, v: v, dO: dO, gradients: gradients)
        let pass = unsafe AttentionHead(operands, logSumExp: logSumExp.pointer + head * shape.tokens, at: scratch)
        unsafe pass.start(o: o)
        if isPacked {
            unsafe pass.run(PackedAttentionGradient(operands, at: scratch + own))
        } else {
            unsafe pass.run(FloatAttentionGradient(operands, at: scratch + own))
        }
    }
    addShares(shape, gradients, workers: workers)
}

/// What the backward pass of one query head reads and writes.
struct AttentionOperands {
    let shape: AttentionShape
    let head: Int
    let q: Activation
    let k: Activation
    let v: Activation
    let dO: Matrix
    let gradients: AttentionGradients

    var keyHead: Int { head / shape.group }
    /// Floats from one row of dO, dq and the shares to the next.
    var width: Int { shape.headCount * shape.headLength }

    func offset(_ token: Int) -> Int { token * width + head * shape.headLength }
}

/// The products of one query head's backward pass, in one arithmetic. Tiles are `[queries.count, keys.count]`, rows
/// ``AttentionShape/stride`` apart.
protocol AttentionGradientProducts {
    /// The block of keys that the following tiles have.
    func begin(keys: Range<Int>)
    /// p = q·kᵀ, not scaled, and dP = dO·vᵀ of a tile.
    func score(
        queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dP: UnsafeMutablePointer<Float>)
    /// Adds Pᵀ·dO, dSᵀ·q and dS·k to the gradients.
    func add(queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dS: UnsafeMutablePointer<Float>)
    /// No more tiles of these keys follow.
    func end(keys: Range<Int>)
}

/// dk and dv: the shares of each group's heads, in ascending order.
private func addShares(_ shape: AttentionShape, _ gradients: AttentionGradients, workers: Workers) {
    let h = shape.headLength
    let width = shape.keyValueHeadCount * h
    workers.forEach(tasks: taskCount(shape.tokens, 16)) { task in
        for token in taskRange(task, 16, shape.tokens) {
            for (shares, sum) in [(gradients.keyShares, gradients.dk), (gradients.valueShares, gradients.dv)] {
                for keyHead in 0..<shape.keyValueHeadCount {
                    let target = unsafe sum.pointer + (token * width + keyHead * h)
                    let source =
                        unsafe shares.pointer
                        + (token * shape.headCount * h + keyHead * shape.group * h)
                    unsafe target.update(from: source, count: h)
                    for index in 1..<max(shape.group, 1) {
                        unsafe Vector.add(source + index * h, into: target, count: h)
                    }
                }
            }
        }
    }
}

/// The backward pass of one query head, a block of keys after the other.
@unsafe
private struct AttentionHead {
    let operands: AttentionOperands
    /// L, `[tokens]`.
    let logSumExp: UnsafePointer<Float>
    /// `[block, block]`.
    let p: UnsafeMutablePointer<Float>
    let dS: UnsafeMutablePointer<Float>
    /// D, `[tokens]`.
    let d: UnsafeMutablePointer<Float>

    static func scratchCount(_ shape: AttentionShape) -> Int {
        2 * AttentionShape.scores + (shape.tokens + 15) & ~15
    }

    init(_ operands: AttentionOperands, logSumExp: UnsafePointer<Float>, at scratch: UnsafeMutablePointer<Float>) {
        unsafe self.operands = operands
        unsafe self.logSumExp = logSumExp
        unsafe p = scratch
        unsafe dS = scratch + AttentionShape.scores
        unsafe d = scratch + 2 * AttentionShape.scores
    }

    /// Fills D and clears this head's columns of what is summed.
    func start(o: Activation) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        for token in 0..<operands.shape.tokens {
            // The tile of scores is free before the first of them.
            unsafe o.load(row: token, operands.head * h..<(operands.head + 1) * h, into: p)
            let offset = operands.offset(token)
            unsafe d[token] = Vector.dot(operands.dO.pointer + offset, p, count: h)
            for sum in [operands.gradients.dq, operands.gradients.keyShares, operands.gradients.valueShares] {
                unsafe (sum.pointer + offset).update(repeating: 0, count: h)
            }
        }
    }

    func run(_ products: some AttentionGradientProducts) {
        let shape = unsafe operands.shape
        for block in 0..<shape.blocks {
            let keys = taskRange(block, AttentionShape.block, shape.tokens)
            products.begin(keys: keys)
            for other in block..<shape.blocks {
                let queries = taskRange(other, AttentionShape.block, shape.tokens)
                unsafe products.score(queries: queries, keys: keys, p: p, dP: dS)
                for row in 0..<queries.count { unsafe differentiate(row, queries, keys) }
                unsafe products.add(queries: queries, keys: keys, p: p, dS: dS)
            }
            products.end(keys: keys)
        }
    }

    /// Replaces a row's scores by P and its dP by dS, zero where the query does not see a key.
    private func differentiate(_ row: Int, _ queries: Range<Int>, _ keys: Range<Int>) {
        let token = queries.lowerBound + row
        let seen = unsafe operands.shape.seen(by: token, of: keys)
        let scale = unsafe operands.shape.scale
        let pRow = unsafe p + row * AttentionShape.stride
        let dSRow = unsafe dS + row * AttentionShape.stride
        unsafe Vector.multiply(pRow, by: scale, count: seen)
        _ = unsafe Vector.exponentials(pRow, minus: logSumExp[token], count: seen)
        let shift = unsafe d[token]
        var column = 0
        while column < seen {
            let left = seen - column
            let dP = unsafe Vector.load(dSRow + column, left)
            let lanes = unsafe Vector.load(pRow + column, left) * (dP - shift) * scale
            unsafe Vector.store(lanes, dSRow + column, left)
            column += Vector.width
        }
        unsafe (pRow + seen).update(repeating: 0, count: keys.count - seen)
        unsafe (dSRow + seen).update(repeating: 0, count: keys.count - seen)
    }
}
