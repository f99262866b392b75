// The gated activation of the feed-forward block and its gradients.
//
//   σ(g) = 1 / (1 + e^-g);  a = g·σ(g) · u
//   du += da · g·σ(g)
//   dg += da · u · σ(g)·(1 + g·(1 − σ(g)))
//
// All matrices: [tokens, n]. Shazeer, 2020 (arXiv:2002.05202).

private let elementsPerTask = 16_384

/// a = silu(gate) · up, element by element.
///
/// - Parameters:
///   - gate: `[tokens, n]`.
///   - up: `[tokens, n]`.
///   - a: `[tokens, n]`, assigned; may be `gate` or `up` itself.
public func swiGLU(gate: Matrix, up: Matrix, into a: Matrix, workers: Workers) {
    workers.times?.begin(.elementwise)
    defer { workers.times?.end() }
    precondition(up.hasShape(of: gate) && a.hasShape(of: gate), "swiGLU: gate \(gate.shape), up \(up.shape)")
    workers.forEach(tasks: taskCount(gate.count, elementsPerTask)) { task in
        let range = taskRange(task, elementsPerTask, gate.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let left = range.upperBound &- index
            let g = unsafe Vector.load(gate.pointer + index, left)
            let u = unsafe Vector.load(up.pointer + index, left)
            unsafe Vector.store(g * Vector.sigmoid(g) * u, a.pointer + index, left)
            index &+= Vector.width
        }
    }
}

/// Adds the gradients of `swiGLU` to `dGate` and `dUp`.
///
/// - Parameters:
///   - da: `[tokens, n]`, the gradient of `a`.
///   - gate: `[tokens, n]`, as given to `swiGLU`.
///   - up: `[tokens, n]`, as given to `swiGLU`.
///   - dGate: `[tokens, n]`, added to.
///   - dUp: `[tokens, n]`, added to.
public func swiGLUBackward(_ da: Matrix, gate: Matrix, up: Matrix, dGate: Matrix, dUp: Matrix, workers: Workers) {
    workers.times?.begin(.elementwise)
    defer { workers.times?.end() }
    precondition(
        up.hasShape(of: gate) && da.hasShape(of: gate) && dGate.hasShape(of: gate) && dUp.hasShape(of: gate),
        "swiGLUBackward: every matrix must be \(gate.shape)")
    workers.forEach(tasks: taskCount(gate.count, elementsPerTask)) { task in
        let range = taskRange(task, elementsPerTask, gate.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let left = range.upperBound &- index
            let g = unsafe Vector.load(gate.pointer + index, left)
            let u = unsafe Vector.load(up.pointer + index, left)
            let d = unsafe Vector.load(da.pointer + index, left)
            let s = Vector.sigmoid(g)
            let du = unsafe Vector.load(dUp.pointer + index, left) + d * (g * s)
            unsafe Vector.store(du, dUp.pointer + index, left)
            let slope = s * (g * (Lanes(repeating: 1) - s) + 1)
            let dg = unsafe Vector.load(dGate.pointer + index, left) + d * u * slope
            unsafe Vector.store(dg, dGate.pointer + index, left)
            index &+= Vector.width
        }
    }
}
