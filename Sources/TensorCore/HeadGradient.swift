// The gradient of the head's weight over all counted rows of a step, never summed up before it is used:
//
//   e_nv = scale · (exp(l_nv − L_n) − [v = target_n]);  dW = Σ_n e_n ⊗ hidden_n
//
// What is kept are hidden, targets and L. The norm needs e·eᵀ, `[N, N]`: for a step of one window the walk that finds the
// losses sums it up, for more one more walk does. An update computes the logits of a chunk of the vocabulary again, from
// them the chunk of dW, and is done with it.

internal import Foundation

/// dW of the head, `[vocabulary, width]`.
///
/// Sendable by contract, as a matrix is: one thread adds to it, and it is read when nobody does.
public final class HeadGradient: @unchecked Sendable {
    /// The trained head; its values must stay those of the losses until an update comes to them.
    let weight: LinearWeight
    /// Whether all rows of a step come at once.
    let isOfOneWindow: Bool
    private var pieces: [Rows] = []

    private struct Rows {
        let hidden: Matrix
        let targets: [Int32]
        let logSumExp: [Float]
        let scale: Float
        /// e·eᵀ on and below the diagonal, where it is known.
        let gram: Matrix?
    }

    /// - Parameter isOfOneWindow: whether all rows of a step come in one call of `headCrossEntropyWithGradient`.
    public init(weight: LinearWeight, isOfOneWindow: Bool = false) {
        self.weight = weight
        self.isOfOneWindow = isOfOneWindow
    }

    /// Bytes that the gradient of a head takes: what is kept, what the norm needs, and what an update works in beyond the
    /// walk over the vocabulary that finds a window's losses.
    ///
    /// - Parameters:
    ///   - rows: counted tokens of a step.
    ///   - windows: that they come in, all of one length.
    public static func byteCount(_ weight: LinearWeight, rows: Int, windows: Int, threads: Int) -> Int {
        let float = MemoryLayout<Float>.stride
        let hidden = Matrix(rows: rows, columns: weight.inputs, in: .measuring())
        let tiles = HeadTiles(hidden: hidden, weight: weight, targets: Array(repeating: 0, count: rows))
        let kept = float * hidden.count
        let norm: Int
        if windows == 1 {
            let parts = min(tiles.chunks, HeadPass.gradientPartCount(rows: rows, width: weight.inputs))
            norm = HeadGram.byteCount(rows: rows, parts: parts)
        } else {
            // The windows' rows are joined before sums are made.
            norm = max(kept, float * (partCount(tiles) + 1) * rows * rows)
        }
        let packed = rows * PackedRows.stride(weight.arithmetic, inner: weight.inputs)
        let update = float * min(threads, tiles.chunks) * (tiles.scratchCount + tiles.chunk * weight.inputs)
        return kept + norm + packed + update
            - weight.headScratchByteCount(rows: rows / windows, threads: threads)
    }

    /// As many parts as keep threads busy; fewer when their sums would take more than 16 MB.
    private static func partCount(_ tiles: HeadTiles) -> Int {
        let rows = max(tiles.hidden.rows, 1)
        return min(tiles.chunks, min(max(4_194_304 / (rows * rows), 2), 8))
    }

    /// Adds the gradient of the summed, scaled losses of some rows.
    ///
    /// - Parameters:
    ///   - hidden: `[N, width]`, as given to `headCrossEntropy`; kept, and not to be changed before `clear`.
    ///   - targets: N rows of the weight, likewise.
    ///   - logSumExp: N values, from its result.
    ///   - scale: what one row's loss weighs; the same in every call of a step.
    ///   - gram: e·eᵀ of these rows, on and below the diagonal, where it is known.
    public func add(hidden: Matrix, targets: [Int32], logSumExp: [Float], scale: Float, gram: Matrix? = nil) {
        precondition(
            hidden.columns == weight.inputs && targets.count == hidden.rows && logSumExp.count == hidden.rows,
            "a head's gradient: hidden \(hidden.shape), \(targets.count) targets, \(logSumExp.count) sums")
        precondition(pieces.allSatisfy { $0.scale == scale }, "a step's losses are weighed alike")
        guard hidden.rows > 0 else { return }
        pieces.append(Rows(hidden: hidden, targets: targets, logSumExp: logSumExp, scale: scale, gram: gram))
    }

    /// dW = 0
    public func clear() { pieces = [] }

    /// All rows of the step as one; nil when there are none.
    private func joined() -> Rows? {
        guard let first = pieces.first, pieces.count > 1 else { return pieces.first }
        let hidden = Matrix(rows: pieces.reduce(0) { $0 + $1.hidden.rows }, columns: weight.inputs)
        var row = 0
        for piece in pieces {
            hidden.copyRows(from: piece.hidden, sourceRow: 0, count: piece.hidden.rows, toRow: row)
            row += piece.hidden.rows
        }
        let joined = Rows(
            hidden: hidden, targets: pieces.flatMap(\.targets), logSumExp: pieces.flatMap(\.logSumExp),
            scale: first.scale, gram: nil)
        pieces = [joined]
        return joined
    }

