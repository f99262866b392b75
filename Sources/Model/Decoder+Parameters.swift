internal import Blocks
internal import GGUF
internal import TensorCore

extension Decoder {
    /// Makes f32 masters of the named tensors, puts them into the decoder and returns them in the given order.
    ///
    /// Masters are dequantised exactly from the base. `output.weight` of a tied base starts as a copy of the
    /// embedding: the head is untied from then on, the embedding stays frozen (design, section 3).
    ///
    /// - Parameters:
    ///   - names: norm gains, projections and biases of any layer, `output_norm.weight`, `output.weight`.
    ///   - tokensPerStep: over all windows; decides in which form a layer's gradients are kept.
    ///   - windowsPerStep: one window is enough for the head's norm without another walk; nil is any number.
    /// - Throws: `ModelError.missingTensor` for a name that this decoder does not have.
    /// - Complexity: one f32 copy of every named tensor. Of the gradients of matrices, what `WeightGradient` and
    ///   `HeadGradient` keep.
    public func makeTrainable(
        _ names: [String], tokensPerStep: Int = 0, windowsPerStep: Int? = nil
    ) throws(ModelError) -> [Parameter] {
        var parameters: [Parameter] = []
        for name in names {
            guard let parameter = install(name, tokensPerStep, windowsPerStep) else { throw .missingTensor(name) }
            parameters.append(parameter)
        }
        return parameters
    }

    /// Bytes that ``makeTrainable(_:tokensPerStep:windowsPerStep:)`` and the steps after it take for the named tensors:
    /// masters, and what is kept of gradients. Tensors that the decoder does not have count nothing.
    ///
    /// - Parameter tokens: over all windows of a step, which are equally long.
    public func trainingByteCount(_ names: [String], tokensPerStep tokens: Int, windowsPerStep windows: Int) -> Int {
        names.reduce(0) { sum, name in
            if name == "output.weight" {
                let weight = head.weight
                return sum + weight.outputs * weight.inputs * 4
                    + HeadGradient.byteCount(weight, rows: tokens, windows: windows, threads: workers.count)
            }
            guard let tensor = base.tensor(named: name), let inputs = tensor.dimensions.first else { return sum }
            let outputs = tensor.elementCount / inputs
            let gradient =
                tensor.dimensions.count > 1
                ? WeightGradient.byteCount(outputs: outputs, inputs: inputs, rows: tokens) : inputs * 4
            // Gains and biases are decoded in any case, but not counted elsewhere.
            return sum + tensor.elementCount * 4 + gradient
        }
    }

    private func install(_ name: String, _ tokens: Int, _ windows: Int?) -> Parameter? {
        if name == "output_norm.weight" { return Parameter(gain: name, value: outputNorm, gradient: &dOutputNorm) }
        if name == "output.weight" {
            let master = head.weight.decoded()
            head.weight = LinearWeight(dense: master, arithmetic: head.weight.arithmetic)
            let gradient = HeadGradient(weight: head.weight, isOfOneWindow: windows == 1)
            dHead = gradient
            return Parameter(name: name, kind: .matrix, value: master, gradient: .head(gradient))
        }
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, parts[0] == "blk", let index = Int(parts[1]), layers.indices.contains(index) else {
            return nil
        }
        return layers[index].train(String(parts[2]), name: name, tokensPerStep: tokens)
    }
}

extension DecoderLayer {
    /// - Parameter suffix: the tensor's name after `blk.N.`.
    mutating func train(_ suffix: String, name: String, tokensPerStep: Int) -> Parameter? {
        switch suffix {
        case "attn_norm.weight": return Parameter(gain: name, value: attentionNorm, gradient: &dAttentionNorm)
        case "ffn_norm.weight": return Parameter(gain: name, value: feedForwardNorm, gradient: &dFeedForwardNorm)
        case "attn_q.weight": return query.trainWeight(name, tokensPerStep)
        case "attn_k.weight": return key.trainWeight(name, tokensPerStep)
        case "attn_v.weight": return value.trainWeight(name, tokensPerStep)
        case "attn_q.bias": return query.trainBias(name)
        case "attn_k.bias": return key.trainBias(name)
        case "attn_v.bias": return value.trainBias(name)
        case "attn_output.weight": return output.trainWeight(name, tokensPerStep)
        case "ffn_gate.weight": return gate.trainWeight(name, tokensPerStep)
        case "ffn_up.weight": return up.trainWeight(name, tokensPerStep)
        case "ffn_down.weight": return down.trainWeight(name, tokensPerStep)
        default: return nil
        }
    }
}

extension Parameter {
    /// A norm gain, with a new gradient that backward finds in `gradient`.
    fileprivate convenience init(gain name: String, value: Matrix, gradient: inout Matrix?) {
        let sum = Matrix(rows: 1, columns: value.columns)
        gradient = sum
        self.init(name: name, kind: .gain, value: value, gradient: .vector(sum))
    }
}

extension Projection {
    mutating func trainWeight(_ name: String, _ tokensPerStep: Int) -> Parameter {
        let master = weight.decoded()
        weight = LinearWeight(dense: master, arithmetic: weight.arithmetic)
        let gradient = WeightGradient(outputs: weight.outputs, inputs: weight.inputs, rows: tokensPerStep)
        dWeight = gradient
        return Parameter(name: name, kind: .matrix, value: master, gradient: .weight(gradient))
    }

    mutating func trainBias(_ name: String) -> Parameter? {
        guard let bias else { return nil }
        let sum = Matrix(rows: 1, columns: bias.columns)
        dBias = sum
        return Parameter(name: name, kind: .bias, value: bias, gradient: .vector(sum))
    }
}
