// Products with a weight matrix, forward and backward.
//
//   y_to = Σ_i x_ti · W_oi + b_o
//   dx_ti += Σ_o dy_to · W_oi
//   dW_oi += Σ_t dy_to · x_ti;  db_o += Σ_t dy_to
//
// x, dx: [tokens, inputs]; y, dy: [tokens, outputs]; W, dW: [outputs, inputs]; b, db: [1, outputs].
// Every output tile is one task, and its sum runs over blocks in ascending order: the tiles depend on the shape alone.

/// The sizes of tiles of the gradient of W: outputs and inputs per task.
enum LinearTile {
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
    precondition(x.columns == weight.inputs, "linear: x \(x.shape), W \(weight.outputs) × \(weight.inputs)")
    workers.withPacked(x, weight.arithmetic) { packed in
        linear(packed, weight, bias: bias, into: y, adds: false, workers: workers)
    }
}

/// y = x·Wᵀ + bias, or y += x·Wᵀ + bias where `adds`, with x: `[tokens, inputs]` packed for the weight's arithmetic.
public func linear(
    _ x: PackedRows, _ weight: LinearWeight, bias: Matrix?, into y: Matrix, adds: Bool, workers: Workers
) {
    workers.times?.begin(.products)
    defer { workers.times?.end() }
    let tokens = x.rows
    precondition(
        y.hasShape(tokens, weight.outputs),
        "linear: \(tokens) rows, W \(weight.outputs) × \(weight.inputs), y \(y.shape)")
    precondition(bias.map { $0.hasShape(1, weight.outputs) } ?? true, "linear: bias must be 1 × \(weight.outputs)")
    guard tokens > 0 else { return }
    let grain = ProductGrain.outputs
    unsafe workers.forEach(tasks: taskCount(weight.outputs, grain), scratch: weight.productScratchCount) {
        task, scratch in
        let outputs = taskRange(task, grain, weight.outputs)
        let target = unsafe y.pointer + outputs.lowerBound
        unsafe weight.multiply(
            x, outputs: outputs, into: target, stride: weight.outputs, adds: adds,
            then: weight.ahead(outputs: (task + workers.count) * grain), scratch: scratch)
        guard let bias else { return }
        for token in 0..<tokens {
            unsafe Vector.add(
                bias.pointer + outputs.lowerBound, into: target + token * weight.outputs, count: outputs.count)
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
    precondition(
        dy.columns == weight.outputs, "linearBackwardInput: dy \(dy.shape), W \(weight.outputs) × \(weight.inputs)")
    workers.withPacked(dy, weight.arithmetic) { packed in
        linearBackwardInput([(packed, weight)], into: dx, adds: true, workers: workers)
    }
}

/// dx = Σ dy·W, or dx += Σ dy·W where `adds`, over projections of one input, in their order.
///
/// - Parameters:
///   - terms: dy: `[tokens, outputs]`, packed for its weight's arithmetic; weights: `[outputs, inputs]`.
///   - dx: `[tokens, inputs]`.
public func linearBackwardInput(
    _ terms: [(dy: PackedRows, weight: LinearWeight)], into dx: Matrix, adds: Bool, workers: Workers
) {
    workers.times?.begin(.inputGradients)
    defer { workers.times?.end() }
    for (dy, weight) in terms {
        precondition(
            dx.hasShape(dy.rows, weight.inputs),
            "linearBackwardInput: \(dy.rows) rows, W \(weight.outputs) × \(weight.inputs), dx \(dx.shape)")
    }
    guard dx.rows > 0 else { return }
    let grain = ProductGrain.inputs
    let scratch = terms.map(\.weight.transposedProductScratchCount).max() ?? 0
    unsafe workers.forEach(tasks: taskCount(dx.columns, grain), scratch: scratch) { task, scratch in
        let inputs = taskRange(task, grain, dx.columns)
        for (index, term) in terms.enumerated() {
            unsafe term.weight.multiplyTransposed(
                term.dy, inputs: inputs, into: dx.pointer + inputs.lowerBound, stride: dx.columns,
                adds: adds || index > 0, scratch: scratch)
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
