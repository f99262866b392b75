internal import TensorCore

// A pre-norm transformer layer (Qwen2 technical report, section 2.1), forward and backward side by side:
//
//   m = x + Wo·attention(rotary(Wq·n(x) + bq), rotary(Wk·n(x) + bk), Wv·n(x) + bv)     n = rmsNorm, gain attn_norm
//   y = m + Wdown·(silu(Wgate·n'(m)) ∘ Wup·n'(m))                                      n' = rmsNorm, gain ffn_norm

/// What a layer's pass needs besides the layer: shape, rotary angles, threads.
struct LayerContext {
    let shape: DecoderConfiguration
    let table: RotaryTable
    let workers: Workers
    /// How gate and up projections are kept, and rounded where they are not.
    let wideFormat: ActivationFormat
}

extension DecoderLayer {
    /// Replaces `x: [T, d]` by the layer's output and fills `saved`.
    ///
    /// - Parameters:
    ///   - position: position of the first row of `x` in the text.
    ///   - cache: keys and values of earlier positions; nil when `x` starts the text.
    func forward(
        _ x: Matrix, saving saved: LayerActivations, scratch: LayerScratch, position: Int = 0,
        cache: KeyValueCache.Layer? = nil, context: LayerContext
    ) {
        let workers = context.workers
        saved.input.store(x, workers: workers)
        let attended = attend(saved, scratch: scratch, position: position, cache: cache, context: context)
        scratch.attention.attended.pack(attended.output, workers: workers)
        linear(scratch.attention.attended, output.weight, bias: output.bias, into: x, adds: true, workers: workers)
        if let addition = output.addition {
            // The queries have been stored: their place is free.
            let input = scratch.attention.query
            attended.output.load(into: input, workers: workers)
            addition.forward(input, into: x, workers: workers)
        }

        saved.middle.store(x, workers: workers)
        normalise(saved.middle, gain: feedForwardNorm, scratch: scratch, context: context)
        let activated = scratch.feedForward.activated
        gatedForward(scratch.normed, gatedWeights, saving: saved.feedForward, into: activated, workers: workers)
        linear(activated, down.weight, bias: nil, into: x, adds: true, workers: workers)
    }

    /// From the layer's stored input to attention's stored output: forward's first part, and what backward repeats
    /// where it was not kept.
    private func attend(
        _ saved: LayerActivations, scratch: LayerScratch, position: Int, cache: KeyValueCache.Layer?,
        context: LayerContext
    ) -> AttentionActivations {
        let workers = context.workers
        let shape = context.shape
        normalise(saved.input, gain: attentionNorm, scratch: scratch, context: context)
        let values = scratch.attention
        for (projection, target) in [(query, values.query), (key, values.key), (value, values.value)] {
            linear(
                scratch.normed, projection.weight, bias: projection.bias, into: target, adds: false, workers: workers)
            projection.addition?.forward(scratch.values, into: target, workers: workers)
        }
        rotary(
            values.query, table: context.table, headCount: shape.headCount, position: position,
            layout: shape.rotaryLayout, workers: workers)
        rotary(
            values.key, table: context.table, headCount: shape.keyValueHeadCount, position: position,
            layout: shape.rotaryLayout, workers: workers)
        let part = saved.attention ?? values.passing
        part.query.store(values.query, workers: workers)
        part.key.store(values.key, workers: workers)
        part.value.store(values.value, workers: workers)
        let tokens = part.query.rows
        cache?.keys.copyRows(from: part.key, count: tokens, toRow: position)
        cache?.values.copyRows(from: part.value, count: tokens, toRow: position)
        attention(
            q: part.query, k: cache?.keys ?? part.key, v: cache?.values ?? part.value, keyCount: position + tokens,
            headCount: shape.headCount, keyValueHeadCount: shape.keyValueHeadCount, into: part.output,
            logSumExp: part.logSumExp, workers: workers)
        return part
    }

    /// The norm of a stored residual stream: in f32 in `scratch.values`, and packed.
    private func normalise(_ x: Activation, gain: Matrix, scratch: LayerScratch, context: LayerContext) {
        x.load(into: scratch.values, workers: context.workers)
        rmsNorm(
            scratch.values, gain: gain, epsilon: context.shape.rmsEpsilon, into: scratch.values,
            workers: context.workers)
        scratch.normed.pack(scratch.values, workers: context.workers)
    }

