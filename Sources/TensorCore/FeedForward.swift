// The gated feed-forward up to its down projection, a tile of features at a time, so that neither the gates nor their
// gradients ever exist whole in f32.
//
//   g = x·Wgateᵀ;  u = x·Wupᵀ;  a = silu(g) ∘ u                     silu and its slope: SwiGLU.swift
//   da = dy·Wdown;  du = da ∘ silu(g);  dg = da ∘ u ∘ silu'(g)
//
// x: [T, d]; g, u, a and their gradients: [T, f]; dy, the gradient of a·Wdownᵀ: [T, d]. Shazeer, 2020
// (arXiv:2002.05202).

/// The three matrices of a gated feed-forward: gate and up `[f, d]`, down `[d, f]`.
public struct GatedWeights {
    public let gate: LinearWeight
    public let up: LinearWeight
    public let down: LinearWeight

    public init(gate: LinearWeight, up: LinearWeight, down: LinearWeight) {
        precondition(
            gate.outputs == up.outputs && gate.inputs == up.inputs && down.inputs == gate.outputs,
            "a feed-forward of gate \(gate.outputs) × \(gate.inputs), up \(up.outputs) × \(up.inputs), down \(down.outputs) × \(down.inputs)"
        )
        self.gate = gate
        self.up = up
        self.down = down
    }

    var featureCount: Int { gate.outputs }
}

/// Gate and up projections as backward reads them, `[T, f]` each.
public struct GatedActivations {
    public let gate: Activation
    public let up: Activation

    public init(tokens: Int, featureCount: Int, format: ActivationFormat, in arena: Arena) {
        gate = Activation(rows: tokens, columns: featureCount, format: format, in: arena)
        up = Activation(rows: tokens, columns: featureCount, format: format, in: arena)
    }
}

/// Where backward has the gate and up projections from; the bits are the same.
public enum GatedSource {
    case saved(GatedActivations)
    /// Computed again from x, `[T, d]`, and rounded as they would have been when saved.
    case recomputed(PackedRows, ActivationFormat)
}

/// Features of a tile.
private let tileWidth = ProductGrain.inputs

/// a = silu(x·Wgateᵀ) ∘ (x·Wupᵀ), packed for the down projection.
///
/// - Parameters:
///   - x: `[T, d]`.
///   - saving: what backward shall read, or nil.
///   - a: `[T, f]`, assigned.
public func gatedForward(
    _ x: PackedRows, _ weights: GatedWeights, saving saved: GatedActivations?, into a: PackedRows, workers: Workers
) {
    workers.times?.begin(.products)
    defer { workers.times?.end() }
    let tokens = x.rows
    precondition(
        a.rows == tokens && a.inner == weights.featureCount, "feed-forward: \(a.rows) × \(a.inner) for \(tokens) rows")
    let product = max(weights.gate.productScratchCount, weights.up.productScratchCount)
    let tile = tokens * tileWidth
    unsafe workers.forEach(tasks: taskCount(weights.featureCount, tileWidth), scratch: product + 2 * tile) {
        task, scratch in
        let features = taskRange(task, tileWidth, weights.featureCount)
        let gate = unsafe scratch + product
        let up = unsafe gate + tile
        unsafe weights.gate.multiply(
            x, outputs: features, into: gate, stride: tileWidth, adds: false,
            then: weights.up.ahead(outputs: features.lowerBound), scratch: scratch)
        unsafe weights.up.multiply(
            x, outputs: features, into: up, stride: tileWidth, adds: false,
            then: weights.gate.ahead(outputs: features.lowerBound + workers.count * tileWidth), scratch: scratch)
        for token in 0..<tokens {
            let g = unsafe gate + token * tileWidth
            let u = unsafe up + token * tileWidth
            if let saved {
                unsafe saved.gate.store(row: token, features, from: g)
                unsafe saved.up.store(row: token, features, from: u)
            }
            unsafe SwiGLU.activate(gate: g, up: u, into: g, count: features.count)
        }
        unsafe a.pack(row: 0, count: tokens, features, from: gate, stride: tileWidth)
    }
}

