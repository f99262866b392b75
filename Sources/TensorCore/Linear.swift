// Products with a weight matrix, forward and backward.
//
//   y_to = Σ_i x_ti · W_oi + b_o
//   dx_ti += Σ_o dy_to · W_oi
//   dW_oi += Σ_t dy_to · x_ti;  db_o += Σ_t dy_to
//
// x, dx: [tokens, inputs]; y, dy: [tokens, outputs]; W, dW: [outputs, inputs]; b, db: [1, outputs].
// Every output tile is one task, and its sum runs over blocks in ascending order: the tiles depend on the shape alone.

/// The sizes of tiles, in rows and columns of W.
enum LinearTile {
    /// Forward: outputs per task, inputs per step.
    static let outputs = 128
    static let inputs = 1_024
    /// Gradient of x: inputs per task (a multiple of `LinearWeight.columnGrain`), outputs per step.
    static let backwardInputs = 256
    static let backwardOutputs = 512
    /// Gradient of W: outputs and inputs per task.
    static let weightOutputs = 128
    static let weightInputs = 1_024
}

/// y = x·Wᵀ + bias
///
/// - Parameters:
///   - x: `[tokens, inputs]`.
///   - weight: `[outputs, inputs]`.
///   - bias: `[1, outputs]` or none.
///   - y: `[tokens, outputs]`, assigned.
/// - Complexity: 2 · tokens · inputs · outputs operations; inputs · outputs values decoded once.
public func linear(_ x: Matrix, _ weight: LinearWeight, bias: Matrix?, into y: Matrix, workers: Workers) {
    workers.times?.begin(.products)
    defer { workers.times?.end() }
    let tokens = x.rows
    precondition(
        x.columns == weight.inputs && y.hasShape(tokens, weight.outputs),
        "linear: x \(x.shape), W \(weight.outputs) × \(weight.inputs), y \(y.shape)")
    precondition(bias.map { $0.hasShape(1, weight.outputs) } ?? true, "linear: bias must be 1 × \(weight.outputs)")
    guard tokens > 0 else { return }
    switch weight.arithmetic {
    case .f32: linearFloat32(x, weight, into: y, workers: workers)
    case .bf16: linearBFloat16(x, weight, into: y, workers: workers)
    }
    guard let bias else { return }
    for token in 0..<tokens {
        unsafe Vector.add(bias.pointer, into: y.pointer + token * weight.outputs, count: weight.outputs)
    }
}

private func linearFloat32(_ x: Matrix, _ weight: LinearWeight, into y: Matrix, workers: Workers) {
    let tokens = x.rows
    let steps = taskCount(weight.inputs, LinearTile.inputs)
    let scratch = LinearWeight.scratchCount(rows: LinearTile.outputs, columns: LinearTile.inputs)
    unsafe workers.forEach(tasks: taskCount(weight.outputs, LinearTile.outputs), scratch: scratch) { task, scratch in
        let rows = taskRange(task, LinearTile.outputs, weight.outputs)
        let target = unsafe y.pointer + rows.lowerBound
        for step in 0..<steps {
            let columns = taskRange(step, LinearTile.inputs, weight.inputs)
            let source = unsafe UnsafePointer(x.pointer) + columns.lowerBound
            let beta: Float = step == 0 ? 0 : 1
            unsafe weight.withBlock(rows: rows, columns: columns, scratch: scratch) { w, stride in
                if tokens == 1 {
                    unsafe BLAS.multiply(
                        matrix: w, stride: stride, vector: source, into: target, rows: rows.count,
                        columns: columns.count, beta: beta)
                } else {
                    unsafe BLAS.multiply(
                        .init(source, stride: weight.inputs), .init(w, stride: stride, transposed: true),
                        into: target, stride: weight.outputs, rows: tokens, columns: rows.count,
                        inner: columns.count, beta: beta)
                }
            }
        }
    }
}

