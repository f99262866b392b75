// What a norm adapter may hold: three scopes, each an exact list of tensor names.

/// The scopes that export a norm adapter; `boundary` exports a ``BoundaryFile`` instead.
public enum AdapterScope: String, CaseIterable, Sendable {
    /// The gains of the first and the last layer, and the output gain.
    case norms
    /// The gains of the last layer, and the output gain.
    case tail
    /// Every norm gain of the model.
    case allNorms = "all-norms"

    /// The tensors of this scope for a model of `layerCount` layers, ascending by name bytes.
    ///
    /// - Complexity: O(*n* log *n*) in the number of layers.
    public func tensorNames(layerCount: Int) -> [String] {
        guard layerCount > 0 else { return [] }
        let layers: [Int] =
            switch self {
            case .norms: layerCount == 1 ? [0] : [0, layerCount - 1]
            case .tail: [layerCount - 1]
            case .allNorms: Array(0..<layerCount)
            }
        let gains = layers.flatMap { ["blk.\($0).attn_norm.weight", "blk.\($0).ffn_norm.weight"] }
        return (gains + ["output_norm.weight"]).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The layer of a norm gain, `nil` for `output_norm.weight`.
    ///
    /// - Throws: ``AdapterError/notANormGain(_:)`` for any other name, `blk.07.…` included.
    static func layer(ofGain name: String) throws(AdapterError) -> Int? {
        if name == "output_norm.weight" { return nil }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "blk", parts[2] == "attn_norm" || parts[2] == "ffn_norm",
            parts[3] == "weight", let layer = Int(parts[1]), layer >= 0, layer < 100_000,
            String(layer) == parts[1]
        else { throw .notANormGain(name) }
        return layer
    }
}