    /// Σ dW², in Double.
    ///
    /// - Complexity: rows² · width operations with a known e·eᵀ; else also the products of `headCrossEntropy`, and
    ///   rows² · vocabulary operations.
    func sumOfSquares(workers: Workers) -> Double {
        workers.times?.begin(.head)
        defer { workers.times?.end() }
        guard let rows = joined() else { return 0 }
        let count = rows.hidden.rows
        let gram = rows.gram ?? gram(rows, workers: workers)
        let hidden = unsafe GramRows(start: rows.hidden.pointer, stride: weight.inputs, columns: weight.inputs)
        return unsafe GramSum.overPairs(rows: count, tiles: 1, workers: workers) { first, second, scratch in
            unsafe GramSum.fill(scratch.tile(0), hidden, first, second, product: scratch.start)
            var sum = 0.0
            for row in first {
                for column in second {
                    let inner = unsafe scratch.tile(0)[
                        (row - first.lowerBound) * GramSum.block + column - second.lowerBound]
                    sum += unsafe inner * Double(gram.pointer[max(row, column) * count + min(row, column)])
                }
            }
            return sum
        }
    }

    /// e·eᵀ on and below the diagonal, `[N, N]`, by a walk over the vocabulary.
    private func gram(_ rows: Rows, workers: Workers) -> Matrix {
        let tiles = HeadTiles(hidden: rows.hidden, weight: weight, targets: rows.targets)
        let (count, parts) = (rows.hidden.rows, Self.partCount(tiles))
        let sums = Matrix(rows: parts * count, columns: count)
        workers.withPacked(rows.hidden, weight.arithmetic) { packed in
            unsafe workers.forEach(tasks: parts, scratch: tiles.scratchCount) { part, scratch in
                for chunk in part * tiles.chunks / parts..<(part + 1) * tiles.chunks / parts {
                    let vocabulary = tiles.range(ofChunk: chunk)
                    unsafe fillLogitGradient(rows, vocabulary, tiles, packed: packed, scratch: scratch)
                    unsafe BLAS.addGram(
                        .init(tiles.logits(scratch), stride: tiles.stride), into: sums.pointer + part * count * count,
                        stride: count, rows: count, inner: vocabulary.count)
                }
            }
        }
        let gram = Matrix(rows: count, columns: count)
        workers.forEach(tasks: count) { row in
            for column in 0...row {
                var sum = 0.0
                for part in 0..<parts { unsafe sum += Double(sums.pointer[(part * count + row) * count + column]) }
                unsafe gram.pointer[row * count + column] = Float(sum)
            }
        }
        return gram
    }

    /// Calls `body` with every tile of dW: all columns of a chunk of the vocabulary.
    ///
    /// - Parameter scratch: floats that `body` gets for itself.
    func forEachTile(
        workers: Workers, scratch extra: Int, _ body: (GradientTile, UnsafeMutablePointer<Float>) -> Void
    ) {
        let width = weight.inputs
        guard let rows = joined() else {
            return unsafe forEachZeroTile(workers: workers, scratch: extra, body)
        }
        let tiles = HeadTiles(hidden: rows.hidden, weight: weight, targets: rows.targets)
        let size = tiles.chunk * width
        workers.withPacked(rows.hidden, weight.arithmetic) { packed in
            unsafe workers.forEach(tasks: tiles.chunks, scratch: tiles.scratchCount + size + extra) { chunk, scratch in
                let vocabulary = tiles.range(ofChunk: chunk)
                let target = unsafe scratch + tiles.scratchCount
                unsafe fillLogitGradient(rows, vocabulary, tiles, packed: packed, scratch: scratch)
                unsafe BLAS.multiply(
                    .init(tiles.logits(scratch), stride: tiles.stride, transposed: true),
                    .init(rows.hidden.pointer, stride: width), into: target, stride: width, rows: vocabulary.count,
                    columns: width, inner: rows.hidden.rows, beta: 0)
                unsafe body(
                    GradientTile(rows: vocabulary, columns: 0..<width, start: target, stride: width), target + size)
            }
        }
    }

    /// The same for a step in which no row counts.
    private func forEachZeroTile(
        workers: Workers, scratch extra: Int, _ body: (GradientTile, UnsafeMutablePointer<Float>) -> Void
    ) {
        let (width, chunk) = (weight.inputs, 64)
        unsafe workers.forEach(tasks: taskCount(weight.outputs, chunk), scratch: chunk * width + extra) {
            task, scratch in
            unsafe scratch.update(repeating: 0, count: chunk * width)
            unsafe body(
                GradientTile(
                    rows: taskRange(task, chunk, weight.outputs), columns: 0..<width, start: scratch, stride: width),
                scratch + chunk * width)
        }
    }

    /// Fills the scratch's logits with e of a chunk of the vocabulary, `[N, chunk]`.
    private func fillLogitGradient(
        _ rows: Rows, _ vocabulary: Range<Int>, _ tiles: HeadTiles, packed: PackedRows,
        scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe tiles.withLogits(vocabulary, packed: packed, scratch: scratch) { _ in
            for row in 0..<rows.hidden.rows {
                let values = unsafe tiles.logits(scratch) + row * tiles.stride
                _ = unsafe Vector.exponentials(values, minus: rows.logSumExp[row], count: vocabulary.count)
                unsafe Vector.multiply(values, by: rows.scale, count: vocabulary.count)
                let target = Int(rows.targets[row])
                if vocabulary.contains(target) { unsafe values[target - vocabulary.lowerBound] -= rows.scale }
            }
        }
    }
}
