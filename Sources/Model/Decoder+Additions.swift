internal import TensorCore

// What may be trained beside the base's own tensors: low-rank additions to attention's projections and a bias on the
// logits of some tokens. They are what norm gains are measured against; no adapter format carries them.

extension Decoder {
    /// Adds `s·(x·Aᵀ)·Bᵀ` (Hu et al., 2021) to the named projections and returns A and B of each, in order.
    ///
    /// B starts at zero, so the decoder computes what it did before. A trained weight under an addition stays trained.
    ///
    /// - Parameters:
    ///   - names: `blk.N.attn_q.weight`, `attn_k`, `attn_v`, `attn_output`; each once.
    ///   - scale: s; elsewhere called alpha / rank.
    ///   - down: A's first values: asked by name for `rank · inputs` of them, row after row.
    /// - Returns: parameters named `NAME.lora_a`, `[rank, inputs]`, and `NAME.lora_b`, `[outputs, rank]`.
    /// - Throws: `ModelError.missingTensor` for any other name.
    public func addLowRank(
        to names: [String], rank: Int, scale: Float, down: (_ name: String, _ count: Int) -> [Float]
    ) throws(ModelError) -> [Parameter] {
        var parameters: [Parameter] = []
        for name in names {
            guard let place = place(ofAttention: name) else { throw .missingTensor(name) }
            let weight = layers[place.layer][keyPath: place.projection].weight
            let first = Matrix(rows: rank, columns: weight.inputs, values: down(name, rank * weight.inputs))
            let factors = LowRank(down: first, up: Matrix(rows: weight.outputs, columns: rank), scale: scale)
            let addition = LowRankAddition(
                factors: factors, dDown: Matrix(rows: rank, columns: weight.inputs),
                dUp: Matrix(rows: weight.outputs, columns: rank))
            layers[place.layer][keyPath: place.projection].addition = addition
            parameters += [
                Parameter(
                    name: name + ".lora_a", kind: .matrix, value: factors.down, gradient: .vector(addition.dDown)),
                Parameter(name: name + ".lora_b", kind: .matrix, value: factors.up, gradient: .vector(addition.dUp)),
            ]
        }
        return parameters
    }

    /// Adds a trained bias, zero at first, to the logits of `tokens`.
    ///
    /// - Parameters:
    ///   - tokens: ids, each once.
    ///   - scale: what one unit of the parameter adds to a logit.
    /// - Returns: a parameter named `output.token_bias`, `[1, tokens]`, in ascending order of the tokens.
    /// - Throws: `ModelError.tokenOutOfRange`.
    /// - Precondition: the head is not trained.
    public func addTokenBias(_ tokens: [Int32], scale: Float = 1) throws(ModelError) -> Parameter {
        precondition(dHead == nil, "a trained head under a bias on its logits")
        for (index, token) in tokens.enumerated() where !(0..<configuration.vocabularySize).contains(Int(token)) {
            throw .tokenOutOfRange(
                token: Int(token), index: index, vocabularySize: configuration.vocabularySize)
        }
        let bias = TokenBias(tokens: tokens.sorted(), scale: scale)
        tokenBias = bias
        return Parameter(
            name: "output.token_bias", kind: .bias, value: bias.values, gradient: .vector(bias.gradient))
    }

    private func place(ofAttention name: String) -> (
        layer: Int, projection: WritableKeyPath<DecoderLayer, Projection>
    )? {
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, parts[0] == "blk", let layer = Int(parts[1]), layers.indices.contains(layer) else {
            return nil
        }
        switch parts[2] {
        case "attn_q.weight": return (layer, \.query)
        case "attn_k.weight": return (layer, \.key)
        case "attn_v.weight": return (layer, \.value)
        case "attn_output.weight": return (layer, \.output)
        default: return nil
        }
    }
}
