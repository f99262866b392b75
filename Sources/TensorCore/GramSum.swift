// The length of a sum of outer products, had without the sum itself.
//
//   ‖Σ_n a_n ⊗ b_n‖² = Σ_nm (a_n · a_m)(b_n · b_m)
//
// Inner products are f32 over 256 columns at a time and Double beyond; the outer sum is Double. It is cut into square
// tiles of rows, of which those above the diagonal stand for those below.

/// Rows of floats that lie `stride` apart.
@unsafe
struct GramRows {
    let start: UnsafePointer<Float>
    let stride: Int
    let columns: Int
}

enum GramSum {
    /// Rows of a tile.
    static let block = 32
    private static let inner = 256
    /// Floats for one tile of Doubles.
    private static let tileFloats = 2 * block * block

    /// Σ over all pairs of rows of what `body` sums over one tile, tiles off the diagonal counted twice.
    ///
    /// - Parameters:
    ///   - tiles: Double tiles of scratch that `body` gets, besides one f32 tile.
    ///   - body: sums over the pairs of rows in two ranges; the second range is the first or lies before it.
    static func overPairs(
        rows: Int, tiles: Int, workers: Workers, _ body: (Range<Int>, Range<Int>, GramScratch) -> Double
    ) -> Double {
        let blocks = taskCount(rows, block)
        var sums = [Double](repeating: 0, count: blocks * (blocks + 1) / 2)
        unsafe sums.withUnsafeMutableBufferPointer { sums in
            unsafe workers.forEach(tasks: sums.count, scratch: block * block + tiles * tileFloats) { task, scratch in
                var (first, second) = (0, task)
                while second > first {
                    first += 1
                    second -= first
                }
                let sum = unsafe body(
                    taskRange(first, block, rows), taskRange(second, block, rows), GramScratch(start: scratch))
                unsafe sums[task] = first == second ? sum : 2 * sum
            }
        }
        let total = sums.reduce(0, +)
        // Roundings may leave a little less than nothing of a sum that cancels; what is no number stays that.
        return total < 0 ? 0 : total
    }

    /// Inner products of two runs of rows, `[first.count, second.count]` with rows ``block`` apart.
    static func fill(
        _ target: UnsafeMutablePointer<Double>, _ rows: GramRows, _ first: Range<Int>, _ second: Range<Int>,
        product: UnsafeMutablePointer<Float>
    ) {
        unsafe target.update(repeating: 0, count: first.count * block)
        for step in unsafe 0..<taskCount(rows.columns, inner) {
            let columns = unsafe taskRange(step, inner, rows.columns)
            unsafe BLAS.multiply(
                .init(rows.start + first.lowerBound * rows.stride + columns.lowerBound, stride: rows.stride),
                .init(
                    rows.start + second.lowerBound * rows.stride + columns.lowerBound, stride: rows.stride,
                    transposed: true),
                into: product, stride: block, rows: first.count, columns: second.count, inner: columns.count, beta: 0)
            for row in 0..<first.count {
                for column in 0..<second.count {
                    unsafe target[row &* block &+ column] += Double(product[row &* block &+ column])
                }
            }
        }
    }
}

/// A task's memory: one tile of f32, then tiles of Double.
@unsafe
struct GramScratch {
    let start: UnsafeMutablePointer<Float>

    func tile(_ index: Int) -> UnsafeMutablePointer<Double> {
        let offset = GramSum.block * GramSum.block
        return unsafe UnsafeMutableRawPointer(start + offset).assumingMemoryBound(to: Double.self) + index * offset
    }
}
