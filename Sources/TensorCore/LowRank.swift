// A low-rank addition to a product with a weight matrix (Hu et al., 2021, arXiv:2106.09685), forward and backward:
//
//   u_tr = Σ_i x_ti · A_ri;  y_to += s · Σ_r u_tr · B_or
//   du_tr = s · Σ_o dy_to · B_or
//   dB_or += s · Σ_t dy_to · u_tr;  dA_ri += Σ_t du_tr · x_ti;  dx_ti += Σ_r du_tr · A_ri
//
// x, dx: [tokens, inputs]; y, dy: [tokens, outputs]; A, dA: [rank, inputs]; B, dB: [outputs, rank].
// A gradient of W itself, [outputs, inputs], never exists: forward and backward cost what the two thin matrices cost.
// In f32 whatever the weight's arithmetic. Every output tile is one task; the tiles depend on the shape alone.

/// The two factors of a low-rank addition to y = x·Wᵀ. The matrices are the live ones that an optimiser updates.
public struct LowRank: Sendable {
    /// A: `[rank, inputs]`.
    public let down: Matrix
    /// B: `[outputs, rank]`; the addition is nothing while it is zero.
    public let up: Matrix
    /// s, on the product of both.
    public let scale: Float

    public var rank: Int { down.rows }
    public var inputs: Int { down.columns }
    public var outputs: Int { up.rows }

    /// - Precondition: the factors share a rank of at least 1.
    public init(down: Matrix, up: Matrix, scale: Float) {
        precondition(
            down.rows == up.columns && down.rows > 0, "a low-rank addition of A \(down.shape) and B \(up.shape)")
        self.down = down
        self.up = up
        self.scale = scale
    }
}

/// The sizes of tiles: tokens per task, and rows of B or columns of A whose gradient is one task.
private enum LowRankTile {
    static let tokens = 32
    static let features = 256
}

/// y += s·(x·Aᵀ)·Bᵀ
///
/// - Parameters:
///   - x: `[tokens, inputs]`.
///   - y: `[tokens, outputs]`, added to.
/// - Complexity: 2 · tokens · rank · (inputs + outputs) operations.
public func lowRank(_ x: Matrix, _ factors: LowRank, into y: Matrix, workers: Workers) {
    workers.times?.begin(.products)
    defer { workers.times?.end() }
    precondition(
        x.columns == factors.inputs && y.hasShape(x.rows, factors.outputs),
        "lowRank: x \(x.shape), A \(factors.down.shape), B \(factors.up.shape), y \(y.shape)")
    let tasks = taskCount(x.rows, LowRankTile.tokens)
    unsafe workers.forEach(tasks: tasks, scratch: LowRankTile.tokens * factors.rank) { task, u in
        let tokens = taskRange(task, LowRankTile.tokens, x.rows)
        unsafe factors.multiplyDown(x, tokens, into: u)
        unsafe BLAS.multiply(
            .init(u, stride: factors.rank), .init(factors.up.pointer, stride: factors.rank, transposed: true),
            into: y.pointer + tokens.lowerBound * y.columns, stride: y.columns, rows: tokens.count,
            columns: factors.outputs, inner: factors.rank, alpha: factors.scale, beta: 1)
    }
}

/// dA += duᵀ·x, dB += s·dyᵀ·u and dx += du·A, with u = x·Aᵀ computed again and du = s·dy·B.
///
/// - Parameters:
///   - dy: `[tokens, outputs]`, the gradient of `y`.
///   - x: `[tokens, inputs]`, as given to `lowRank`.
///   - dDown: dA, `[rank, inputs]`, added to.
///   - dUp: dB, `[outputs, rank]`, added to.
///   - dx: `[tokens, inputs]`, added to; nil where nobody wants it.
/// - Complexity: 2 · tokens · rank · (3 · inputs + 2 · outputs) operations.
public func lowRankBackward(
    _ dy: Matrix, x: Matrix, _ factors: LowRank, dDown: Matrix, dUp: Matrix, into dx: Matrix?, workers: Workers
) {
    workers.times?.begin(.weightGradients)
    defer { workers.times?.end() }
    let (rank, inputs, outputs) = (factors.rank, factors.inputs, factors.outputs)
    precondition(
        x.columns == inputs && dy.hasShape(x.rows, outputs) && dDown.hasShape(of: factors.down)
            && dUp.hasShape(of: factors.up) && dx.map { $0.hasShape(of: x) } ?? true,
        "lowRankBackward: dy \(dy.shape), x \(x.shape), dA \(dDown.shape), dB \(dUp.shape)")
    guard x.rows > 0 else { return }
    unsafe workers.withKept(2 * x.rows * rank) { memory in
        let (u, du) = unsafe (memory, memory + x.rows * rank)
        workers.forEach(tasks: taskCount(x.rows, LowRankTile.tokens)) { task in
            let tokens = taskRange(task, LowRankTile.tokens, x.rows)
            let place = tokens.lowerBound * rank
            unsafe factors.multiplyDown(x, tokens, into: u + place)
            unsafe BLAS.multiply(
                .init(dy.pointer + tokens.lowerBound * outputs, stride: outputs),
                .init(factors.up.pointer, stride: rank), into: du + place, stride: rank, rows: tokens.count,
                columns: rank, inner: outputs, alpha: factors.scale, beta: 0)
            guard let dx else { return }
            unsafe BLAS.multiply(
                .init(du + place, stride: rank), .init(factors.down.pointer, stride: inputs),
                into: dx.pointer + tokens.lowerBound * inputs, stride: inputs, rows: tokens.count, columns: inputs,
                inner: rank, beta: 1)
        }
        let downTasks = taskCount(inputs, LowRankTile.features)
        workers.forEach(tasks: downTasks + taskCount(outputs, LowRankTile.features)) { task in
            if task < downTasks {
                let columns = taskRange(task, LowRankTile.features, inputs)
                unsafe BLAS.multiply(
                    .init(du, stride: rank, transposed: true), .init(x.pointer + columns.lowerBound, stride: inputs),
                    into: dDown.pointer + columns.lowerBound, stride: inputs, rows: rank, columns: columns.count,
                    inner: x.rows, beta: 1)
            } else {
                let rows = taskRange(task - downTasks, LowRankTile.features, outputs)
                unsafe BLAS.multiply(
                    .init(dy.pointer + rows.lowerBound, stride: outputs, transposed: true), .init(u, stride: rank),
                    into: dUp.pointer + rows.lowerBound * rank, stride: rank, rows: rows.count, columns: rank,
                    inner: x.rows, alpha: factors.scale, beta: 1)
            }
        }
    }
}

extension LowRank {
    /// u = x·Aᵀ of some tokens, `[tokens, rank]`.
    fileprivate func multiplyDown(_ x: Matrix, _ tokens: Range<Int>, into u: UnsafeMutablePointer<Float>) {
        unsafe BLAS.multiply(
            .init(x.pointer + tokens.lowerBound * inputs, stride: inputs),
            .init(down.pointer, stride: inputs, transposed: true), into: u, stride: rank, rows: tokens.count,
            columns: rank, inner: inputs, beta: 0)
    }
}
