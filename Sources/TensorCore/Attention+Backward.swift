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
    let tokens = shape.tokens
    let scores = AttentionShape.block * AttentionShape.stride
    unsafe workers.forEach(tasks: headCount, scratch: 3 * shape.tile + 2 * scores + tokens) { head, scratch in
        let pass = unsafe AttentionHead(
            shape: shape, head: head, dO: dO, gradients: gradients, logSumExp: logSumExp.pointer + head * tokens,
            q: scratch, k: scratch + shape.tile, v: scratch + 2 * shape.tile, p: scratch + 3 * shape.tile,
            dS: scratch + 3 * shape.tile + scores, d: scratch + 3 * shape.tile + 2 * scores)
        unsafe pass.start(o: o, row: scratch)
        for block in 0..<shape.blocks {
            let keys = taskRange(block, AttentionShape.block, tokens)
            unsafe shape.load(k, keys, head: head / shape.group, into: pass.k)
            unsafe shape.load(v, keys, head: head / shape.group, into: pass.v)
            for other in block..<shape.blocks {
                let queries = taskRange(other, AttentionShape.block, tokens)
                unsafe shape.load(q, queries, head: head, into: pass.q)
                unsafe pass.addTile(queries: queries, keys: keys)
            }
        }
    }
    addShares(shape, gradients, workers: workers)
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

/// The backward pass of one query head.
@unsafe
private struct AttentionHead {
    let shape: AttentionShape
    let head: Int
    let dO: Matrix
    let gradients: AttentionGradients
    /// L, `[tokens]`.
    let logSumExp: UnsafePointer<Float>
    /// `[block, h]`.
    let q: UnsafeMutablePointer<Float>
    let k: UnsafeMutablePointer<Float>
    let v: UnsafeMutablePointer<Float>
    /// `[block, block]`.
    let p: UnsafeMutablePointer<Float>
    let dS: UnsafeMutablePointer<Float>
    /// D, `[tokens]`.
    let d: UnsafeMutablePointer<Float>

    private var width: Int { unsafe shape.headCount * shape.headLength }

    private func offset(_ token: Int) -> Int { unsafe token * width + head * shape.headLength }

    /// Fills D and clears this head's columns of what is summed.
    func start(o: Activation, row: UnsafeMutablePointer<Float>) {
        let h = unsafe shape.headLength
        for token in unsafe 0..<shape.tokens {
            unsafe o.load(row: token, head * h..<(head + 1) * h, into: row)
            unsafe d[token] = Vector.dot(dO.pointer + offset(token), row, count: h)
            for sum in unsafe [gradients.dq, gradients.keyShares, gradients.valueShares] {
                unsafe (sum.pointer + offset(token)).update(repeating: 0, count: h)
            }
        }
    }

    /// Adds what one tile gives to dq of its queries, and to dk and dv of its keys.
    func addTile(queries: Range<Int>, keys: Range<Int>) {
        unsafe fill(queries: queries, keys: keys)
        let h = unsafe shape.headLength
        let stride = AttentionShape.stride
        let upper = unsafe offset(queries.lowerBound)
        let lower = unsafe offset(keys.lowerBound)
        unsafe BLAS.multiply(
            .init(p, stride: stride, transposed: true), .init(dO.pointer + upper, stride: width),
            into: gradients.valueShares.pointer + lower, stride: width, rows: keys.count, columns: h,
            inner: queries.count, beta: 1)
        unsafe BLAS.multiply(
            .init(dS, stride: stride, transposed: true), .init(q, stride: h),
            into: gradients.keyShares.pointer + lower, stride: width, rows: keys.count, columns: h,
            inner: queries.count, beta: 1)
        unsafe BLAS.multiply(
            .init(dS, stride: stride), .init(k, stride: h), into: gradients.dq.pointer + upper, stride: width,
            rows: queries.count, columns: h, inner: keys.count, beta: 1)
    }

    /// P and dS of the tile, zero where a query does not see a key.
    private func fill(queries: Range<Int>, keys: Range<Int>) {
        let h = unsafe shape.headLength
        let stride = AttentionShape.stride
        let scale = unsafe shape.scale
        unsafe BLAS.multiply(
            .init(q, stride: h), .init(k, stride: h, transposed: true), into: p, stride: stride, rows: queries.count,
            columns: keys.count, inner: h, alpha: scale, beta: 0)
        unsafe BLAS.multiply(
            .init(dO.pointer + offset(queries.lowerBound), stride: width), .init(v, stride: h, transposed: true),
            into: dS, stride: stride, rows: queries.count, columns: keys.count, inner: h, beta: 0)
        for row in 0..<queries.count {
            let token = queries.lowerBound + row
            let seen = unsafe shape.seen(by: token, of: keys)
            let pRow = unsafe p + row * stride
            let dSRow = unsafe dS + row * stride
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
}
