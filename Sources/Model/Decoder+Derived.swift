public import TensorCore

// What a decoder makes of its base once and then keeps. Projections are not among it: they are decoded tile by tile.

extension Decoder {
    /// Gains and biases as f32, by tensor name, less those in `trained`. The matrices are the live ones.
    public func keptVectors(except trained: [Parameter]) -> [(name: String, values: Matrix)] {
        var all = gains
        for (index, layer) in layers.enumerated() {
            for (suffix, projection) in [("attn_q", layer.query), ("attn_k", layer.key), ("attn_v", layer.value)] {
                if let bias = projection.bias { all.append(("blk.\(index).\(suffix).bias", bias)) }
            }
        }
        let masters = Set(trained.map { ObjectIdentifier($0.value) })
        return all.filter { !masters.contains(ObjectIdentifier($0.values)) }
    }

    /// Lends the rotary table that passes use, its first `positions` positions: cosines and sines, row-major.
    public func withRotaryTable<R>(positions: Int, _ body: (Span<Float>, Span<Float>) -> R) -> R {
        context(positions: positions).table.withValues(positions: positions, body)
    }
}
