internal import TensorCore

extension Decoder {
    /// Makes f32 masters of the named tensors, puts them into the decoder and returns them in the given order.
    ///
    /// Masters are dequantised exactly from the base. `output.weight` of a tied base starts as a copy of the
    /// embedding: the head is untied from then on, the embedding stays frozen (design, section 3).
    ///
    /// - Parameter names: norm gains, projections and biases of any layer, `output_norm.weight`, `output.weight`.
    /// - Throws: `ModelError.missingTensor` for a name that this decoder does not have.
    /// - Complexity: two f32 copies (value and gradient) of every named tensor.
    public func makeTrainable(_ names: [String]) throws(ModelError) -> [Parameter] {
        var parameters: [Parameter] = []
        for name in names {
            guard let parameter = install(name) else { throw .missingTensor(name) }
            parameters.append(parameter)
        }
        return parameters
    }

    private func install(_ name: String) -> Parameter? {
        if name == "output_norm.weight" {
            let parameter = Parameter(name: name, kind: .gain, value: outputNorm)
            dOutputNorm = parameter.gradient
            return parameter
        }
        if name == "output.weight" { return head.trainWeight(name) }
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, parts[0] == "blk", let index = Int(parts[1]), layers.indices.contains(index) else {
            return nil
        }
        return layers[index].train(String(parts[2]), name: name)
    }
}

extension DecoderLayer {
    /// - Parameter suffix: the tensor's name after `blk.N.`.
    mutating func train(_ suffix: String, name: String) -> Parameter? {
        switch suffix {
        case "attn_norm.weight":
            let parameter = Parameter(name: name, kind: .gain, value: attentionNorm)
            dAttentionNorm = parameter.gradient
            return parameter
        case "ffn_norm.weight":
            let parameter = Parameter(name: name, kind: .gain, value: feedForwardNorm)
            dFeedForwardNorm = parameter.gradient
            return parameter
        case "attn_q.weight": return query.trainWeight(name)
        case "attn_k.weight": return key.trainWeight(name)
        case "attn_v.weight": return value.trainWeight(name)
        case "attn_q.bias": return query.trainBias(name)
        case "attn_k.bias": return key.trainBias(name)
        case "attn_v.bias": return value.trainBias(name)
        case "attn_output.weight": return output.trainWeight(name)
        case "ffn_gate.weight": return gate.trainWeight(name)
        case "ffn_up.weight": return up.trainWeight(name)
        case "ffn_down.weight": return down.trainWeight(name)
        default: return nil
        }
    }
}

extension Projection {
    mutating func trainWeight(_ name: String) -> Parameter {
        let parameter = Parameter(name: name, kind: .matrix, value: weight.decoded())
        weight = LinearWeight(dense: parameter.value, arithmetic: weight.arithmetic)
        dWeight = parameter.gradient
        return parameter
    }

    mutating func trainBias(_ name: String) -> Parameter? {
        guard let bias else { return nil }
        let parameter = Parameter(name: name, kind: .bias, value: bias)
        dBias = parameter.gradient
        return parameter
    }
}
