// The language model head and its cross-entropy in one operation: logits live only as tokens × chunk of vocabulary.
//
//   l_nv = hidden_n · W_v;  L_n = log Σ_v exp(l_nv);  loss_n = L_n − l_n,target
//   dhidden_n += scale · (Σ_v exp(l_nv − L_n) · W_v − W_target)
//   dW_v += scale · Σ_n (exp(l_nv − L_n) − [v = target_n]) · hidden_n
//
// hidden, dhidden: [N, width], one row per counted target; W, dW: [vocabulary, width].
// The vocabulary is cut into parts, one task each, and parts into chunks; parts are joined in ascending order. How many
// there are depends on the shape alone. The gradient of hidden needs no second pass: each part keeps the running
// maximum of its logits and rescales its sum when that grows (Milakov and Gimelshein, 2018, arXiv:1805.02867).

internal import Foundation

/// What the head costs at every counted row.
public struct HeadCrossEntropyResult: Sendable {
    /// Cross-entropy per row, in nats.
    public let losses: [Float]
    /// L per row, which `headBackwardWeight` needs.
    public let logSumExp: [Float]

    public init(losses: [Float], logSumExp: [Float]) {
        self.losses = losses
        self.logSumExp = logSumExp
    }
}

/// The loss of every row.
///
/// - Parameters:
///   - hidden: `[N, width]`, only the rows whose target counts.
///   - weight: `[vocabulary, width]`.
///   - targets: N rows of `weight`.
public func headCrossEntropy(
    _ hidden: Matrix, _ weight: LinearWeight, targets: [Int32], workers: Workers
) -> HeadCrossEntropyResult {
    workers.times?.begin(.head)
    defer { workers.times?.end() }
    let pass = HeadPass(hidden: hidden, weight: weight, targets: targets, collectsGradient: false)
    pass.run(workers: workers)
    return pass.result()
}

/// The loss of every row, and its gradient added to `dHidden`.
///
/// - Parameters:
///   - hidden: `[N, width]`, only the rows whose target counts.
///   - weight: `[vocabulary, width]`.
///   - targets: N rows of `weight`.
///   - scale: what one row's loss weighs; 1 ÷ the counted targets of a step for their mean.
///   - dHidden: `[N, width]`, added to.
public func headCrossEntropyWithGradient(
    _ hidden: Matrix, _ weight: LinearWeight, targets: [Int32], scale: Float, into dHidden: Matrix, workers: Workers
) -> HeadCrossEntropyResult {
    workers.times?.begin(.head)
    defer { workers.times?.end() }
    precondition(dHidden.hasShape(of: hidden), "head: dHidden \(dHidden.shape) for hidden \(hidden.shape)")
    let pass = HeadPass(hidden: hidden, weight: weight, targets: targets, collectsGradient: true)
    pass.run(workers: workers)
    let result = pass.result()
    pass.addGradient(logSumExp: result.logSumExp, scale: scale, into: dHidden, workers: workers)
    return result
}

/// Adds the gradient of the summed, scaled losses to `dWeight`, chunk by chunk.
///
/// - Parameters:
///   - hidden: `[N, width]`, as given to `headCrossEntropy`.
///   - weight: `[vocabulary, width]`, likewise.
///   - targets: N rows of `weight`, likewise.
///   - logSumExp: N values, from its result.
///   - scale: what one row's loss weighs.
///   - dWeight: `[vocabulary, width]`, added to.
public func headBackwardWeight(
    _ hidden: Matrix, _ weight: LinearWeight, targets: [Int32], logSumExp: [Float], scale: Float,
    into dWeight: Matrix, workers: Workers
) {
    workers.times?.begin(.head)
    defer { workers.times?.end() }
    let tiles = HeadTiles(hidden: hidden, weight: weight, targets: targets)
    precondition(
        dWeight.hasShape(weight.outputs, weight.inputs) && logSumExp.count == hidden.rows,
        "headBackwardWeight: dW \(dWeight.shape), \(logSumExp.count) sums for hidden \(hidden.shape)")
    guard hidden.rows > 0 else { return }
    workers.withPacked(hidden, weight.arithmetic) { packed in
        unsafe workers.forEach(tasks: tiles.chunks, scratch: tiles.scratchCount) { task, scratch in
            let vocabulary = tiles.range(ofChunk: task)
            let logits = unsafe tiles.logits(scratch)
            unsafe tiles.withLogits(vocabulary, packed: packed, scratch: scratch) { _ in
                for row in 0..<hidden.rows {
                    let values = unsafe logits + row * tiles.stride
                    _ = unsafe Vector.exponentials(values, minus: logSumExp[row], count: vocabulary.count)
                    unsafe Vector.multiply(values, by: scale, count: vocabulary.count)
                    let target = Int(targets[row])
                    if vocabulary.contains(target) { unsafe values[target - vocabulary.lowerBound] -= scale }
                }
                unsafe BLAS.multiply(
                    .init(logits, stride: tiles.stride, transposed: true),
                    .init(hidden.pointer, stride: hidden.columns),
                    into: dWeight.pointer + vocabulary.lowerBound * weight.inputs, stride: weight.inputs,
                    rows: vocabulary.count, columns: weight.inputs, inner: hidden.rows, beta: 1)
            }
        }
    }
}
