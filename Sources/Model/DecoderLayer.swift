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
    var dWeight: WeightGradient?
    var dBias: Matrix?
    /// What is added to the product; only attention's projections look for it.
    var addition: LowRankAddition?

    func forward(_ x: Matrix, into y: Matrix, workers: Workers) {
        linear(x, weight, bias: bias, into: y, workers: workers)
    }

    /// `dW += dyᵀ·x` and `db += Σ_t dy`, each only where it is trained.
    ///
    /// - Parameter x: the projection's input, computed only if the weight is trained.
    func accumulate(_ dy: Matrix, x: () -> Matrix, workers: Workers) {
        if let dWeight { dWeight.add(dy, x(), workers: workers) }
        if let dBias { linearBackwardBias(dy, into: dBias) }
    }
}

/// A trained low-rank addition to one projection, `y += s·(x·Aᵀ)·Bᵀ`, and the gradients of its factors.
struct LowRankAddition {
    let factors: LowRank
    let dDown: Matrix
    let dUp: Matrix

    func forward(_ x: Matrix, into y: Matrix, workers: Workers) { lowRank(x, factors, into: y, workers: workers) }

    /// - Parameters:
    ///   - x: the projection's input.
    ///   - dx: added to; nil where nobody wants it.
    func backward(_ dy: Matrix, x: Matrix, into dx: Matrix?, workers: Workers) {
        lowRankBackward(dy, x: x, factors, dDown: dDown, dUp: dUp, into: dx, workers: workers)
    }
}

extension DecoderLayer {
    var gatedWeights: GatedWeights { GatedWeights(gate: gate.weight, up: up.weight, down: down.weight) }

    /// Whether a scope trains one of the projections.
    var trainsMatrix: Bool { [query, key, value, output, gate, up, down].contains { $0.dWeight != nil } }
}

/// What attention leaves for its backward; every activation has `T` rows.
struct AttentionActivations {
    /// Queries and keys after the rotary embedding, values: `[T, H·h]`, `[T, K·h]`, `[T, K·h]`.
    let query: Activation
    let key: Activation
    let value: Activation
    /// Attention's output before its projection, `[T, H·h]`.
    let output: Activation
    /// Log of the sum of exponentials of each head's scores, `[H, T]`.
    let logSumExp: Matrix

    init(_ shape: DecoderConfiguration, tokens: Int, format: ActivationFormat, in arena: Arena) {
        func make(_ columns: Int) -> Activation {
            Activation(rows: tokens, columns: columns, format: format, in: arena)
        }
        query = make(shape.queryLength)
        key = make(shape.keyValueLength)
        value = make(shape.keyValueLength)
        output = make(shape.queryLength)
        logSumExp = Matrix(rows: shape.headCount, columns: tokens, in: arena)
    }
}

/// What backward needs of one layer's forward.
struct LayerActivations {
    /// Input of the layer, and the residual stream between attention and feed-forward: `[T, d]`.
    let input: Activation
    let middle: Activation
    /// nil where backward computes it again.
    let attention: AttentionActivations?
    /// nil where backward computes it again, or nothing reads it.
    let feedForward: GatedActivations?

    init(
        _ shape: DecoderConfiguration, tokens: Int, saving: LayerSaving, arithmetic: Arithmetic, in arena: Arena
    ) {
        let format = arithmetic.activationFormat
        input = Activation(rows: tokens, columns: shape.embeddingLength, format: format, in: arena)
        middle = Activation(rows: tokens, columns: shape.embeddingLength, format: format, in: arena)
        attention =
            saving.keepsAttention ? AttentionActivations(shape, tokens: tokens, format: format, in: arena) : nil
        feedForward =
            saving.keepsFeedForward
            ? GatedActivations(
                tokens: tokens, featureCount: shape.feedForwardLength, format: arithmetic.wideActivationFormat,
                in: arena)
            : nil
    }
}
