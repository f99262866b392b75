// Whole-matrix reading and writing: copies, spans, fills and sums.

extension Matrix {
    /// A copy of every element, row after row.
    public var values: [Float] {
        unsafe Array(UnsafeBufferPointer(start: pointer, count: count))
    }

    public func withSpan<R, E>(_ body: (Span<Float>) throws(E) -> R) throws(E) -> R {
        try body(unsafe Span(_unsafeStart: UnsafePointer(pointer), count: count))
    }

    public func withMutableSpan<R, E>(_ body: (inout MutableSpan<Float>) throws(E) -> R) throws(E) -> R {
        var span = unsafe MutableSpan(_unsafeStart: pointer, count: count)
        return try body(&span)
    }

    public func fill(_ value: Float) {
        unsafe pointer.update(repeating: value, count: count)
    }

    /// - Precondition: both matrices have the same shape.
    public func copy(from other: Matrix) {
        precondition(hasShape(of: other), "copy from \(other.shape) into \(shape)")
        unsafe pointer.update(from: other.pointer, count: count)
    }

    /// self += scale · other
    /// - Precondition: both matrices have the same shape.
    public func add(_ other: Matrix, scale: Float = 1) {
        precondition(hasShape(of: other), "add \(other.shape) to \(shape)")
        unsafe Vector.add(other.pointer, scale: scale, into: pointer, count: count)
    }

    /// Copies `count` whole rows of `other`, from `sourceRow` on, to the rows from `toRow` on.
    /// - Precondition: equal columns; both row ranges lie inside their matrix; `other` is another matrix.
    public func copyRows(from other: Matrix, sourceRow: Int, count: Int, toRow: Int) {
        precondition(other.columns == columns, "rows of \(other.columns) values copied into rows of \(columns)")
        precondition(
            count >= 0 && sourceRow >= 0 && toRow >= 0 && sourceRow <= other.rows - count && toRow <= rows - count,
            "\(count) rows from row \(sourceRow) of \(other.shape) to row \(toRow) of \(shape)")
        unsafe (pointer + toRow &* columns)
            .update(from: other.pointer + sourceRow &* columns, count: count &* columns)
    }

    /// Copies a row over another one.
    /// - Precondition: both exist.
    public func copyRow(_ row: Int, to other: Int) {
        precondition(row >= 0 && row < rows && other >= 0 && other < rows, "rows \(row) and \(other) of \(rows)")
        if row != other { unsafe (pointer + other &* columns).update(from: pointer + row &* columns, count: columns) }
    }

    /// Sets a row to zero.
    /// - Precondition: it exists.
    public func clearRow(_ row: Int) {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        unsafe (pointer + row &* columns).update(repeating: 0, count: columns)
    }

    /// Σ x², every square and the sum in Double.
    public func sumOfSquares() -> Double {
        unsafe Vector.sumOfSquaresInDouble(pointer, count: count)
    }

    var shape: String { "\(rows) × \(columns)" }

    func hasShape(of other: Matrix) -> Bool { rows == other.rows && columns == other.columns }

    func hasShape(_ rows: Int, _ columns: Int) -> Bool { self.rows == rows && self.columns == columns }
}
