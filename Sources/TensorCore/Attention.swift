// Causal grouped-query attention, tile by tile. The gradients: Attention+Backward.swift.
//
//   S_ij = q_i · k_j / sqrt(h)  for j ≤ first + i, first = keyCount − tokens
//   L_i = log Σ_j exp(S_ij);  P_ij = exp(S_ij − L_i);  o_i = Σ_j P_ij v_j
//
// Query head n reads key and value head n / (headCount / keyValueHeadCount). A block of query rows meets one block of
// keys after the other, with the running maximum and sum of its scores: no more scores exist at once than one tile per
// thread. Dao et al., 2022 (arXiv:2205.14135), algorithm 1.

internal import Foundation

/// The bounds and strides that forward and backward share.
struct AttentionShape {
    /// Rows of queries and of keys in a tile.
    static let block = 64
    /// Floats from one row of a tile of scores to the next.
    static let stride = block + 16
    /// Floats of a tile of scores.
    static let scores = block * stride

    let tokens: Int
    let keyCount: Int
    let headCount: Int
    let keyValueHeadCount: Int
    /// h, values per head.
    let headLength: Int

    init(
        q: Activation, k: Activation, v: Activation, keyCount: Int, headCount: Int, keyValueHeadCount: Int
    ) {
        precondition(
            headCount > 0 && keyValueHeadCount > 0 && headCount % keyValueHeadCount == 0
                && q.columns % headCount == 0,
            "attention: \(q.columns) columns for \(headCount) heads that share \(keyValueHeadCount)")
        headLength = q.columns / headCount
        precondition(
            k.columns == keyValueHeadCount * headLength && v.columns == k.columns && v.rows == k.rows,
            "attention: q of \(q.columns) columns, k \(k.rows) × \(k.columns), v \(v.rows) × \(v.columns)")
        precondition(
            keyCount >= q.rows && keyCount <= k.rows,
            "attention: \(keyCount) keys for \(q.rows) queries, k has \(k.rows) rows")
        tokens = q.rows
        self.keyCount = keyCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
    }

    var scale: Float { 1 / Float(headLength).squareRoot() }
    var group: Int { headCount / keyValueHeadCount }
    var blocks: Int { taskCount(tokens, Self.block) }
    /// The number of keys before the first query's own.
    var first: Int { keyCount - tokens }
    /// Floats of a block of rows of one head.
    var tile: Int { Self.block * headLength }

    /// Of a tile's keys, how many the query at `token` sees.
    func seen(by token: Int, of keys: Range<Int>) -> Int {
        min(max(first + token + 1 - keys.lowerBound, 0), keys.count)
    }

    /// Loads the rows of one head, `[rows.count, h]`.
    func load(_ x: Activation, _ rows: Range<Int>, head: Int, into target: UnsafeMutablePointer<Float>) {
        let columns = head * headLength..<(head + 1) * headLength
        for (index, row) in rows.enumerated() {
            unsafe x.load(row: row, columns, into: target + index * headLength)
        }
    }
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
    q: Activation, k: Activation, v: Activation, keyCount: Int, headCount: Int, keyValueHeadCount: Int,
    into o: Activation, logSumExp: Matrix?, workers: Workers
) {
    workers.times?.begin(.attention)
    defer { workers.times?.end() }
    let shape = AttentionShape(
        q: q, k: k, v: v, keyCount: keyCount, headCount: headCount, keyValueHeadCount: keyValueHeadCount)
    precondition(o.rows == q.rows && o.columns == q.columns, "attention: o \(o.rows) × \(o.columns)")
    precondition(
        logSumExp.map { $0.hasShape(headCount, q.rows) } ?? true, "attention: logSumExp must be heads × tokens")
    let blocks = shape.blocks
    let isPacked = q.format == .bf16
    let products = unsafe isPacked ? PackedAttention.scratchCount(shape) : FloatAttention.scratchCount(shape)
    let own = unsafe AttentionBlock.scratchCount(shape)
    unsafe workers.forEach(tasks: headCount * blocks, scratch: own + products) { task, scratch in
        let head = task / blocks
        let rows = taskRange(task % blocks, AttentionShape.block, shape.tokens)
        let block = unsafe AttentionBlock(shape: shape, head: head, rows: rows, at: scratch)
        if isPacked {
            unsafe block.run(PackedAttention(shape: shape, head: head, q: q, k: k, v: v, at: scratch + own))
        } else {
            unsafe block.run(FloatAttention(shape: shape, head: head, q: q, k: k, v: v, at: scratch + own))
        }
        unsafe block.finish(into: o, logSumExp: logSumExp)
    }
}

