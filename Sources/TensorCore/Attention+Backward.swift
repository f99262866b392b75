// The gradients of causal grouped-query attention, with the letters of Attention.swift.
//
//   D_i = Σ_c dO_ic · o_ic;  dP_ij = dO_i · v_j;  dS_ij = P_ij · (dP_ij − D_i) / sqrt(h)
//   dq_i += Σ_j dS_ij k_j;  dk_j += Σ_i dS_ij q_i;  dv_j += Σ_i P_ij dO_i
//
// dq is summed block of query rows by block of query rows, dk and dv block of keys by block of keys. The scores are
// computed for both: two products more, but no sum is shared between threads and no T × T matrix exists.

/// Adds the gradients of `attention` over a whole sequence (as many keys as queries) to `dq`, `dk` and `dv`.
///
/// - Parameters:
///   - dO: `[tokens, headCount · h]`, the gradient of `o`.
///   - q: `[tokens, headCount · h]`, as given to `attention`.
///   - k: `[tokens, keyValueHeadCount · h]`, as given to `attention`.
///   - v: as `k`.
///   - o: `[tokens, headCount · h]`, as `attention` left it.
///   - logSumExp: `[headCount, tokens]`, as `attention` left it.
///   - dq: as `q`, added to.
///   - dk: as `k`, added to.
///   - dv: as `v`, added to.
public func attentionBackward(
    _ dO: Matrix, q: Matrix, k: Matrix, v: Matrix, o: Matrix, logSumExp: Matrix, headCount: Int,
    keyValueHeadCount: Int, into dq: Matrix, dk: Matrix, dv: Matrix, workers: Workers
) {
    workers.times?.begin(.attentionGradient)
    defer { workers.times?.end() }
    let shape = AttentionShape(
        q: q, k: k, v: v, keyCount: k.rows, headCount: headCount, keyValueHeadCount: keyValueHeadCount)
    precondition(shape.first == 0, "attentionBackward: \(k.rows) keys for \(q.rows) queries; they must be as many")
    precondition(
        dO.hasShape(of: q) && o.hasShape(of: q) && dq.hasShape(of: q) && dk.hasShape(of: k) && dv.hasShape(of: k)
            && logSumExp.hasShape(headCount, q.rows), "attentionBackward: every gradient must have its value's shape")
    let state = AttentionState(
        shape: shape, q: q, k: k, v: v, dO: dO, logSumExp: logSumExp,
        d: Matrix(rows: headCount, columns: shape.tokens))
    workers.forEach(tasks: headCount) { head in
        for token in 0..<shape.tokens {
            let offset = token * shape.queryStride + head * shape.headLength
            unsafe state.d.pointer[head * shape.tokens + token] = Vector.dot(
                dO.pointer + offset, o.pointer + offset, count: shape.headLength)
        }
    }
    let blocks = shape.blocks
    let stride = shape.scoreStride
    unsafe workers.forEach(tasks: headCount * blocks, scratch: 2 * AttentionShape.block * stride) { task, scratch in
        let queries = taskRange(task % blocks, AttentionShape.block, shape.tokens)
        unsafe state.addQueryGradient(
            head: task / blocks, queries: queries, into: dq, p: scratch,
            dS: scratch + AttentionShape.block * stride, stride: stride)
    }
    let tile = AttentionShape.block * (AttentionShape.block + 16)
    unsafe workers.forEach(tasks: keyValueHeadCount * blocks, scratch: 2 * tile) { task, scratch in
        let keys = taskRange(task % blocks, AttentionShape.block, shape.tokens)
        unsafe state.addKeyValueGradient(
            keyHead: task / blocks, keys: keys, dk: dk, dv: dv, p: scratch, dS: scratch + tile,
            stride: AttentionShape.block + 16)
    }
}

/// What every tile of the backward reads.
private struct AttentionState {
    let shape: AttentionShape
    let q: Matrix
    let k: Matrix
    let v: Matrix
    let dO: Matrix
    let logSumExp: Matrix
    /// D: `[headCount, tokens]`.
    let d: Matrix

