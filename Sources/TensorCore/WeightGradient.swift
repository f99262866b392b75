// The gradient of a trained weight over the windows of one step, never summed up before it is used:
//
//   dW = Σ_t dy_t ⊗ x_t
//
// What is kept are its factors dy: [rows, outputs] and x: [rows, inputs], as many rows as the step has tokens. The norm
// comes from their inner products, and an update multiplies them tile by tile. Where so many rows come together that
// the factors would be larger than the matrix, the matrix is summed instead.

/// dW of a weight `[outputs, inputs]`.
///
/// Sendable by contract, as a matrix is: one thread adds to it, and it is read when nobody does.
public final class WeightGradient: @unchecked Sendable {
    public let outputs: Int
    public let inputs: Int
    private let form: Form

    private enum Form {
        case factors(dy: RowStore, x: RowStore)
        case sum(Matrix)
    }

    /// - Parameter rows: tokens of a step, which decide what is kept; memory for them is set aside, and more still fit.
    public init(outputs: Int, inputs: Int, rows: Int) {
        self.outputs = outputs
        self.inputs = inputs
        form =
            Self.keepsFactors(outputs, inputs, rows)
            ? .factors(dy: RowStore(columns: outputs, capacity: rows), x: RowStore(columns: inputs, capacity: rows))
            : .sum(Matrix(rows: outputs, columns: inputs))
    }

    /// Bytes that a gradient takes at a step of `rows` tokens.
    public static func byteCount(outputs: Int, inputs: Int, rows: Int) -> Int {
        4 * (keepsFactors(outputs, inputs, rows) ? rows * (outputs + inputs) : outputs * inputs)
    }

    private static func keepsFactors(_ outputs: Int, _ inputs: Int, _ rows: Int) -> Bool {
        rows * (outputs + inputs) < outputs * inputs
    }

    /// dW += dyᵀ·x
    ///
    /// - Parameters:
    ///   - dy: `[tokens, outputs]`; copied.
    ///   - x: `[tokens, inputs]`; copied.
    public func add(_ dy: Matrix, _ x: Matrix, workers: Workers) {
        precondition(
            dy.rows == x.rows && dy.columns == outputs && x.columns == inputs,
            "a gradient of \(outputs) × \(inputs): dy \(dy.shape), x \(x.shape)")
        switch form {
        case .factors(let dys, let xs):
            dys.append(dy)
            xs.append(x)
        case .sum(let sum): linearBackwardWeight(dy, x, into: sum, workers: workers)
        }
    }

    /// dW = 0
    public func clear() {
        switch form {
        case .factors(let dys, let xs):
            dys.removeAll()
            xs.removeAll()
        case .sum(let sum): sum.fill(0)
        }
    }

    /// Σ dW², in Double.
    ///
    /// - Complexity: rows² · (outputs + inputs) operations from factors.
    func sumOfSquares(workers: Workers) -> Double {
        workers.times?.begin(.weightGradients)
        defer { workers.times?.end() }
        switch form {
        case .sum(let sum): return sum.sumOfSquares()
        case .factors(let dys, let xs):
            return unsafe GramSum.overPairs(rows: dys.count, tiles: 2, workers: workers) { first, second, scratch in
                let (a, b) = unsafe (scratch.tile(0), scratch.tile(1))
                unsafe GramSum.fill(a, dys.gramRows, first, second, product: scratch.start)
                unsafe GramSum.fill(b, xs.gramRows, first, second, product: scratch.start)
                var sum = 0.0
                for row in 0..<first.count {
                    for column in 0..<second.count {
                        unsafe sum += a[row &* GramSum.block &+ column] * b[row &* GramSum.block &+ column]
                    }
                }
                return sum
            }
        }
    }

    /// Calls `body` with every tile of dW, each on one thread.
    ///
    /// - Parameter scratch: floats that `body` gets for itself.
    func forEachTile(
        workers: Workers, scratch extra: Int, _ body: (GradientTile, UnsafeMutablePointer<Float>) -> Void
    ) {
        let across = taskCount(inputs, LinearTile.weightInputs)
        let tasks = taskCount(outputs, LinearTile.weightOutputs) * across
        let stride = LinearTile.weightInputs + 16
        let size = LinearTile.weightOutputs * stride
        unsafe workers.forEach(tasks: tasks, scratch: size + extra) { task, scratch in
            let rows = taskRange(task / across, LinearTile.weightOutputs, outputs)
            let columns = taskRange(task % across, LinearTile.weightInputs, inputs)
            switch form {
            case .sum(let sum):
                let start = unsafe sum.pointer + (rows.lowerBound * inputs + columns.lowerBound)
                unsafe body(GradientTile(rows: rows, columns: columns, start: start, stride: inputs), scratch + size)
            case .factors(let dys, let xs):
                unsafe BLAS.multiply(
                    .init(dys.pointer + rows.lowerBound, stride: outputs, transposed: true),
                    .init(xs.pointer + columns.lowerBound, stride: inputs), into: scratch, stride: stride,
                    rows: rows.count, columns: columns.count, inner: dys.count, beta: 0)
                unsafe body(GradientTile(rows: rows, columns: columns, start: scratch, stride: stride), scratch + size)
            }
        }
    }
}

/// Rows that arrive window by window and are used together; the memory stays from one step to the next.
final class RowStore: @unchecked Sendable {
    private(set) var count = 0
    private var memory: Matrix

    init(columns: Int, capacity: Int) { memory = Matrix(rows: capacity, columns: columns) }

    var pointer: UnsafeMutablePointer<Float> { unsafe memory.pointer }

    var gramRows: GramRows {
        unsafe GramRows(start: memory.pointer, stride: memory.columns, columns: memory.columns)
    }

    func append(_ rows: Matrix) {
        if count + rows.rows > memory.rows {
            let larger = Matrix(rows: count + rows.rows, columns: memory.columns)
            larger.copyRows(from: memory, sourceRow: 0, count: count, toRow: 0)
            memory = larger
        }
        memory.copyRows(from: rows, sourceRow: 0, count: rows.rows, toRow: count)
        count += rows.rows
    }

    func removeAll() { count = 0 }
}
