public import Model

/// Which tensors of a base a run trains (design, section 3).
public enum Scope: String, CaseIterable, Sendable {
    /// Norm gains of layer 0 and the last layer, and the output norm.
    case norms
    /// Norm gains of the last layer and the output norm: backward never leaves the last layer.
    case tail
    /// Every norm gain.
    case allNorms = "all-norms"
    /// Every tensor of layer 0 and the last layer, the LM head and the output norm.
    case boundary

    /// Whether the scope trains norm gains alone and so exports an adapter; `boundary` exports tensors instead.
    public var exportsAdapter: Bool { self != .boundary }

    /// Layers with a trained tensor, ascending.
    public func layers(of shape: DecoderConfiguration) -> [Int] {
        let last = shape.layerCount - 1
        switch self {
        case .norms, .boundary: return last == 0 ? [0] : [0, last]
        case .tail: return [last]
        case .allNorms: return Array(0...last)
        }
    }

    /// Names of the trained tensors, ascending by layer; a bias is named only if the base has it.
    ///
    /// - Parameter exists: whether the base holds a tensor of that name. `output.weight` is named for `boundary`
    ///   whether or not it exists: a tied head is untied.
    public func tensorNames(of shape: DecoderConfiguration, exists: (String) -> Bool) -> [String] {
        var names: [String] = []
        for layer in layers(of: shape) {
            let suffixes = self == .boundary ? Self.layerTensors : ["attn_norm.weight", "ffn_norm.weight"]
            names += suffixes.map { "blk.\(layer).\($0)" }.filter(exists)
        }
        names.append("output_norm.weight")
        if self == .boundary { names.append("output.weight") }
        return names
    }

    private static let layerTensors = [
        "attn_norm.weight", "attn_q.weight", "attn_q.bias", "attn_k.weight", "attn_k.bias", "attn_v.weight",
        "attn_v.bias", "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
    ]
}
