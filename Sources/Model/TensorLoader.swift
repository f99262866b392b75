internal import Blocks
internal import Bytes
internal import GGUF
internal import TensorCore

/// Reads named tensors of a base with the dimensions that its metadata demand.
struct TensorLoader {
    let base: GGUFFile
    let arithmetic: Arithmetic

    /// A matrix `[outputs, inputs]` that stays in the map.
    func matrix(_ name: String, inputs: Int, outputs: Int) throws(ModelError) -> LinearWeight {
        let tensor = try require(name, dimensions: [inputs, outputs])
        return LinearWeight(
            stored: tensor.type, region: base.region(of: tensor), outputs: outputs, inputs: inputs,
            arithmetic: arithmetic)
    }

    /// A vector decoded to `[1, count]`; every value must be finite.
    func vector(_ name: String, count: Int) throws(ModelError) -> Matrix {
        let tensor = try require(name, dimensions: [count])
        let values = LinearWeight(stored: tensor.type, region: base.region(of: tensor), outputs: 1, inputs: count)
            .decoded()
        if let index = values.values.firstIndex(where: { !$0.isFinite }) {
            throw .nonFiniteTensor(tensor: name, index: index)
        }
        return values
    }

    func vectorIfPresent(_ name: String, count: Int) throws(ModelError) -> Matrix? {
        base.tensor(named: name) == nil ? nil : try vector(name, count: count)
    }

    func layer(_ index: Int, shape: DecoderConfiguration) throws(ModelError) -> DecoderLayer {
        let prefix = "blk.\(index)."
        let d = shape.embeddingLength
        func projection(_ name: String, inputs: Int, outputs: Int, bias: Bool) throws(ModelError) -> Projection {
            Projection(
                weight: try matrix(prefix + name + ".weight", inputs: inputs, outputs: outputs),
                bias: bias ? try vectorIfPresent(prefix + name + ".bias", count: outputs) : nil)
        }
        return DecoderLayer(
            attentionNorm: try vector(prefix + "attn_norm.weight", count: d),
            query: try projection("attn_q", inputs: d, outputs: shape.queryLength, bias: true),
            key: try projection("attn_k", inputs: d, outputs: shape.keyValueLength, bias: true),
            value: try projection("attn_v", inputs: d, outputs: shape.keyValueLength, bias: true),
            output: try projection("attn_output", inputs: shape.queryLength, outputs: d, bias: false),
            feedForwardNorm: try vector(prefix + "ffn_norm.weight", count: d),
            gate: try projection("ffn_gate", inputs: d, outputs: shape.feedForwardLength, bias: false),
            up: try projection("ffn_up", inputs: d, outputs: shape.feedForwardLength, bias: false),
            down: try projection("ffn_down", inputs: shape.feedForwardLength, outputs: d, bias: false))
    }

    /// A tensor that the forward would silently ignore would make every loss wrong: refuse it by name.
    func refuseUnknownTensors(_ shape: DecoderConfiguration) throws(ModelError) {
        var known: Set<String> = ["token_embd.weight", "output_norm.weight", "output.weight"]
        for index in 0..<shape.layerCount {
            for name in Self.layerTensorNames { known.insert("blk.\(index).\(name)") }
        }
        for tensor in base.tensors where !known.contains(tensor.name) {
            throw .unexpectedTensor(tensor.name)
        }
    }

    static let layerTensorNames = [
        "attn_norm.weight", "attn_q.weight", "attn_q.bias", "attn_k.weight", "attn_k.bias", "attn_v.weight",
        "attn_v.bias", "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
    ]

    private func require(_ name: String, dimensions: [Int]) throws(ModelError) -> GGUFTensor {
        guard let tensor = base.tensor(named: name) else { throw .missingTensor(name) }
        guard tensor.dimensions == dimensions else {
            throw .badShape(tensor: name, expected: dimensions, got: tensor.dimensions)
        }
        guard tensor.type.isDecodable else {
            throw .unsupportedStorage(tensor: name, type: tensor.type.name)
        }
        return tensor
    }
}