/// The products of one query head's forward pass, in one arithmetic.
protocol AttentionProducts {
    /// target = q·kᵀ for a tile, `[queries.count, keys.count]`, rows ``AttentionShape/stride`` apart; not scaled.
    func score(queries: Range<Int>, keys: Range<Int>, into target: UnsafeMutablePointer<Float>)
    /// target += p·v: p `[count, keys.count]`, target `[count, h]`.
    func addValues(
        _ p: UnsafeMutablePointer<Float>, count: Int, keys: Range<Int>, into target: UnsafeMutablePointer<Float>)
}

/// A block of query rows of one head, on its way along the keys.
@unsafe
private struct AttentionBlock {
    let shape: AttentionShape
    let head: Int
    let rows: Range<Int>
    /// `[rows, h]`: what has been summed of the values.
    let o: UnsafeMutablePointer<Float>
    /// `[rows, keys]`.
    let scores: UnsafeMutablePointer<Float>
    /// Per row: the largest score so far, and the sum of the exponentials less it.
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>

    static func scratchCount(_ shape: AttentionShape) -> Int {
        shape.tile + AttentionShape.scores + 2 * AttentionShape.block
    }

    init(shape: AttentionShape, head: Int, rows: Range<Int>, at scratch: UnsafeMutablePointer<Float>) {
        unsafe self.shape = shape
        unsafe self.head = head
        unsafe self.rows = rows
        unsafe o = scratch
        unsafe scores = scratch + shape.tile
        unsafe maxima = scores + AttentionShape.scores
        unsafe sums = maxima + AttentionShape.block
    }

    func run(_ products: some AttentionProducts) {
        unsafe o.update(repeating: 0, count: rows.count * shape.headLength)
        unsafe maxima.update(repeating: -.infinity, count: rows.count)
        unsafe sums.update(repeating: 0, count: rows.count)
        let visible = unsafe shape.first + rows.upperBound
        for index in 0..<taskCount(visible, AttentionShape.block) {
            let keys = taskRange(index, AttentionShape.block, visible)
            unsafe products.score(queries: rows, keys: keys, into: scores)
            for row in unsafe 0..<rows.count { unsafe exponentiate(row, keys) }
            unsafe products.addValues(scores, count: rows.count, keys: keys, into: o)
        }
    }

    /// Replaces a row's scores by exp(score − maximum); what was summed before is brought to the new maximum.
    private func exponentiate(_ row: Int, _ keys: Range<Int>) {
        let seen = unsafe shape.seen(by: rows.lowerBound + row, of: keys)
        let values = unsafe scores + row * AttentionShape.stride
        unsafe Vector.multiply(values, by: shape.scale, count: seen)
        let before = unsafe maxima[row]
        let top = unsafe max(before, Vector.maximum(values, count: seen))
        if top > before {
            let shrink = exp(before - top)
            unsafe maxima[row] = top
            unsafe sums[row] *= shrink
            unsafe Vector.multiply(o + row * shape.headLength, by: shrink, count: shape.headLength)
        }
        unsafe sums[row] += Vector.exponentials(values, minus: top, count: seen)
        unsafe (values + seen).update(repeating: 0, count: keys.count - seen)
    }

    func finish(into target: Activation, logSumExp: Matrix?) {
        let h = unsafe shape.headLength
        for row in unsafe 0..<rows.count {
            let token = unsafe rows.lowerBound + row
            unsafe Vector.multiply(o + row * h, by: 1 / sums[row], count: h)
            unsafe target.store(row: token, head * h..<(head + 1) * h, from: o + row * h)
            if let logSumExp {
                unsafe logSumExp.pointer[head * shape.tokens + token] = maxima[row] + log(sums[row])
            }
        }
    }
}
