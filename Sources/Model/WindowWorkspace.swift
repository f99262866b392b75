internal import TensorCore

/// Memory for one window's pass: activations per saved layer, what a layer overwrites, and the residual stream.
final class WindowWorkspace {
    let plan: MemoryPlan
    /// Residual stream and its gradient, `[T, d]`.
    let hidden: Matrix
    let dHidden: Matrix
    let scratch: LayerScratch
    /// Layers below the plan's lowest share `passing`; the others keep what the plan says.
    private let passing: LayerActivations
    private let saved: [LayerActivations]

    var tokens: Int { plan.tokens }

    /// Lays out every buffer in `arena`; with a measuring one, it tells how many bytes they take.
    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        self.plan = plan
        let tokens = plan.tokens
        let d = shape.embeddingLength
        let format = plan.arithmetic.activationFormat
        hidden = Matrix(rows: tokens, columns: d, in: arena)
        dHidden = Matrix(rows: plan.hasBackward ? tokens : 0, columns: d, in: arena)
        scratch = LayerScratch(shape, plan: plan, in: arena)
        let shared = AttentionActivations(shape, tokens: tokens, format: format, in: arena)
        func layer(_ saving: LayerSaving, feedForward: Bool) -> LayerActivations {
            LayerActivations(
                input: Activation(rows: tokens, columns: d, format: format, in: arena),
                middle: Activation(rows: tokens, columns: d, format: format, in: arena),
                attention: saving.keepsAttention
                    ? AttentionActivations(shape, tokens: tokens, format: format, in: arena) : shared,
                keepsAttention: saving.keepsAttention,
                feedForward: feedForward && saving.keepsFeedForward
                    ? GatedActivations(
                        tokens: tokens, featureCount: shape.feedForwardLength,
                        format: plan.arithmetic.wideActivationFormat, in: arena)
                    : nil)
        }
        passing = layer(.least, feedForward: false)
        saved = plan.savings.map { layer($0, feedForward: true) }
    }

    func activations(of layer: Int) -> LayerActivations {
        layer < plan.lowestSaved ? passing : saved[layer - plan.lowestSaved]
    }
}

/// What one layer's forward or backward overwrites and nobody reads afterwards.
struct LayerScratch {
    /// `[T, d]`: a residual stream, or its norm.
    let values: Matrix
    /// The norm, packed.
    let normed: PackedRows
    /// `[T, H·h]`, `[T, K·h]`, `[T, K·h]`: projections before they are stored. Backward's gradients lie in the same
    /// place.
    let query: Matrix
    let key: Matrix
    let value: Matrix
    /// `[T, H·h]`: attention's output, packed.
    let attended: PackedRows
    /// `[T, f]`: the feed-forward's activation, and in backward the gradient of the gates, packed.
    let activated: PackedRows
    let backward: LayerBackwardScratch?

    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        let tokens = plan.tokens
        func rows(_ inner: Int) -> PackedRows {
            PackedRows(rows: tokens, inner: inner, arithmetic: plan.arithmetic, in: arena)
        }
        values = Matrix(rows: tokens, columns: shape.embeddingLength, in: arena)
        normed = rows(shape.embeddingLength)
        attended = rows(shape.queryLength)
        activated = rows(shape.feedForwardLength)
        backward = plan.hasBackward ? LayerBackwardScratch(shape, plan: plan, in: arena) : nil
        query = backward?.attention.dq ?? Matrix(rows: tokens, columns: shape.queryLength, in: arena)
        key = backward?.attention.dk ?? Matrix(rows: tokens, columns: shape.keyValueLength, in: arena)
        value = backward?.attention.dv ?? Matrix(rows: tokens, columns: shape.keyValueLength, in: arena)
    }
}

/// The gradients of one layer, all with `T` rows.
struct LayerBackwardScratch {
    /// The gradient of a layer's output or middle, packed.
    let dRows: PackedRows
    /// `[T, d]`: of a norm's output.
    let dNormed: Matrix
    /// `[T, H·h]`: of attention's output.
    let dAttention: Matrix
    let attention: AttentionGradients
    let dQuery: PackedRows
    let dKey: PackedRows
    let dValue: PackedRows
    /// `[T, f]`
    let dUp: PackedRows
    /// Where matrices are trained: `[T, f]` gradients of gate and up and the activation in f32.
    let gatedValues: (dGate: Matrix, dUp: Matrix, a: Matrix)?
    /// Likewise `[T, H·h]`: attention's output.
    let attended: Matrix?

    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        let tokens = plan.tokens
        func rows(_ inner: Int) -> PackedRows {
            PackedRows(rows: tokens, inner: inner, arithmetic: plan.arithmetic, in: arena)
        }
        func matrix(_ columns: Int) -> Matrix { Matrix(rows: tokens, columns: columns, in: arena) }
        dRows = rows(shape.embeddingLength)
        dNormed = matrix(shape.embeddingLength)
        dAttention = matrix(shape.queryLength)
        attention = AttentionGradients(
            tokens: tokens, queryLength: shape.queryLength, keyValueLength: shape.keyValueLength, in: arena)
        dQuery = rows(shape.queryLength)
        dKey = rows(shape.keyValueLength)
        dValue = rows(shape.keyValueLength)
        dUp = rows(shape.feedForwardLength)
        let f = shape.feedForwardLength
        gatedValues = plan.trainsMatrices ? (matrix(f), matrix(f), matrix(f)) : nil
        attended = plan.trainsMatrices ? matrix(shape.queryLength) : nil
    }
}
