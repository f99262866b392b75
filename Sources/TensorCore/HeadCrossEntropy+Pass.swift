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
        let grain = PackedRows.grain
        chunk = min(max(262_144 / weight.inputs / grain * grain, grain), 512)
        chunks = taskCount(weight.outputs, chunk)
    }

    /// Floats from one row of logits to the next.
    var stride: Int { chunk + 16 }

    func range(ofChunk index: Int) -> Range<Int> { taskRange(index, chunk, weight.outputs) }

    // MARK: Scratch: the chunk's panel, the chunk decoded, its logits, and the logits packed

    private var panelCount: Int {
        guard let kind = weight.arithmetic.kind else { return 0 }
        let size = max(ck_panel_size(kind, weight.inputs, chunk), ck_panel_size(kind, chunk, weight.inputs))
        return ((size + 63) & ~63) / 4
    }
    private var decodedCount: Int { LinearWeight.scratchCount(rows: chunk, columns: weight.inputs) }
    private var packedCount: Int {
        weight.arithmetic.kind == nil
            ? 0 : hidden.rows * PackedRows.stride(weight.arithmetic, inner: chunk) / 4
    }
    var scratchCount: Int { panelCount + decodedCount + (hidden.rows * stride + 15) & ~15 + packedCount }

    /// Where a task's logits lie in its scratch: `[N, chunk]`, row distance ``stride``.
    func logits(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
        unsafe scratch + panelCount + decodedCount
    }

    /// Fills the scratch's logits with hidden·Wᵀ of a chunk, and calls `body` while the chunk of W can be read.
    ///
    /// - Parameter packed: ``hidden`` packed for the weight's arithmetic.
    func withLogits(
        _ vocabulary: Range<Int>, packed: PackedRows, scratch: UnsafeMutablePointer<Float>,
        _ body: (HeadChunk) -> Void
    ) {
        let logits = unsafe logits(scratch)
        let decoded = unsafe scratch + panelCount
        let rows = unsafe logits + (hidden.rows * stride + 15) & ~15
        let columns = 0..<weight.inputs
        guard let kind = weight.arithmetic.kind else {
            unsafe weight.withBlock(rows: vocabulary, columns: columns, scratch: decoded) { w, wStride in
                unsafe BLAS.multiply(
                    .init(hidden.pointer, stride: hidden.columns), .init(w, stride: wStride, transposed: true),
                    into: logits, stride: stride, rows: hidden.rows, columns: vocabulary.count, inner: weight.inputs,
                    beta: 0)
                unsafe body(
                    HeadChunk(
                        weight: weight, vocabulary: vocabulary, panel: scratch, decoded: w, decodedStride: wStride,
                        rows: rows))
            }
            return
        }
        let path = Arithmetic.path(kind)
        unsafe weight.withSource(rows: vocabulary, columns: columns, scratch: decoded) { type, from, fromStride in
            unsafe ck_panel_transposed(
                kind, path, type, from, fromStride, vocabulary.count, weight.inputs, UnsafeMutableRawPointer(scratch))
        }
        unsafe ck_multiply(
            kind, path, packed.pointer(from: 0), packed.stride, hidden.rows, scratch, weight.inputs, logits, stride,
            vocabulary.count, false)
        unsafe body(
            HeadChunk(
                weight: weight, vocabulary: vocabulary, panel: scratch, decoded: decoded, decodedStride: 0, rows: rows))
    }
}

/// A chunk of W, for the product that gives the gradient of hidden.
@unsafe
struct HeadChunk {
    let weight: LinearWeight
    let vocabulary: Range<Int>
    let panel: UnsafeMutablePointer<Float>
    /// The chunk in f32 where the arithmetic is f32, or else room for it.
    let decoded: UnsafePointer<Float>
    let decodedStride: Int
    /// Room for the left operand.
    let rows: UnsafeMutablePointer<Float>

    /// target = p·W, or target += p·W; p: `[count, chunk]`, target: `[count, width]`.
    func addProduct(
        _ p: UnsafeMutablePointer<Float>, stride: Int, rows count: Int, into target: UnsafeMutablePointer<Float>,
        adds: Bool
    ) {
        let width = unsafe weight.inputs
        let inner = unsafe vocabulary.count
        guard let kind = unsafe weight.arithmetic.kind else {
            unsafe BLAS.multiply(
                .init(p, stride: stride), .init(decoded, stride: decodedStride), into: target, stride: width,
                rows: count, columns: width, inner: inner, beta: adds ? 1 : 0)
            return
        }
        let path = Arithmetic.path(kind)
        let packed = unsafe PackedRows(rows: count, inner: inner, arithmetic: weight.arithmetic, at: rows)
        unsafe packed.pack(row: 0, count: count, 0..<inner, from: p, stride: stride)
        unsafe weight.withSource(
            rows: vocabulary, columns: 0..<width, scratch: UnsafeMutablePointer(mutating: decoded)
        ) { type, from, fromStride in
            unsafe ck_panel_straight(kind, path, type, from, fromStride, inner, width, UnsafeMutableRawPointer(panel))
        }
        unsafe ck_multiply(
            kind, path, packed.pointer(from: 0), packed.stride, count, panel, inner, target, width, width, adds)
    }
}

