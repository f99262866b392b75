// Root mean square normalisation and its gradients.
//
//   r_t = 1 / sqrt(mean_j x_tj² + epsilon)
//   y_tj = x_tj · r_t · g_j
//   dx_tj += r_t · (dy_tj·g_j − x_tj · r_t²/n · Σ_k dy_tk·g_k·x_tk)
//   dg_j += Σ_t dy_tj · x_tj · r_t
//
// x, y, dy, dx: [tokens, n]; g, dg: [1, n]. Zhang and Sennrich, 2019 (arXiv:1910.07467).

private let rowsPerTask = 16
private let columnsPerTask = 256

/// y = x · gain / sqrt(mean(x²) + epsilon), row by row.
///
/// - Parameters:
///   - x: `[tokens, n]`.
///   - gain: `[1, n]`.
///   - y: `[tokens, n]`, assigned; may be `x` itself.
public func rmsNorm(_ x: Matrix, gain: Matrix, epsilon: Float, into y: Matrix, workers: Workers) {
    workers.times?.begin(.elementwise)
    defer { workers.times?.end() }
    let n = x.columns
    precondition(gain.hasShape(1, n) && y.hasShape(of: x), "rmsNorm: x \(x.shape), gain \(gain.shape), y \(y.shape)")
    workers.forEach(tasks: taskCount(x.rows, rowsPerTask)) { task in
        for token in taskRange(task, rowsPerTask, x.rows) {
            let source = unsafe x.pointer + token &* n
            let target = unsafe y.pointer + token &* n
            let r = unsafe inverseRoot(source, count: n, epsilon: epsilon)
            var index = 0
            while index < n {
                let left = n &- index
                let product = unsafe Vector.load(source + index, left) * r * Vector.load(gain.pointer + index, left)
                unsafe Vector.store(product, target + index, left)
                index &+= Vector.width
            }
        }
    }
}

/// Adds the gradients of `rmsNorm` to `dx` and `dGain`; a nil gradient is not computed.
///
/// - Parameters:
///   - dy: `[tokens, n]`, the gradient of `y`.
///   - x: `[tokens, n]`, as given to `rmsNorm`.
///   - dx: `[tokens, n]`, added to.
///   - dGain: `[1, n]`, added to.
public func rmsNormBackward(
    _ dy: Matrix, x: Matrix, gain: Matrix, epsilon: Float, into dx: Matrix?, dGain: Matrix?, workers: Workers
) {
    workers.times?.begin(.elementwise)
    defer { workers.times?.end() }
    let n = x.columns
    let tokens = x.rows
    precondition(gain.hasShape(1, n) && dy.hasShape(of: x), "rmsNormBackward: x \(x.shape), dy \(dy.shape)")
    precondition(dx.map { $0.hasShape(of: x) } ?? true, "rmsNormBackward: dx must be \(x.shape)")
    precondition(dGain.map { $0.hasShape(1, n) } ?? true, "rmsNormBackward: dGain must be 1 × \(n)")
    let inverse = Matrix(rows: 1, columns: tokens)
    workers.forEach(tasks: taskCount(tokens, rowsPerTask)) { task in
        for token in taskRange(task, rowsPerTask, tokens) {
            let row = unsafe x.pointer + token &* n
            let r = unsafe inverseRoot(row, count: n, epsilon: epsilon)
            unsafe inverse.pointer[token] = r
            guard let dx else { continue }
            let dyRow = unsafe dy.pointer + token &* n
            unsafe addInputGradient(dyRow, x: row, gain: gain.pointer, r: r, into: dx.pointer + token &* n, count: n)
        }
    }
    guard let dGain else { return }
    unsafe workers.forEach(tasks: taskCount(n, columnsPerTask), scratch: columnsPerTask) { task, sums in
        let range = taskRange(task, columnsPerTask, n)
        unsafe sums.update(repeating: 0, count: range.count)
        for token in 0..<tokens {
            let r = unsafe inverse.pointer[token]
            let offset = token &* n &+ range.lowerBound
            var index = 0
            while index < range.count {
                let left = range.count &- index
                let dyLanes = unsafe Vector.load(dy.pointer + (offset &+ index), left)
                let product = unsafe dyLanes * Vector.load(x.pointer + (offset &+ index), left) * r
                unsafe Vector.store(Vector.load(sums + index, left) + product, sums + index, left)
                index &+= Vector.width
            }
        }
        unsafe Vector.add(sums, into: dGain.pointer + range.lowerBound, count: range.count)
    }
}

private func inverseRoot(_ row: UnsafePointer<Float>, count: Int, epsilon: Float) -> Float {
    let mean = unsafe Float(Vector.sumOfSquaresInDouble(row, count: count) / Double(max(count, 1)))
    return 1 / (mean + epsilon).squareRoot()
}

private func addInputGradient(
    _ dy: UnsafePointer<Float>, x: UnsafePointer<Float>, gain: UnsafePointer<Float>, r: Float,
    into dx: UnsafeMutablePointer<Float>, count: Int
) {
    var sums = Lanes()
    var index = 0
    while index < count {
        let left = count &- index
        unsafe sums += Vector.load(dy + index, left) * Vector.load(gain + index, left) * Vector.load(x + index, left)
        index &+= Vector.width
    }
    let slope = r * r * Vector.sum(sums) / Float(count)
    index = 0
    while index < count {
        let left = count &- index
        let direct = unsafe Vector.load(dy + index, left) * Vector.load(gain + index, left)
        let gradient = (unsafe direct - Vector.load(x + index, left) * slope) * r
        unsafe Vector.store(Vector.load(dx + index, left) + gradient, dx + index, left)
        index &+= Vector.width
    }
}