    func queryOffset(_ row: Int, _ head: Int) -> Int { row * shape.queryStride + head * shape.headLength }

    func keyOffset(_ row: Int, _ keyHead: Int) -> Int { row * shape.keyStride + keyHead * shape.headLength }

    /// dq of one block of queries of one head, over every key they see.
    func addQueryGradient(
        head: Int, queries: Range<Int>, into dq: Matrix, p: UnsafeMutablePointer<Float>,
        dS: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let keys = 0..<queries.upperBound
        unsafe fillTile(head: head, queries: queries, keys: keys, p: p, dS: dS, stride: stride)
        unsafe BLAS.multiply(
            .init(dS, stride: stride),
            .init(k.pointer + keyOffset(0, head / shape.group), stride: shape.keyStride),
            into: dq.pointer + queryOffset(queries.lowerBound, head), stride: shape.queryStride,
            rows: queries.count, columns: shape.headLength, inner: keys.count, beta: 1)
    }

    /// dk and dv of one block of keys, over the group's heads and every query that sees them, in ascending order.
    func addKeyValueGradient(
        keyHead: Int, keys: Range<Int>, dk: Matrix, dv: Matrix, p: UnsafeMutablePointer<Float>,
        dS: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let target = keyOffset(keys.lowerBound, keyHead)
        for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
            for block in keys.lowerBound / AttentionShape.block..<shape.blocks {
                let queries = taskRange(block, AttentionShape.block, shape.tokens)
                unsafe fillTile(head: head, queries: queries, keys: keys, p: p, dS: dS, stride: stride)
                let source = queryOffset(queries.lowerBound, head)
                unsafe BLAS.multiply(
                    .init(p, stride: stride, transposed: true), .init(dO.pointer + source, stride: shape.queryStride),
                    into: dv.pointer + target, stride: shape.keyStride, rows: keys.count, columns: shape.headLength,
                    inner: queries.count, beta: 1)
                unsafe BLAS.multiply(
                    .init(dS, stride: stride, transposed: true), .init(q.pointer + source, stride: shape.queryStride),
                    into: dk.pointer + target, stride: shape.keyStride, rows: keys.count, columns: shape.headLength,
                    inner: queries.count, beta: 1)
            }
        }
    }

    /// P and dS of `queries` × `keys`, zero where a query does not see a key.
    private func fillTile(
        head: Int, queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>,
        dS: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let source = queryOffset(queries.lowerBound, head)
        let keySource = keyOffset(keys.lowerBound, head / shape.group)
        unsafe BLAS.multiply(
            .init(q.pointer + source, stride: shape.queryStride),
            .init(k.pointer + keySource, stride: shape.keyStride, transposed: true),
            into: p, stride: stride, rows: queries.count, columns: keys.count, inner: shape.headLength,
            alpha: shape.scale, beta: 0)
        unsafe BLAS.multiply(
            .init(dO.pointer + source, stride: shape.queryStride),
            .init(v.pointer + keySource, stride: shape.keyStride, transposed: true),
            into: dS, stride: stride, rows: queries.count, columns: keys.count, inner: shape.headLength, beta: 0)
        for row in 0..<queries.count {
            let token = queries.lowerBound + row
            let seen = min(max(token + 1 - keys.lowerBound, 0), keys.count)
            let pRow = unsafe p + row * stride
            let dSRow = unsafe dS + row * stride
            let index = head * shape.tokens + token
            _ = unsafe Vector.exponentials(pRow, minus: logSumExp.pointer[index], count: seen)
            let offset = unsafe d.pointer[index]
            var column = 0
            while column < seen {
                let left = seen - column
                let dP = unsafe Vector.load(dSRow + column, left)
                let lanes = unsafe Vector.load(pRow + column, left) * (dP - offset) * shape.scale
                unsafe Vector.store(lanes, dSRow + column, left)
                column += Vector.width
            }
            unsafe (pRow + seen).update(repeating: 0, count: keys.count - seen)
            unsafe (dSRow + seen).update(repeating: 0, count: keys.count - seen)
        }
    }
}
