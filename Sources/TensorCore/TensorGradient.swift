// What a step leaves behind for one trained tensor, in the form that takes least memory.

/// The gradient of a step's loss with respect to one tensor.
public enum TensorGradient: Sendable {
    /// Gain or bias, `[1, n]`, or another tensor of few rows: summed up as backward goes.
    case vector(Matrix)
    /// A layer's projection.
    case weight(WeightGradient)
    /// The language model head.
    case head(HeadGradient)

    /// Forgets the last step.
    public func clear() {
        switch self {
        case .vector(let sum): sum.fill(0)
        case .weight(let weight): weight.clear()
        case .head(let head): head.clear()
        }
    }

    /// Σ of squares of all elements, in Double; infinite or no number where an element is.
    public func sumOfSquares(workers: Workers) -> Double {
        switch self {
        case .vector(let sum): sum.sumOfSquares()
        case .weight(let weight): weight.sumOfSquares(workers: workers)
        case .head(let head): head.sumOfSquares(workers: workers)
        }
    }

    /// Every element, row after row: for inspection; training never holds a whole matrix of them.
    public var values: [Float] {
        let workers = Workers(count: 1)
        let result: Matrix
        switch self {
        case .vector(let sum): return sum.values
        case .weight(let weight): result = Matrix(rows: weight.outputs, columns: weight.inputs)
        case .head(let head): result = Matrix(rows: head.weight.outputs, columns: head.weight.inputs)
        }
        unsafe forEachTile(workers: workers, scratch: 0) { tile, _ in
            for row in unsafe tile.rows {
                unsafe (result.pointer + row * result.columns + tile.columns.lowerBound)
                    .update(from: tile.row(row), count: tile.columns.count)
            }
        }
        return result.values
    }

    /// Calls `body` with every tile of the gradient, each on one thread; together they cover it once.
    ///
    /// A tile's columns begin at a multiple of 256. The weight may be changed where the tile lies: no other tile
    /// depends on it.
    /// - Parameter scratch: floats that `body` gets for itself.
    func forEachTile(
        workers: Workers, scratch: Int, _ body: (GradientTile, UnsafeMutablePointer<Float>) -> Void
    ) {
        switch self {
        case .vector(let sum):
            unsafe workers.forEach(tasks: 1, scratch: scratch) { _, scratch in
                unsafe body(
                    GradientTile(rows: 0..<sum.rows, columns: 0..<sum.columns, start: sum.pointer, stride: sum.columns),
                    scratch)
            }
        case .weight(let weight): unsafe weight.forEachTile(workers: workers, scratch: scratch, body)
        case .head(let head): unsafe head.forEachTile(workers: workers, scratch: scratch, body)
        }
    }
}

/// A rectangle of a gradient, lent while it exists.
@unsafe
struct GradientTile {
    let rows: Range<Int>
    let columns: Range<Int>
    /// The element at the first row and column.
    let start: UnsafePointer<Float>
    let stride: Int

    /// The elements of one row of the tensor, `columns.count` of them.
    func row(_ row: Int) -> UnsafePointer<Float> { unsafe start + (row &- rows.lowerBound) &* stride }
}