/// dx += dy·W
///
/// - Parameters:
///   - dy: `[tokens, outputs]`, the gradient of `y`.
///   - weight: `[outputs, inputs]`.
///   - dx: `[tokens, inputs]`, added to.
public func linearBackwardInput(_ dy: Matrix, _ weight: LinearWeight, into dx: Matrix, workers: Workers) {
    workers.times?.begin(.inputGradients)
    defer { workers.times?.end() }
    let tokens = dy.rows
    precondition(
        dy.columns == weight.outputs && dx.hasShape(tokens, weight.inputs),
        "linearBackwardInput: dy \(dy.shape), W \(weight.outputs) × \(weight.inputs), dx \(dx.shape)")
    guard tokens > 0 else { return }
    switch weight.arithmetic {
    case .f32: linearBackwardInputFloat32(dy, weight, into: dx, workers: workers)
    case .bf16: linearBackwardInputBFloat16(dy, weight, into: dx, workers: workers)
    }
}

private func linearBackwardInputFloat32(_ dy: Matrix, _ weight: LinearWeight, into dx: Matrix, workers: Workers) {
    let tokens = dy.rows
    let steps = taskCount(weight.outputs, LinearTile.backwardOutputs)
    let scratch = LinearWeight.scratchCount(rows: LinearTile.backwardOutputs, columns: LinearTile.backwardInputs)
    unsafe workers.forEach(tasks: taskCount(weight.inputs, LinearTile.backwardInputs), scratch: scratch) {
        task, scratch in
        let columns = taskRange(task, LinearTile.backwardInputs, weight.inputs)
        for step in 0..<steps {
            let rows = taskRange(step, LinearTile.backwardOutputs, weight.outputs)
            unsafe weight.withBlock(rows: rows, columns: columns, scratch: scratch) { w, stride in
                unsafe BLAS.multiply(
                    .init(dy.pointer + rows.lowerBound, stride: weight.outputs), .init(w, stride: stride),
                    into: dx.pointer + columns.lowerBound, stride: weight.inputs, rows: tokens,
                    columns: columns.count, inner: rows.count, beta: 1)
            }
        }
    }
}

/// dW += dyᵀ·x
///
/// - Parameters:
///   - dy: `[tokens, outputs]`, the gradient of `y`.
///   - x: `[tokens, inputs]`, as given to `linear`.
///   - dWeight: `[outputs, inputs]`, added to.
public func linearBackwardWeight(_ dy: Matrix, _ x: Matrix, into dWeight: Matrix, workers: Workers) {
    workers.times?.begin(.weightGradients)
    defer { workers.times?.end() }
    precondition(
        dy.rows == x.rows && dWeight.hasShape(dy.columns, x.columns),
        "linearBackwardWeight: dy \(dy.shape), x \(x.shape), dW \(dWeight.shape)")
    let across = taskCount(x.columns, LinearTile.weightInputs)
    workers.forEach(tasks: taskCount(dy.columns, LinearTile.weightOutputs) * across) { task in
        let rows = taskRange(task / across, LinearTile.weightOutputs, dy.columns)
        let columns = taskRange(task % across, LinearTile.weightInputs, x.columns)
        unsafe BLAS.multiply(
            .init(dy.pointer + rows.lowerBound, stride: dy.columns, transposed: true),
            .init(x.pointer + columns.lowerBound, stride: x.columns),
            into: dWeight.pointer + (rows.lowerBound * x.columns + columns.lowerBound), stride: x.columns,
            rows: rows.count, columns: columns.count, inner: dy.rows, beta: 1)
    }
}

/// db += Σ_t dy_t
///
/// - Parameters:
///   - dy: `[tokens, outputs]`, the gradient of `y`.
///   - dBias: `[1, outputs]`, added to.
public func linearBackwardBias(_ dy: Matrix, into dBias: Matrix) {
    precondition(dBias.hasShape(1, dy.columns), "linearBackwardBias: dy \(dy.shape), db \(dBias.shape)")
    for token in 0..<dy.rows {
        unsafe Vector.add(dy.pointer + token * dy.columns, into: dBias.pointer, count: dy.columns)
    }
}
