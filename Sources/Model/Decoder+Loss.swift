public import TensorCore

/// `T` inputs and their `T` next-token targets, with the targets that count towards the loss.
public struct TokenWindow: Equatable, Sendable {
    public let inputs: [Int32]
    public let targets: [Int32]
    /// Per target, whether it counts; same count as `targets`.
    public let counted: [Bool]

    /// - Precondition: the three arrays have one count.
    public init(inputs: [Int32], targets: [Int32], counted: [Bool]) {
        precondition(
            inputs.count == targets.count && targets.count == counted.count, "a window's parts differ in length")
        self.inputs = inputs
        self.targets = targets
        self.counted = counted
    }

    public var countedCount: Int { counted.reduce(0) { $0 + ($1 ? 1 : 0) } }
}

extension Decoder {
    /// Fills `output: [T, d]` with that of the layers below `end` for one window: what `loss…(prefix:)` continues from.
    ///
    /// - Throws: `ModelError.memoryRefused`, unless ``reserve(_:)`` has taken the memory; so do all passes.
    public func prefix(
        _ window: TokenWindow, layersBelow end: Int, into output: Matrix
    ) throws(ModelError) {
        let work = try workspace(tokens: window.inputs.count, lowestSaved: nil)
        embedding(window.inputs, embeddingWeight, into: work.hidden)
        runLayers(0..<end, work)
        output.copy(from: work.hidden)
    }

    /// Cross-entropy of each counted target of `window`, in nats.
    ///
    /// - Parameter prefix: the output of the layers below `start` (then `start` must be given), or nil.
    public func losses(
        _ window: TokenWindow, prefix: Matrix? = nil, from start: Int = 0
    ) throws(ModelError) -> [Float] {
        let work = try workspace(tokens: window.inputs.count, lowestSaved: nil)
        begin(window, prefix: prefix, in: work)
        runLayers(start..<configuration.layerCount, work)
        let rows = CountedRows(window, compacting: work.hidden)
        guard rows.count > 0 else { return [] }
        let normed = work.scratch.values.firstRows(rows.count)
        rmsNorm(
            rows.hidden, gain: outputNorm, epsilon: configuration.rmsEpsilon, into: normed, workers: workers)
        return headCrossEntropy(
            normed, head.weight, targets: rows.targets, bias: tokenBias, memory: work.head.memory, workers: workers
        ).losses
    }

    /// Forward and backward of one window: adds `scale · Σ losses`' gradient to every trained tensor's gradient.
    ///
    /// - Parameters:
    ///   - scale: 1 ÷ number of counted targets in the whole step, so that accumulated windows give the step's mean.
    ///   - lowest: the lowest layer that holds a trained tensor; backward ends there.
    ///   - prefix: output of the layers below `start`, or nil to run them; `start` is at most `lowest`.
    ///   - disturb: may change the input of every layer that runs, `[T, d]`, before it does. Backward takes the change
    ///     as given, whatever it was made from.
    /// - Returns: cross-entropy of each counted target, in nats, before any update.
    public func lossesAddingGradients(
        _ window: TokenWindow, scale: Float, lowest: Int, prefix: Matrix? = nil, from start: Int = 0,
        disturb: ((_ layer: Int, _ hidden: Matrix) -> Void)? = nil
    ) throws(ModelError) -> [Float] {
        precondition(start <= lowest, "a prefix may not hide a trained layer")
        let work = try workspace(tokens: window.inputs.count, lowestSaved: lowest)
        begin(window, prefix: prefix, in: work)
        runLayers(start..<configuration.layerCount, work, disturb: disturb)
        let losses = headBackward(window, scale: scale, work)
        guard !losses.isEmpty else { return [] }
        let context = context(positions: work.tokens)
        for index in stride(from: configuration.layerCount - 1, through: lowest, by: -1) {
            layers[index].backward(
                work.dHidden, saved: work.activations(of: index), scratch: work.scratch, reachesInput: index > lowest,
                context: context)
        }
        return losses
    }