extension LinearWeight {
    /// Bytes of the threads' scratch in a walk over the vocabulary.
    public func headScratchByteCount(rows: Int, threads: Int) -> Int {
        let hidden = Matrix(rows: rows, columns: inputs, in: .measuring())
        let tiles = HeadTiles(hidden: hidden, weight: self, targets: Array(repeating: 0, count: rows))
        return min(threads, tiles.chunks) * tiles.scratchCount * MemoryLayout<Float>.stride
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
    private let packed: PackedRows?
    /// For the norm of the weight's gradient, where that is wanted.
    private let gram: HeadGram?
    private let bias: TokenBias?
    /// `[N, tokens of the bias]`: their logits, for the bias's gradient.
    private let biasedLogits: Matrix?

    init(
        hidden: Matrix, weight: LinearWeight, targets: [Int32], bias: TokenBias? = nil, collectsGradient: Bool,
        collectsGram: Bool = false, memory: HeadMemory? = nil
    ) {
        tiles = HeadTiles(hidden: hidden, weight: weight, targets: targets)
        self.targets = targets
        parts = min(
            tiles.chunks,
            collectsGradient ? Self.gradientPartCount(rows: hidden.rows, width: hidden.columns) : 64)
        maxima = Matrix(rows: parts, columns: hidden.rows)
        maxima.fill(-.infinity)
        sums = Matrix(rows: parts, columns: hidden.rows)
        targetLogits = Matrix(rows: 1, columns: hidden.rows)
        let count = parts * hidden.rows
        gradients =
            collectsGradient
            ? memory?.gradients?.firstRows(count) ?? Matrix(rows: count, columns: hidden.columns) : nil
        packed = memory?.packed.firstRows(hidden.rows)
        gram = collectsGram ? HeadGram(targets: targets, parts: parts) : nil
        self.bias = bias
        biasedLogits =
            collectsGradient ? bias.map { Matrix(rows: targets.count, columns: $0.tokens.count) } : nil
    }

    /// Eight parts keep that many threads busy; four when the running sums of more would take more than 8 MB.
    static func gradientPartCount(rows: Int, width: Int) -> Int { min(max(2_097_152 / max(rows * width, 1), 4), 8) }

    func run(workers: Workers) {
        guard tiles.hidden.rows > 0 else { return }
        withPacked(workers) { packed in
            unsafe workers.forEach(tasks: parts, scratch: tiles.scratchCount) { part, scratch in
                let logits = unsafe tiles.logits(scratch)
                let first = part * tiles.chunks / parts
                for index in first..<(part + 1) * tiles.chunks / parts {
                    let vocabulary = tiles.range(ofChunk: index)
                    unsafe tiles.withLogits(vocabulary, packed: packed, scratch: scratch) { chunk in
                        unsafe bias?.add(
                            to: logits, stride: tiles.stride, rows: targets.count, vocabulary: vocabulary,
                            keeping: biasedLogits)
                        unsafe gram?.keep(logits, stride: tiles.stride, vocabulary: vocabulary)
                        for row in 0..<targets.count {
                            unsafe accumulate(
                                logits + row * tiles.stride, row: row, part: part, vocabulary: vocabulary)
                        }
                        guard let gradients else { return }
                        unsafe chunk.addProduct(
                            logits, stride: tiles.stride, rows: targets.count,
                            into: gradients.pointer + part * targets.count * tiles.weight.inputs, adds: index > first)
                        unsafe gram?.add(logits, stride: tiles.stride, vocabulary: vocabulary, part: part)
                    }
                }
            }
        }
    }

    private func withPacked(_ workers: Workers, _ body: (PackedRows) -> Void) {
        guard let packed else { return workers.withPacked(tiles.hidden, tiles.weight.arithmetic, body) }
        packed.pack(tiles.hidden, workers: workers)
        body(packed)
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
            gram?.shrink(row: row, by: shrink, part: part)
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

    /// e·eᵀ of the logits' gradients e, on and below the diagonal; nil where it was not wanted.
    func gram(logSumExp: [Float], scale: Float, workers: Workers) -> Matrix? {
        gram?.joined(maxima: maxima, logSumExp: logSumExp, scale: scale, workers: workers)
    }

    func addBiasGradient(logSumExp: [Float], scale: Float) {
        guard let bias, let biasedLogits else { return }
        bias.addGradient(kept: biasedLogits, targets: targets, logSumExp: logSumExp, scale: scale)
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
