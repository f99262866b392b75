// Causal grouped-query attention, a block of query rows at a time. The gradients: Attention+Backward.swift.
//
//   S_ij = q_i · k_j / sqrt(h)  for j ≤ first + i, first = keyCount − tokens
//   L_i = log Σ_j exp(S_ij);  P_ij = exp(S_ij − L_i);  o_i = Σ_j P_ij v_j
//
// Query head n reads key and value head n / (headCount / keyValueHeadCount). No more scores exist at once than one
// block of query rows by the keys, per thread. Dao et al., 2022 (arXiv:2205.14135), without its key blocks.

internal import Foundation

/// The bounds and strides that forward and backward share.
struct AttentionShape {
    /// Query rows, and key rows of the backward tiles, per block.
    static let block = 64

    let tokens: Int
    let keyCount: Int
    let headCount: Int
    let keyValueHeadCount: Int
    /// h, values per head.
    let headLength: Int
    /// Distance between rows of q and o, and of k and v.
    let queryStride: Int
    let keyStride: Int

    init(q: Matrix, k: Matrix, v: Matrix, keyCount: Int, headCount: Int, keyValueHeadCount: Int) {
        precondition(
            headCount > 0 && keyValueHeadCount > 0 && headCount % keyValueHeadCount == 0
                && q.columns % headCount == 0,
            "attention: \(q.columns) columns for \(headCount) heads that share \(keyValueHeadCount)")
        headLength = q.columns / headCount
        precondition(
            k.columns == keyValueHeadCount * headLength && v.hasShape(of: k),
            "attention: q \(q.shape), k \(k.shape), v \(v.shape)")
        precondition(
            keyCount >= q.rows && keyCount <= k.rows, "attention: \(keyCount) keys for \(q.rows) queries, k \(k.shape)")
        tokens = q.rows
        self.keyCount = keyCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        queryStride = q.columns
        keyStride = k.columns
    }

    var scale: Float { 1 / Float(headLength).squareRoot() }
    var group: Int { headCount / keyValueHeadCount }
    var blocks: Int { taskCount(tokens, Self.block) }
    /// The number of keys before the first query's own.
    var first: Int { keyCount - tokens }
    /// Floats from one row of scores to the next; not a multiple of 1,024, which would crowd one cache set.
    var scoreStride: Int { ((keyCount + 15) & ~15) + 16 }
}

/// o = softmax(q·kᵀ / sqrt(h), causal) · v, head by head.
///
/// - Parameters:
///   - q: `[tokens, headCount · h]`; the last row stands at position `keyCount - 1`.
///   - k: `[at least keyCount, keyValueHeadCount · h]`; rows from `keyCount` on are not read.
///   - v: as `k`.
///   - o: `[tokens, headCount · h]`, assigned.
///   - logSumExp: `[headCount, tokens]`, assigned: L, which `attentionBackward` needs.
public func attention(
    q: Matrix, k: Matrix, v: Matrix, keyCount: Int, headCount: Int, keyValueHeadCount: Int, into o: Matrix,
    logSumExp: Matrix?, workers: Workers
) {
    workers.times?.begin(.attention)
    defer { workers.times?.end() }
    let shape = AttentionShape(
        q: q, k: k, v: v, keyCount: keyCount, headCount: headCount, keyValueHeadCount: keyValueHeadCount)
    precondition(o.hasShape(of: q), "attention: o \(o.shape) for q \(q.shape)")
    precondition(
        logSumExp.map { $0.hasShape(headCount, q.rows) } ?? true, "attention: logSumExp must be heads × tokens")
    let stride = shape.scoreStride
    let blocks = shape.blocks
    unsafe workers.forEach(tasks: headCount * blocks, scratch: AttentionShape.block * stride) { task, scores in
        let head = task / blocks
        let rows = taskRange(task % blocks, AttentionShape.block, shape.tokens)
        let visible = shape.first + rows.upperBound
        let keyOffset = head / shape.group * shape.headLength
        let queryOffset = rows.lowerBound * shape.queryStride + head * shape.headLength
        unsafe BLAS.multiply(
            .init(q.pointer + queryOffset, stride: shape.queryStride),
            .init(k.pointer + keyOffset, stride: shape.keyStride, transposed: true),
            into: scores, stride: stride, rows: rows.count, columns: visible, inner: shape.headLength,
            alpha: shape.scale, beta: 0)
        for row in 0..<rows.count {
            let token = rows.lowerBound + row
            let seen = shape.first + token + 1
            let values = unsafe scores + row * stride
            let top = unsafe Vector.maximum(values, count: seen)
            let sum = unsafe Vector.exponentials(values, minus: top, count: seen)
            unsafe Vector.multiply(values, by: 1 / sum, count: seen)
            unsafe (values + seen).update(repeating: 0, count: visible - seen)
            if let logSumExp {
                unsafe logSumExp.pointer[head * shape.tokens + token] = top + log(sum)
            }
        }
        unsafe BLAS.multiply(
            .init(scores, stride: stride), .init(v.pointer + keyOffset, stride: shape.keyStride),
            into: o.pointer + queryOffset, stride: shape.queryStride, rows: rows.count, columns: shape.headLength,
            inner: visible, beta: 0)
    }
}
