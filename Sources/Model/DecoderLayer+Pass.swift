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
        let shape = context.shape
        saved.input.copy(from: x)
        rmsNorm(x, gain: attentionNorm, epsilon: shape.rmsEpsilon, into: scratch.normed, workers: workers)
        query.forward(scratch.normed, into: saved.query, workers: workers)
        key.forward(scratch.normed, into: saved.key, workers: workers)
        value.forward(scratch.normed, into: saved.value, workers: workers)
        rotary(
            saved.query, table: context.table, headCount: shape.headCount, position: position,
            layout: shape.rotaryLayout)
        rotary(
            saved.key, table: context.table, headCount: shape.keyValueHeadCount, position: position,
            layout: shape.rotaryLayout)
        var keys = saved.key
        var values = saved.value
        if let cache {
            cache.keys.copyRows(from: saved.key, sourceRow: 0, count: x.rows, toRow: position)
            cache.values.copyRows(from: saved.value, sourceRow: 0, count: x.rows, toRow: position)
            keys = cache.keys
            values = cache.values
        }
        attention(
            q: saved.query, k: keys, v: values, keyCount: position + x.rows, headCount: shape.headCount,
            keyValueHeadCount: shape.keyValueHeadCount, into: saved.attention, logSumExp: saved.logSumExp,
            workers: workers)
        output.forward(saved.attention, into: scratch.projected, workers: workers)
        x.add(scratch.projected)

        saved.middle.copy(from: x)
        rmsNorm(x, gain: feedForwardNorm, epsilon: shape.rmsEpsilon, into: scratch.normed, workers: workers)
        gate.forward(scratch.normed, into: saved.gate, workers: workers)
        up.forward(scratch.normed, into: saved.up, workers: workers)
        swiGLU(gate: saved.gate, up: saved.up, into: scratch.activated, workers: workers)
        down.forward(scratch.activated, into: scratch.projected, workers: workers)
        x.add(scratch.projected)
    }

    /// Replaces `dx: [T, d]`, the gradient of the layer's output, by that of its input, and adds the gradients of
    /// what the scope trains.
    ///
    /// - Parameter reachesInput: false at the lowest trained layer, where nothing below wants `dx`: it is then
    ///   left without the last norm's share.
    func backward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch, reachesInput: Bool, context: LayerContext
    ) {
        feedForwardBackward(dx, saved: saved, scratch: scratch, context: context)
        attentionPartBackward(dx, saved: saved, scratch: scratch, reachesInput: reachesInput, context: context)
    }

    private func feedForwardBackward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch, context: LayerContext
    ) {
        let workers = context.workers
        let epsilon = context.shape.rmsEpsilon
        down.accumulate(
            dx,
            x: {
                swiGLU(gate: saved.gate, up: saved.up, into: scratch.activated, workers: workers)
                return scratch.activated
            }, workers: workers)
        scratch.dActivated.fill(0)
        linearBackwardInput(dx, down.weight, into: scratch.dActivated, workers: workers)
        scratch.dGate.fill(0)
        scratch.dUp.fill(0)
        swiGLUBackward(
            scratch.dActivated, gate: saved.gate, up: saved.up, dGate: scratch.dGate, dUp: scratch.dUp,
            workers: workers)
        let normed = {
            rmsNorm(
                saved.middle, gain: feedForwardNorm, epsilon: epsilon, into: scratch.normed, workers: workers)
            return scratch.normed
        }
        gate.accumulate(scratch.dGate, x: normed, workers: workers)
        up.accumulate(scratch.dUp, x: normed, workers: workers)
        scratch.dNormed.fill(0)
        linearBackwardInput(scratch.dGate, gate.weight, into: scratch.dNormed, workers: workers)
        linearBackwardInput(scratch.dUp, up.weight, into: scratch.dNormed, workers: workers)
        rmsNormBackward(
            scratch.dNormed, x: saved.middle, gain: feedForwardNorm, epsilon: epsilon, into: dx,
            dGain: dFeedForwardNorm, workers: workers)
    }

    private func attentionPartBackward(
        _ dx: Matrix, saved: LayerActivations, scratch: LayerScratch, reachesInput: Bool, context: LayerContext
    ) {
        let workers = context.workers
        let shape = context.shape
        output.accumulate(dx, x: { saved.attention }, workers: workers)
        scratch.dAttention.fill(0)
        linearBackwardInput(dx, output.weight, into: scratch.dAttention, workers: workers)
        scratch.dQuery.fill(0)
        scratch.dKey.fill(0)
        scratch.dValue.fill(0)
        attentionBackward(
            scratch.dAttention, q: saved.query, k: saved.key, v: saved.value, o: saved.attention,
            logSumExp: saved.logSumExp, headCount: shape.headCount, keyValueHeadCount: shape.keyValueHeadCount,
            into: scratch.dQuery, dk: scratch.dKey, dv: scratch.dValue, workers: workers)
        rotaryBackward(
            scratch.dQuery, table: context.table, headCount: shape.headCount, position: 0, layout: shape.rotaryLayout)
        rotaryBackward(
            scratch.dKey, table: context.table, headCount: shape.keyValueHeadCount, position: 0,
            layout: shape.rotaryLayout)
        let normed = {
            rmsNorm(
                saved.input, gain: attentionNorm, epsilon: shape.rmsEpsilon, into: scratch.normed, workers: workers)
            return scratch.normed
        }
        query.accumulate(scratch.dQuery, x: normed, workers: workers)
        key.accumulate(scratch.dKey, x: normed, workers: workers)
        value.accumulate(scratch.dValue, x: normed, workers: workers)
        guard reachesInput || dAttentionNorm != nil else { return }
        scratch.dNormed.fill(0)
        linearBackwardInput(scratch.dQuery, query.weight, into: scratch.dNormed, workers: workers)
        linearBackwardInput(scratch.dKey, key.weight, into: scratch.dNormed, workers: workers)
        linearBackwardInput(scratch.dValue, value.weight, into: scratch.dNormed, workers: workers)
        rmsNormBackward(
            scratch.dNormed, x: saved.input, gain: attentionNorm, epsilon: shape.rmsEpsilon,
            into: reachesInput ? dx : nil, dGain: dAttentionNorm, workers: workers)
    }
}
