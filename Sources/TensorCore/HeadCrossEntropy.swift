// The language model head and its cross-entropy in one operation: logits live only as tokens × chunk of vocabulary.
//
//   l_nv = hidden_n · W_v;  L_n = log Σ_v exp(l_nv);  loss_n = L_n − l_n,target
//   dhidden_n += scale · (Σ_v exp(l_nv − L_n) · W_v − W_target)
//
// hidden, dhidden: [N, width], one row per counted target; W: [vocabulary, width]. The gradient of W: HeadGradient.swift.
// The vocabulary is cut into parts, one task each, and parts into chunks; parts are joined in ascending order. How many
// there are depends on the shape alone. The gradient of hidden needs no second pass: each part keeps the running
// maximum of its logits and rescales its sum when that grows (Milakov and Gimelshein, 2018, arXiv:1805.02867).

internal import Foundation

/// What the head costs at every counted row.
public struct HeadCrossEntropyResult: Sendable {
    /// Cross-entropy per row, in nats.
    public let losses: [Float]
    /// L per row, which `HeadGradient` needs.
    public let logSumExp: [Float]

    public init(losses: [Float], logSumExp: [Float]) {
        self.losses = losses
        self.logSumExp = logSumExp
    }
}

/// Memory for a head's pass over at most `rows` rows: the rows packed, and the parts' running sums.
public struct HeadMemory: Sendable {
    let packed: PackedRows
    let gradients: Matrix?

    /// - Parameters:
    ///   - backward: whether gradients are to be summed.
    /// - Precondition: `arena` has room.
    public init(rows: Int, width: Int, arithmetic: Arithmetic, backward: Bool, in arena: Arena) {
        packed = PackedRows(rows: rows, inner: width, arithmetic: arithmetic, in: arena)
        // Fewer rows may be cut into more parts; none needs more than this.
        let needed = (1...max(rows, 1)).reduce(0) { max($0, $1 * HeadPass.gradientPartCount(rows: $1, width: width)) }
        gradients = backward ? Matrix(rows: needed, columns: width, in: arena) : nil
    }
}

/// The loss of every row.
///
/// - Parameters:
///   - hidden: `[N, width]`, only the rows whose target counts.
///   - weight: `[vocabulary, width]`.
///   - targets: N rows of `weight`.
///   - bias: what is added to the logits of some tokens.
///   - memory: where the pass may work; nil takes memory of its own.
public func headCrossEntropy(
    _ hidden: Matrix, _ weight: LinearWeight, targets: [Int32], bias: TokenBias? = nil, memory: HeadMemory? = nil,
    workers: Workers
) -> HeadCrossEntropyResult {
    workers.times?.begin(.head)
    defer { workers.times?.end() }
    let pass = HeadPass(
        hidden: hidden, weight: weight, targets: targets, bias: bias, collectsGradient: false, memory: memory)
    pass.run(workers: workers)
    return pass.result()
}

/// The loss of every row, and its gradient added to `dHidden` and to the head's own.
///
/// - Parameters:
///   - hidden: `[N, width]`, only the rows whose target counts.
///   - weight: `[vocabulary, width]`.
///   - targets: N rows of `weight`.
///   - scale: what one row's loss weighs; 1 ÷ the counted targets of a step for their mean.
///   - dHidden: `[N, width]`, added to.
///   - dWeight: the gradient of `weight`, added to, where it is trained; it keeps `hidden`, which is not to be changed
///     before it is cleared.
///   - bias: what is added to the logits of some tokens; its gradient is added to where it is trained.
///   - memory: where the pass may work, made with `backward`; nil takes memory of its own.
public func headCrossEntropyWithGradient(
    _ hidden: Matrix, _ weight: LinearWeight, targets: [Int32], scale: Float, into dHidden: Matrix,
    dWeight: HeadGradient? = nil, bias: TokenBias? = nil, memory: HeadMemory? = nil, workers: Workers
) -> HeadCrossEntropyResult {
    workers.times?.begin(.head)
    defer { workers.times?.end() }
    precondition(dHidden.hasShape(of: hidden), "head: dHidden \(dHidden.shape) for hidden \(hidden.shape)")
    precondition(bias == nil || dWeight == nil, "head: a trained head under a bias on its logits")
    let pass = HeadPass(
        hidden: hidden, weight: weight, targets: targets, bias: bias, collectsGradient: true,
        collectsGram: dWeight?.isOfOneWindow ?? false, memory: memory)
    pass.run(workers: workers)
    let result = pass.result()
    pass.addGradient(logSumExp: result.logSumExp, scale: scale, into: dHidden, workers: workers)
    pass.addBiasGradient(logSumExp: result.logSumExp, scale: scale)
    dWeight?.add(
        hidden: hidden, targets: targets, logSumExp: result.logSumExp, scale: scale,
        gram: pass.gram(logSumExp: result.logSumExp, scale: scale, workers: workers))
    return result
}
