// The chunked walk over the vocabulary that losses and gradients share, and its running sums.

internal import Foundation

/// How the vocabulary is cut, and the product that gives one chunk of logits.
struct HeadTiles {
    let hidden: Matrix
    let weight: LinearWeight
    /// Vocabulary rows per chunk: about 1 MB of decoded weights.
    let chunk: Int
    let chunks: Int

    init(hidden: Matrix, weight: LinearWeight, targets: [Int32]) {
        precondition(
            hidden.columns == weight.inputs && targets.count == hidden.rows,
            "head: hidden \(hidden.shape), W \(weight.outputs) × \(weight.inputs), \(targets.count) targets")
        precondition(
            targets.allSatisfy { $0 >= 0 && Int($0) < weight.outputs }, "head: a target outside 0..<\(weight.outputs)")
        self.hidden = hidden
        self.weight = weight
        chunk = min(max(262_144 / weight.inputs / 16 * 16, 32), 512)
        chunks = taskCount(weight.outputs, chunk)
    }

    /// Floats from one row of logits to the next.
    var stride: Int { chunk + 16 }
    var decodedCount: Int { LinearWeight.scratchCount(rows: chunk, columns: weight.inputs) }
    var scratchCount: Int { decodedCount + hidden.rows * stride }

    func range(ofChunk index: Int) -> Range<Int> { taskRange(index, chunk, weight.outputs) }

    /// Fills `logits` (`[N, vocabulary]`, row distance `stride`) and calls `body` with the chunk of W and its row distance.
    func withLogits(
        _ vocabulary: Range<Int>, scratch: UnsafeMutablePointer<Float>, logits: UnsafeMutablePointer<Float>,
        _ body: (UnsafePointer<Float>, Int) -> Void
    ) {
        unsafe weight.withBlock(rows: vocabulary, columns: 0..<weight.inputs, scratch: scratch) { w, wStride in
            unsafe BLAS.multiply(
                .init(hidden.pointer, stride: hidden.columns), .init(w, stride: wStride, transposed: true),
                into: logits, stride: stride, rows: hidden.rows, columns: vocabulary.count, inner: weight.inputs,
                beta: 0)
            unsafe body(w, wStride)
        }
    }
}

/// One walk over the vocabulary. Each part keeps, per row: the largest logit m, Σ exp(l − m), and with gradients
/// Σ exp(l − m) · W.
struct HeadPass {
    private let tiles: HeadTiles
    private let targets: [Int32]
    private let parts: Int
    /// `[parts, N]`.
    private let maxima: Matrix
    /// `[parts, N]`.
    private let sums: Matrix
    /// `[1, N]`.
    private let targetLogits: Matrix
    /// `[parts · N, width]`, or nothing.
    private let gradients: Matrix?

    init(hidden: Matrix, weight: LinearWeight, targets: [Int32], collectsGradient: Bool) {
        tiles = HeadTiles(hidden: hidden, weight: weight, targets: targets)
        self.targets = targets
        // Eight parts keep that many threads busy; fewer when their running sums would take more than 16 MB.
        let affordable = collectsGradient ? 4_194_304 / max(hidden.count, 1) : 64
        parts = min(tiles.chunks, collectsGradient ? min(max(affordable, 2), 8) : 64)
        maxima = Matrix(rows: parts, columns: hidden.rows)
        maxima.fill(-.infinity)
        sums = Matrix(rows: parts, columns: hidden.rows)
        targetLogits = Matrix(rows: 1, columns: hidden.rows)
        gradients = collectsGradient ? Matrix(rows: parts * hidden.rows, columns: hidden.columns) : nil
    }

    func run(workers: Workers) {
        guard tiles.hidden.rows > 0 else { return }
        unsafe workers.forEach(tasks: parts, scratch: tiles.scratchCount) { part, scratch in
            let logits = unsafe scratch + tiles.decodedCount
            for chunk in part * tiles.chunks / parts..<(part + 1) * tiles.chunks / parts {
                let vocabulary = tiles.range(ofChunk: chunk)
                unsafe tiles.withLogits(vocabulary, scratch: scratch, logits: logits) { w, wStride in
                    for row in 0..<targets.count {
                        unsafe accumulate(logits + row * tiles.stride, row: row, part: part, vocabulary: vocabulary)
                    }
                    guard let gradients else { return }
                    let width = tiles.weight.inputs
                    unsafe BLAS.multiply(
                        .init(logits, stride: tiles.stride), .init(w, stride: wStride),
                        into: gradients.pointer + part * targets.count * width, stride: width, rows: targets.count,
                        columns: width, inner: vocabulary.count, beta: 1)
                }
            }
        }
    }

    /// Replaces the logits of one row by exp(l − m), after bringing what the part has summed so far to the new m.
    private func accumulate(_ logits: UnsafeMutablePointer<Float>, row: Int, part: Int, vocabulary: Range<Int>) {
        let target = Int(targets[row])
        if vocabulary.contains(target) {
            unsafe targetLogits.pointer[row] = logits[target - vocabulary.lowerBound]
        }
        let index = part * targets.count + row
        let before = unsafe maxima.pointer[index]
        let top = unsafe max(before, Vector.maximum(logits, count: vocabulary.count))
        if top > before {
            let shrink = exp(before - top)
            unsafe maxima.pointer[index] = top
            unsafe sums.pointer[index] *= shrink
            if let gradients {
                let width = gradients.columns
                unsafe Vector.multiply(gradients.pointer + index * width, by: shrink, count: width)
            }
        }
        unsafe sums.pointer[index] += Vector.exponentials(logits, minus: top, count: vocabulary.count)
    }

    /// The parts joined, in Double.
    func result() -> HeadCrossEntropyResult {
        var losses = [Float]()
        var logSumExp = [Float]()
        for row in 0..<targets.count {
            let top = (0..<parts).map { maxima[$0, row] }.max() ?? 0
            var sum = 0.0
            for part in 0..<parts { sum += Double(sums[part, row]) * exp(Double(maxima[part, row]) - Double(top)) }
            let value = Double(top) + log(sum)
            logSumExp.append(Float(value))
            losses.append(Float(value - Double(targetLogits[0, row])))
        }
        return HeadCrossEntropyResult(losses: losses, logSumExp: logSumExp)
    }

    /// dhidden_n += scale · (Σ_parts exp(m_part − L_n) · sum_part − W_target)
    func addGradient(logSumExp: [Float], scale: Float, into dHidden: Matrix, workers: Workers) {
        guard let gradients else { return }
        let width = gradients.columns
        unsafe workers.forEach(tasks: targets.count, scratch: width) { row, scratch in
            let target = unsafe dHidden.pointer + row * width
            for part in 0..<parts {
                let index = part * targets.count + row
                let share = unsafe exp(maxima.pointer[index] - logSumExp[row]) * scale
                unsafe Vector.add(gradients.pointer + index * width, scale: share, into: target, count: width)
            }
            var span = unsafe MutableSpan(_unsafeStart: scratch, count: width)
            tiles.weight.row(Int(targets[row]), into: &span)
            unsafe Vector.add(scratch, scale: -scale, into: target, count: width)
        }
    }
}
