internal import TensorCore

/// Memory for one window's pass: activations per saved layer, what a layer overwrites, and the residual stream.
///
/// Attention's part of a layer, the feed-forward's, and the head are never at work together: what they overwrite lies in
/// the same place.
final class WindowWorkspace {
    let plan: MemoryPlan
    /// Residual stream, `[T, d]`. Once the head has been there nobody reads it: layers then use it in their backward.
    let hidden: Matrix
    /// The stream's gradient, `[T, d]`.
    let dHidden: Matrix
    let scratch: LayerScratch
    let head: HeadScratch
    /// Layers below the plan's lowest share `passing`; the others keep what the plan says.
    private let passing: LayerActivations?
    private let saved: [LayerActivations]

    var tokens: Int { plan.tokens }

    /// Lays out every buffer in `arena`; with a measuring one, it tells how many bytes they take.
    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        self.plan = plan
        let tokens = plan.tokens
        let d = shape.embeddingLength
        hidden = Matrix(rows: tokens, columns: d, in: arena)
        dHidden = Matrix(rows: plan.hasBackward ? tokens : 0, columns: d, in: arena)
        let values = Matrix(rows: tokens, columns: d, in: arena)
        let normed = PackedRows(rows: tokens, inner: d, arithmetic: plan.arithmetic, in: arena)
        func keep(_ saving: LayerSaving) -> LayerActivations {
            LayerActivations(shape, tokens: tokens, saving: saving, arithmetic: plan.arithmetic, in: arena)
        }
        passing = plan.lowestSaved > 0 ? keep(.least) : nil
        saved = plan.savings.map(keep)

        let place = arena.used
        let attention = AttentionScratch(shape, plan: plan, in: arena)
        arena.rewind(to: place)
        let feedForward = FeedForwardScratch(shape, plan: plan, in: arena)
        arena.rewind(to: place)
        head = HeadScratch(
            dNormed: Matrix(rows: plan.hasBackward ? tokens : 0, columns: d, in: arena),
            memory: HeadMemory(
                rows: tokens, width: d, arithmetic: plan.arithmetic, backward: plan.hasBackward, in: arena))
        scratch = LayerScratch(
            values: values, normed: normed, dNormed: hidden, attention: attention, feedForward: feedForward)
    }

    func activations(of layer: Int) -> LayerActivations {
        if layer >= plan.lowestSaved { return saved[layer - plan.lowestSaved] }
        guard let passing else { preconditionFailure("layer \(layer) of a plan from \(plan.lowestSaved) on") }
        return passing
    }
}

/// What the head overwrites: the gradient of the final norm's output, `[T, d]`, and what its own pass needs.
struct HeadScratch {
    let dNormed: Matrix
    let memory: HeadMemory
}

/// What one layer's forward or backward overwrites and nobody reads afterwards.
struct LayerScratch {
    /// `[T, d]`: a residual stream, or its norm.
    let values: Matrix
    /// The norm, packed.
    let normed: PackedRows
    /// `[T, d]`: in backward, the gradient of a norm's output.
    let dNormed: Matrix
    let attention: AttentionScratch
    let feedForward: FeedForwardScratch
}

/// What attention's part of a layer overwrites, all with `T` rows.
struct AttentionScratch {
    /// `[T, H·h]`, `[T, K·h]`, `[T, K·h]`: projections before they are stored. Backward's gradients lie in the same
    /// place.
    let query: Matrix
    let key: Matrix
    let value: Matrix
    /// What attention leaves where a layer does not keep it.
    let passing: AttentionActivations
    /// `[T, H·h]`: attention's output, packed.
    let attended: PackedRows
    let backward: Backward?

    struct Backward {
        /// `[T, d]`: the gradient of the layer's middle, packed.
        let dRows: PackedRows
        /// `[T, H·h]`: of attention's output.
        let dAttended: Matrix
        let gradients: AttentionGradients
        let dQuery: PackedRows
        let dKey: PackedRows
        let dValue: PackedRows
        /// Where matrices are trained: attention's output in f32, `[T, H·h]`.
        let attended: Matrix?
    }

    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        let tokens = plan.tokens
        func rows(_ inner: Int) -> PackedRows {
            PackedRows(rows: tokens, inner: inner, arithmetic: plan.arithmetic, in: arena)
        }
        func matrix(_ columns: Int) -> Matrix { Matrix(rows: tokens, columns: columns, in: arena) }
        passing = AttentionActivations(shape, tokens: tokens, format: plan.arithmetic.activationFormat, in: arena)
        attended = rows(shape.queryLength)
        backward =
            plan.hasBackward
            ? Backward(
                dRows: rows(shape.embeddingLength), dAttended: matrix(shape.queryLength),
                gradients: AttentionGradients(
                    tokens: tokens, queryLength: shape.queryLength, keyValueLength: shape.keyValueLength, in: arena),
                dQuery: rows(shape.queryLength), dKey: rows(shape.keyValueLength), dValue: rows(shape.keyValueLength),
                attended: plan.trainsMatrices ? matrix(shape.queryLength) : nil)
            : nil
        query = backward?.gradients.dq ?? matrix(shape.queryLength)
        key = backward?.gradients.dk ?? matrix(shape.keyValueLength)
        value = backward?.gradients.dv ?? matrix(shape.keyValueLength)
    }
}

/// What a layer's feed-forward overwrites, all with `T` rows.
struct FeedForwardScratch {
    /// `[T, f]`: the activation, and in backward the gradient of the gates, packed.
    let activated: PackedRows
    let backward: Backward?

    struct Backward {
        /// `[T, d]`: the gradient of the layer's output, packed.
        let dRows: PackedRows
        /// `[T, f]`
        let dUp: PackedRows
        /// Where matrices are trained: `[T, f]` gradients of gate and up and the activation in f32.
        let values: (dGate: Matrix, dUp: Matrix, a: Matrix)?
    }

    init(_ shape: DecoderConfiguration, plan: MemoryPlan, in arena: Arena) {
        let (tokens, f) = (plan.tokens, shape.feedForwardLength)
        func rows(_ inner: Int) -> PackedRows {
            PackedRows(rows: tokens, inner: inner, arithmetic: plan.arithmetic, in: arena)
        }
        func matrix() -> Matrix { Matrix(rows: tokens, columns: f, in: arena) }
        activated = rows(f)
        backward =
            plan.hasBackward
            ? Backward(
                dRows: rows(shape.embeddingLength), dUp: rows(f),
                values: plan.trainsMatrices ? (matrix(), matrix(), matrix()) : nil)
            : nil
    }
}
