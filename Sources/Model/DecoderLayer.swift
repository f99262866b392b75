internal import TensorCore

/// The tensors of one transformer layer.
///
/// Gains and biases are f32 `[1, n]`; projections stay quantised in the map unless a scope trains them.
struct DecoderLayer {
    var attentionNorm: Matrix
    var query: Projection
    var key: Projection
    var value: Projection
    var output: Projection
    var feedForwardNorm: Matrix
    var gate: Projection
    var up: Projection
    var down: Projection

    /// Gradients of the two norm gains, where the scope trains them.
    var dAttentionNorm: Matrix?
    var dFeedForwardNorm: Matrix?
}

/// `y = x·Wᵀ + b`, with the gradients that the scope asks for.
struct Projection {
    var weight: LinearWeight
    var bias: Matrix?
    var dWeight: Matrix?
    var dBias: Matrix?

    func forward(_ x: Matrix, into y: Matrix, workers: Workers) {
        linear(x, weight, bias: bias, into: y, workers: workers)
    }

    /// `dW += dyᵀ·x` and `db += Σ_t dy`, each only where it is trained.
    ///
    /// - Parameter x: the projection's input, computed only if the weight is trained.
    func accumulate(_ dy: Matrix, x: () -> Matrix, workers: Workers) {
        if let dWeight { linearBackwardWeight(dy, x(), into: dWeight, workers: workers) }
        if let dBias { linearBackwardBias(dy, into: dBias) }
    }
}

/// What backward needs of one layer's forward over `T` tokens; every matrix has `T` rows.
struct LayerActivations {
    /// Input of the layer, `[T, d]`.
    let input: Matrix
    /// Queries and keys after the rotary embedding, values: `[T, H·h]`, `[T, K·h]`, `[T, K·h]`.
    let query: Matrix
    let key: Matrix
    let value: Matrix
    /// Attention's output before its projection, `[T, H·h]`.
    let attention: Matrix
    /// Log of the sum of exponentials of each head's scores, `[H, T]`.
    let logSumExp: Matrix
    /// Residual stream between attention and feed-forward, `[T, d]`.
    let middle: Matrix
    /// Feed-forward's gate and up projections, `[T, f]`.
    let gate: Matrix
    let up: Matrix

    init(_ shape: DecoderConfiguration, tokens: Int) {
        input = Matrix(rows: tokens, columns: shape.embeddingLength)
        query = Matrix(rows: tokens, columns: shape.queryLength)
        key = Matrix(rows: tokens, columns: shape.keyValueLength)
        value = Matrix(rows: tokens, columns: shape.keyValueLength)
        attention = Matrix(rows: tokens, columns: shape.queryLength)
        logSumExp = Matrix(rows: shape.headCount, columns: tokens)
        middle = Matrix(rows: tokens, columns: shape.embeddingLength)
        gate = Matrix(rows: tokens, columns: shape.feedForwardLength)
        up = Matrix(rows: tokens, columns: shape.feedForwardLength)
    }
}

/// Matrices that one layer's forward or backward overwrites and nobody reads afterwards.
struct LayerScratch {
    /// `[T, d]`: a normalised residual stream, or the gradient of one.
    let normed: Matrix
    let dNormed: Matrix
    /// `[T, d]`: output of a projection back into the residual stream.
    let projected: Matrix
    /// `[T, f]`: silu(gate)·up and the gradients of it, of gate and of up.
    let activated: Matrix
    let dActivated: Matrix
    let dGate: Matrix
    let dUp: Matrix
    let dAttention: Matrix
    let dQuery: Matrix
    let dKey: Matrix
    let dValue: Matrix

    /// - Parameter backward: whether the gradients are needed; without, they have no rows.
    init(_ shape: DecoderConfiguration, tokens: Int, backward: Bool) {
        let gradientRows = backward ? tokens : 0
        normed = Matrix(rows: tokens, columns: shape.embeddingLength)
        projected = Matrix(rows: tokens, columns: shape.embeddingLength)
        activated = Matrix(rows: tokens, columns: shape.feedForwardLength)
        dNormed = Matrix(rows: gradientRows, columns: shape.embeddingLength)
        dActivated = Matrix(rows: gradientRows, columns: shape.feedForwardLength)
        dGate = Matrix(rows: gradientRows, columns: shape.feedForwardLength)
        dUp = Matrix(rows: gradientRows, columns: shape.feedForwardLength)
        dAttention = Matrix(rows: gradientRows, columns: shape.queryLength)
        dQuery = Matrix(rows: gradientRows, columns: shape.queryLength)
        dKey = Matrix(rows: gradientRows, columns: shape.keyValueLength)
        dValue = Matrix(rows: gradientRows, columns: shape.keyValueLength)
    }
}
