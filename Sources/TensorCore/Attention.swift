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
    let scores = AttentionShape.block * AttentionShape.stride
    unsafe workers.forEach(
        tasks: headCount * blocks, scratch: 3 * shape.tile + scores + 2 * AttentionShape.block
    ) { task, scratch in
        let head = task / blocks
        let rows = taskRange(task % blocks, AttentionShape.block, shape.tokens)
        let block = unsafe AttentionBlock(
            shape: shape, rows: rows, q: scratch, o: scratch + shape.tile, other: scratch + 2 * shape.tile,
            scores: scratch + 3 * shape.tile, maxima: scratch + 3 * shape.tile + scores,
            sums: scratch + 3 * shape.tile + scores + AttentionShape.block)
        unsafe shape.load(q, rows, head: head, into: block.q)
        unsafe block.start()
        for index in 0..<taskCount(shape.first + rows.upperBound, AttentionShape.block) {
            let keys = taskRange(index, AttentionShape.block, shape.first + rows.upperBound)
            unsafe shape.load(k, keys, head: head / shape.group, into: block.other)
            unsafe block.score(keys)
            unsafe shape.load(v, keys, head: head / shape.group, into: block.other)
            unsafe block.addValues(keys)
        }
        unsafe block.finish(head: head, into: o, logSumExp: logSumExp)
    }
}

/// A block of query rows of one head, on its way along the keys.
@unsafe
private struct AttentionBlock {
    let shape: AttentionShape
    let rows: Range<Int>
    /// `[rows, h]`: queries; what has been summed of the values; the keys or values of the present tile.
    let q: UnsafeMutablePointer<Float>
    let o: UnsafeMutablePointer<Float>
    let other: UnsafeMutablePointer<Float>
    /// `[rows, keys]`.
    let scores: UnsafeMutablePointer<Float>
    /// Per row: the largest score so far, and the sum of the exponentials less it.
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>

    func start() {
        unsafe o.update(repeating: 0, count: rows.count * shape.headLength)
        unsafe maxima.update(repeating: -.infinity, count: rows.count)
        unsafe sums.update(repeating: 0, count: rows.count)
    }

    /// exp(score − maximum) of a tile; what was summed before is brought to the new maximum.
    func score(_ keys: Range<Int>) {
        let h = unsafe shape.headLength
        unsafe BLAS.multiply(
            .init(q, stride: h), .init(other, stride: h, transposed: true), into: scores,
            stride: AttentionShape.stride, rows: rows.count, columns: keys.count, inner: h, alpha: shape.scale, beta: 0)
        for row in unsafe 0..<rows.count {
            let seen = unsafe shape.seen(by: rows.lowerBound + row, of: keys)
            let values = unsafe scores + row * AttentionShape.stride
            let before = unsafe maxima[row]
            let top = unsafe max(before, Vector.maximum(values, count: seen))
            if top > before {
                let shrink = exp(before - top)
                unsafe maxima[row] = top
                unsafe sums[row] *= shrink
                unsafe Vector.multiply(o + row * h, by: shrink, count: h)
            }
            unsafe sums[row] += Vector.exponentials(values, minus: top, count: seen)
            unsafe (values + seen).update(repeating: 0, count: keys.count - seen)
        }
    }

    func addValues(_ keys: Range<Int>) {
        let h = unsafe shape.headLength
        unsafe BLAS.multiply(
            .init(scores, stride: AttentionShape.stride), .init(other, stride: h), into: o, stride: h,
            rows: rows.count, columns: h, inner: keys.count, beta: 1)
    }

    func finish(head: Int, into target: Activation, logSumExp: Matrix?) {
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
