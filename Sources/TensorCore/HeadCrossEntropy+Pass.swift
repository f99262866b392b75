// The chunked walk over the vocabulary that losses and gradients share, and its running sums.

internal import CKernels
internal import Foundation

/// How the vocabulary is cut, and the products with one chunk of it.
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

    func range(ofChunk index: Int) -> Range<Int> { taskRange(index, chunk, weight.outputs) }

    // MARK: Scratch: what the chunk of W needs, then the logits, then, in bfloat16, the logits packed

    private var weightCount: Int {
        let decoded = LinearWeight.scratchCount(rows: chunk, columns: weight.inputs)
        return switch weight.arithmetic {
        case .f32: decoded
        case .bf16: decoded + panelCount
        }
    }
    private var panelCount: Int {
        max(
            BFloat16.panelCount(inner: weight.inputs, columns: chunk),
            BFloat16.panelCount(inner: chunk, columns: weight.inputs))
    }
    private var packedStride: Int { unsafe BFloat16Rows.stride(columns: chunk) }
    var scratchCount: Int { weightCount + hidden.rows * (stride + (weight.arithmetic == .bf16 ? packedStride : 0)) }

    /// Where a task's logits lie in its scratch: `[N, chunk]`, row distance ``stride``.
    func logits(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> { unsafe scratch + weightCount }

    /// Packs what all tasks read, in bfloat16, and lends it; nil in f32.
    func withPackedHidden(workers: Workers, _ body: (BFloat16Rows?) -> Void) {
        switch weight.arithmetic {
        case .f32: body(nil)
        case .bf16: unsafe BFloat16.withRows(hidden, workers: workers) { unsafe body($0) }
        }
    }

    /// Fills the scratch's logits with hidden·Wᵀ of a chunk, and calls `body` while the chunk of W is decoded.
    ///
    /// - Parameter packed: from ``withPackedHidden(workers:_:)``.
    func withLogits(
        _ vocabulary: Range<Int>, packed: BFloat16Rows?, scratch: UnsafeMutablePointer<Float>,
        _ body: (HeadChunk) -> Void
    ) {
        let logits = unsafe logits(scratch)
        let panel = unsafe BFloat16.words(scratch + LinearWeight.scratchCount(rows: chunk, columns: weight.inputs))
        unsafe weight.withBlock(rows: vocabulary, columns: 0..<weight.inputs, scratch: scratch) { w, wStride in
            if let packed = unsafe packed {
                unsafe ck_bf16_pack_transposed(BFloat16.path, w, wStride, vocabulary.count, weight.inputs, panel)
                unsafe ck_bf16_multiply(
                    BFloat16.path, packed.start, packed.stride, hidden.rows, panel, (weight.inputs + 1) / 2, logits,
                    stride, vocabulary.count, false)
            } else {
                unsafe BLAS.multiply(
                    .init(hidden.pointer, stride: hidden.columns), .init(w, stride: wStride, transposed: true),
                    into: logits, stride: stride, rows: hidden.rows, columns: vocabulary.count, inner: weight.inputs,
                    beta: 0)
            }
            unsafe body(
                HeadChunk(
                    weight: weight, count: vocabulary.count, decoded: w, decodedStride: wStride, panel: panel,
                    packed: BFloat16.words(logits + hidden.rows * stride), packedStride: packedStride))
        }
    }
}

/// A decoded chunk of W, for the product that gives the gradient of hidden.
@unsafe
struct HeadChunk {
    let weight: LinearWeight
    /// Vocabulary rows.
    let count: Int
    let decoded: UnsafePointer<Float>
    let decodedStride: Int
    let panel: UnsafeMutablePointer<UInt32>
    let packed: UnsafeMutablePointer<UInt32>
    let packedStride: Int

    /// target += p·W, p: `[rows, count]`, target: `[rows, width]`.
    func addProduct(
        _ p: UnsafeMutablePointer<Float>, stride: Int, rows: Int, into target: UnsafeMutablePointer<Float>
    ) {
        let width = unsafe weight.inputs
        switch unsafe weight.arithmetic {
        case .f32:
            unsafe BLAS.multiply(
                .init(p, stride: stride), .init(decoded, stride: decodedStride), into: target, stride: width,
                rows: rows,
                columns: width, inner: count, beta: 1)
        case .bf16:
            unsafe ck_bf16_pack_rows(BFloat16.path, p, stride, rows, count, packed, packedStride)
            unsafe ck_bf16_pack_straight(BFloat16.path, decoded, decodedStride, count, width, panel)
            unsafe ck_bf16_multiply(
                BFloat16.path, packed, packedStride, rows, panel, (count + 1) / 2, target, width, width, true)
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
        unsafe tiles.withPackedHidden(workers: workers) { packed in
            unsafe workers.forEach(tasks: parts, scratch: tiles.scratchCount) { part, scratch in
                let logits = unsafe tiles.logits(scratch)
                for index in part * tiles.chunks / parts..<(part + 1) * tiles.chunks / parts {
                    let vocabulary = tiles.range(ofChunk: index)
                    unsafe tiles.withLogits(vocabulary, packed: packed, scratch: scratch) { chunk in
                        for row in 0..<targets.count {
                            unsafe accumulate(
                                logits + row * tiles.stride, row: row, part: part, vocabulary: vocabulary)
                        }
                        guard let gradients else { return }
                        unsafe chunk.addProduct(
                            logits, stride: tiles.stride, rows: targets.count,
                            into: gradients.pointer + part * targets.count * tiles.weight.inputs)
                    }
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