    /// Replaces `dx: [T, d]`, the gradient of the layer's output, by that of its input, and adds the gradients of
    /// what the scope trains.
    ///
    /// - Parameter reachesInput: false at the lowest trained layer, where nothing below wants `dx`: it is then
    ///   left without the last norm's share.
    func backward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch, reachesInput: Bool, context: LayerContext
    ) {
        guard let feedForward = scratch.feedForward.backward, let attention = scratch.attention.backward else {
            preconditionFailure("a workspace without gradients in a backward pass")
        }
        feedForwardBackward(dx, saved: saved, scratch: scratch, feedForward, context: context)
        attentionPartBackward(
            dx, saved: saved, scratch: scratch, attention, reachesInput: reachesInput, context: context)
    }

    private func feedForwardBackward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch,
        _ gradients: FeedForwardScratch.Backward, context: LayerContext
    ) {
        let workers = context.workers
        gradients.dRows.pack(dx, workers: workers)
        var source = GatedSource.recomputed(scratch.normed, context.wideFormat)
        if let kept = saved.feedForward { source = .saved(kept) }
        if saved.feedForward == nil || trainsMatrix {
            normalise(saved.middle, gain: feedForwardNorm, scratch: scratch, context: context)
        }
        let values = trainsMatrix ? gradients.values : nil
        let dGate = scratch.feedForward.activated
        gatedBackward(
            gradients.dRows, gatedWeights, from: source, into: dGate, dUp: gradients.dUp, values: values,
            workers: workers)
        if let values {
            down.accumulate(dx, x: { values.a }, workers: workers)
            gate.accumulate(values.dGate, x: { scratch.values }, workers: workers)
            up.accumulate(values.dUp, x: { scratch.values }, workers: workers)
        }
        linearBackwardInput(
            [(dGate, gate.weight), (gradients.dUp, up.weight)], into: scratch.dNormed, adds: false,
            workers: workers)
        saved.middle.load(into: scratch.values, workers: workers)
        rmsNormBackward(
            scratch.dNormed, x: scratch.values, gain: feedForwardNorm, epsilon: context.shape.rmsEpsilon, into: dx,
            dGain: dFeedForwardNorm, workers: workers)
    }

    private func attentionPartBackward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch,
        _ gradients: AttentionScratch.Backward, reachesInput: Bool, context: LayerContext
    ) {
        let workers = context.workers
        let shape = context.shape
        let part =
            saved.attention ?? attend(saved, scratch: scratch, position: 0, cache: nil, context: context)
        if trainsMatrix, let attended = gradients.attended {
            part.output.load(into: attended, workers: workers)
            output.accumulate(dx, x: { attended }, workers: workers)
        }
        gradients.dRows.pack(dx, workers: workers)
        linearBackwardInput(
            [(gradients.dRows, output.weight)], into: gradients.dAttended, adds: false, workers: workers)
        if let addition = output.addition {
            // Attention's backward has yet to write the gradient of the queries: its place is free.
            let input = gradients.gradients.dq
            part.output.load(into: input, workers: workers)
            addition.backward(dx, x: input, into: gradients.dAttended, workers: workers)
        }
        attentionBackward(
            gradients.dAttended, q: part.query, k: part.key, v: part.value, o: part.output,
            logSumExp: part.logSumExp, headCount: shape.headCount, keyValueHeadCount: shape.keyValueHeadCount,
            into: gradients.gradients, workers: workers)
        let (dq, dk, dv) = (gradients.gradients.dq, gradients.gradients.dk, gradients.gradients.dv)
        rotaryBackward(
            dq, table: context.table, headCount: shape.headCount, position: 0, layout: shape.rotaryLayout,
            workers: workers)
        rotaryBackward(
            dk, table: context.table, headCount: shape.keyValueHeadCount, position: 0, layout: shape.rotaryLayout,
            workers: workers)
        let reachesNorm = reachesInput || dAttentionNorm != nil
        if reachesNorm { inputGradient(gradients, into: scratch.dNormed, workers: workers) }
        projectionGradients(
            saved, scratch: scratch, dq: dq, dk: dk, dv: dv, into: reachesNorm ? scratch.dNormed : nil,
            context: context)
        guard reachesNorm else { return }
        saved.input.load(into: scratch.values, workers: workers)
        rmsNormBackward(
            scratch.dNormed, x: scratch.values, gain: attentionNorm, epsilon: shape.rmsEpsilon,
            into: reachesInput ? dx : nil, dGain: dAttentionNorm, workers: workers)
    }

    /// The gradient of the norm's output through query, key and value projections.
    private func inputGradient(_ gradients: AttentionScratch.Backward, into dNormed: Matrix, workers: Workers) {
        let (dq, dk, dv) = (gradients.gradients.dq, gradients.gradients.dk, gradients.gradients.dv)
        gradients.dQuery.pack(dq, workers: workers)
        gradients.dKey.pack(dk, workers: workers)
        gradients.dValue.pack(dv, workers: workers)
        linearBackwardInput(
            [(gradients.dQuery, query.weight), (gradients.dKey, key.weight), (gradients.dValue, value.weight)],
            into: dNormed, adds: false, workers: workers)
    }

    /// The gradients of query, key and value projections, and of what is added to them, where they are trained.
    ///
    /// - Parameter dNormed: what goes through the additions is added to it; nil where nobody wants it.
    private func projectionGradients(
        _ saved: LayerActivations, scratch: LayerScratch, dq: Matrix, dk: Matrix, dv: Matrix, into dNormed: Matrix?,
        context: LayerContext
    ) {
        let all = [(query, dq), (key, dk), (value, dv)]
        if all.contains(where: { $0.0.dWeight != nil || $0.0.addition != nil }) {
            normalise(saved.input, gain: attentionNorm, scratch: scratch, context: context)
        }
        for (projection, gradient) in all {
            projection.accumulate(gradient, x: { scratch.values }, workers: context.workers)
            projection.addition?.backward(gradient, x: scratch.values, into: dNormed, workers: context.workers)
        }
    }
}