    /// Logits of every position, `[T, V]`: for inspection of small models; training never materialises them.
    public func logits(_ tokens: [Int32]) throws(ModelError) -> Matrix {
        try check(tokens)
        let work = try workspace(tokens: tokens.count, lowestSaved: nil)
        embedding(tokens, embeddingWeight, into: work.hidden)
        runLayers(0..<configuration.layerCount, work)
        return logits(ofHidden: work.hidden)
    }

    /// `rmsNorm(hidden)·Wheadᵀ`: `[T, d]` to `[T, V]`.
    func logits(ofHidden hidden: Matrix) -> Matrix {
        let normed = Matrix(rows: hidden.rows, columns: hidden.columns)
        rmsNorm(hidden, gain: outputNorm, epsilon: configuration.rmsEpsilon, into: normed, workers: workers)
        let logits = Matrix(rows: hidden.rows, columns: configuration.vocabularySize)
        head.forward(normed, into: logits, workers: workers)
        tokenBias?.add(to: logits)
        return logits
    }

    private func begin(_ window: TokenWindow, prefix: Matrix?, in work: WindowWorkspace) {
        if let prefix {
            work.hidden.copy(from: prefix)
        } else {
            embedding(window.inputs, embeddingWeight, into: work.hidden)
        }
    }

    private func runLayers(
        _ range: Range<Int>, _ work: WindowWorkspace, disturb: ((_ layer: Int, _ hidden: Matrix) -> Void)? = nil
    ) {
        let context = context(positions: work.tokens)
        for index in range {
            disturb?(index, work.hidden)
            layers[index].forward(
                work.hidden, saving: work.activations(of: index), scratch: work.scratch, context: context)
        }
    }

    /// Head, cross-entropy and final norm; leaves the gradient of the last layer's output in `work.dHidden`.
    private func headBackward(_ window: TokenWindow, scale: Float, _ work: WindowWorkspace) -> [Float] {
        let rows = CountedRows(window, compacting: work.hidden)
        guard rows.count > 0 else { return [] }
        // What a trained head keeps for its own gradient must outlive the pass.
        let normed =
            dHead == nil
            ? work.scratch.values.firstRows(rows.count) : Matrix(rows: rows.count, columns: rows.hidden.columns)
        rmsNorm(
            rows.hidden, gain: outputNorm, epsilon: configuration.rmsEpsilon, into: normed, workers: workers)
        let dNormed = work.head.dNormed.firstRows(rows.count)
        dNormed.fill(0)
        let result = headCrossEntropyWithGradient(
            normed, head.weight, targets: rows.targets, scale: scale, into: dNormed, dWeight: dHead,
            bias: tokenBias, memory: work.head.memory, workers: workers)
        work.dHidden.fill(0)
        rmsNormBackward(
            dNormed, x: rows.hidden, gain: outputNorm, epsilon: configuration.rmsEpsilon,
            into: work.dHidden.firstRows(rows.count), dGain: dOutputNorm, workers: workers)
        rows.spread(work.dHidden)
        return result.losses
    }
}

/// The rows of a window's hidden states whose targets count: only these meet the vocabulary.
private struct CountedRows {
    let positions: [Int]
    let targets: [Int32]
    /// `[count, d]`.
    let hidden: Matrix

    var count: Int { positions.count }

    /// Moves the counted rows of `all` together, over the others.
    init(_ window: TokenWindow, compacting all: Matrix) {
        positions = window.counted.indices.filter { window.counted[$0] }
        targets = positions.map { window.targets[$0] }
        for (row, position) in positions.enumerated() { all.copyRow(position, to: row) }
        hidden = all.firstRows(positions.count)
    }

    /// Moves the first rows of `all` back to where the counted ones were; the others become zero.
    func spread(_ all: Matrix) {
        for (row, position) in positions.enumerated().reversed() where row != position {
            all.copyRow(row, to: position)
            all.clearRow(row)
        }
    }
}