/// The gradients of gate and up projections, packed for products with their weights.
///
/// - Parameters:
///   - dy: `[T, d]`, the gradient of the down projection's output.
///   - source: gate and up projections.
///   - dGate: `[T, f]`, assigned.
///   - dUp: `[T, f]`, assigned.
///   - values: the same two gradients in f32, and a, each `[T, f]` and assigned: for the gradients of trained weights.
public func gatedBackward(
    _ dy: PackedRows, _ weights: GatedWeights, from source: GatedSource, into dGate: PackedRows, dUp: PackedRows,
    values: (dGate: Matrix, dUp: Matrix, a: Matrix)?, workers: Workers
) {
    workers.times?.begin(.inputGradients)
    defer { workers.times?.end() }
    let tokens = dy.rows
    let width = weights.featureCount
    precondition(
        dGate.rows == tokens && dGate.inner == width && dUp.rows == tokens && dUp.inner == width,
        "feed-forward: gradients of \(dGate.rows) × \(dGate.inner) for \(tokens) rows")
    var product = weights.down.transposedProductScratchCount
    if case .recomputed = source {
        product = max(product, weights.gate.productScratchCount, weights.up.productScratchCount)
    }
    let tile = tokens * tileWidth
    unsafe workers.forEach(tasks: taskCount(width, tileWidth), scratch: product + 3 * tile) { task, scratch in
        let features = taskRange(task, tileWidth, width)
        let da = unsafe scratch + product
        let gate = unsafe da + tile
        let up = unsafe gate + tile
        unsafe weights.down.multiplyTransposed(
            dy, inputs: features, into: da, stride: tileWidth, adds: false, scratch: scratch)
        unsafe fill(gate: gate, up: up, features: features, tokens: tokens, weights, from: source, scratch: scratch)
        for token in 0..<tokens {
            let g = unsafe gate + token * tileWidth
            let u = unsafe up + token * tileWidth
            let offset = token * width + features.lowerBound
            if let values {
                unsafe SwiGLU.activate(gate: g, up: u, into: values.a.pointer + offset, count: features.count)
            }
            unsafe SwiGLU.differentiate(da + token * tileWidth, gate: g, up: u, count: features.count)
            if let values {
                unsafe (values.dGate.pointer + offset).update(from: g, count: features.count)
                unsafe (values.dUp.pointer + offset).update(from: u, count: features.count)
            }
        }
        unsafe dGate.pack(row: 0, count: tokens, features, from: gate, stride: tileWidth)
        unsafe dUp.pack(row: 0, count: tokens, features, from: up, stride: tileWidth)
    }
}

/// A tile of gate and up projections, rounded as saved ones are.
private func fill(
    gate: UnsafeMutablePointer<Float>, up: UnsafeMutablePointer<Float>, features: Range<Int>, tokens: Int,
    _ weights: GatedWeights, from source: GatedSource, scratch: UnsafeMutablePointer<Float>
) {
    switch source {
    case .saved(let saved):
        for token in 0..<tokens {
            unsafe saved.gate.load(row: token, features, into: gate + token * tileWidth)
            unsafe saved.up.load(row: token, features, into: up + token * tileWidth)
        }
    case .recomputed(let x, let format):
        unsafe weights.gate.multiply(
            x, outputs: features, into: gate, stride: tileWidth, adds: false, scratch: scratch)
        unsafe weights.up.multiply(x, outputs: features, into: up, stride: tileWidth, adds: false, scratch: scratch)
        for token in 0..<tokens {
            unsafe format.round(gate + token * tileWidth, count: features.count)
            unsafe format.round(up + token * tileWidth, count: features.count)
        }
    }
}

extension GatedWeights {
    /// Bytes of the threads' scratch that `gatedForward` and, where asked for, `gatedBackward` use.
    public func scratchByteCount(tokens: Int, backward: Bool, threads: Int) -> Int {
        let product = max(
            gate.productScratchCount, up.productScratchCount, backward ? down.transposedProductScratchCount : 0)
        return threads * (product + (backward ? 3 : 2) * tokens * tileWidth) * MemoryLayout<Float>.stride
    }
}
