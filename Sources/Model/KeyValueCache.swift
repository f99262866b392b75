public import TensorCore

/// Keys and values of the positions that a generation has passed, so that each new token costs one row.
///
/// Memory: `2·L·capacity·K·h` values in the arithmetic's activation format, allocated once.
public final class KeyValueCache {
    struct Layer {
        /// `[capacity, K·h]`; rows at and above the cache's `count` are not yet meaningful.
        let keys: Activation
        let values: Activation
    }

    public let capacity: Int
    /// Positions filled so far.
    public internal(set) var count = 0
    let layers: [Layer]

    /// - Parameter layerCount: how many layers; nil for all of the decoder.
    /// - Throws: `ModelError.memoryRefused` when the operating system does not give the memory.
    public init(
        _ shape: DecoderConfiguration, capacity: Int, arithmetic: Arithmetic, layerCount: Int? = nil
    ) throws(ModelError) {
        self.capacity = capacity
        func lay(_ arena: Arena) -> [Layer] {
            func make() -> Activation {
                Activation(
                    rows: capacity, columns: shape.keyValueLength, format: arithmetic.activationFormat, in: arena)
            }
            return (0..<(layerCount ?? shape.layerCount)).map { _ in Layer(keys: make(), values: make()) }
        }
        let measure = Arena.measuring()
        _ = lay(measure)
        layers = lay(try Arena.of(measure.highest))
    }
}

extension Arena {
    static func of(_ byteCount: Int) throws(ModelError) -> Arena {
        do {
            return try Arena(byteCount: byteCount)
        } catch {
            throw .memoryRefused(error)
        }
    }
}

extension Decoder {
    /// Appends `tokens` to `cache` and returns the logits of the last one, `V` values.
    ///
    /// - Throws: `ModelError.emptyPrompt`, `.tokenOutOfRange`, or `.contextExceeded` when the cache cannot hold them,
    ///   `.memoryRefused`.
    public func extend(_ cache: KeyValueCache, with tokens: [Int32]) throws(ModelError) -> [Float] {
        guard !tokens.isEmpty else { throw .emptyPrompt }
        try check(tokens)
        guard cache.count + tokens.count <= cache.capacity else {
            throw .contextExceeded(requested: cache.count + tokens.count, limit: cache.capacity)
        }
        let work = try workspace(tokens: tokens.count, lowestSaved: nil)
        embedding(tokens, embeddingWeight, into: work.hidden)
        let context = context(positions: cache.capacity)
        for (index, layer) in layers.enumerated() {
            layer.forward(
                work.hidden, saving: work.activations(of: index), scratch: work.scratch, position: cache.count,
                cache: cache.layers[index], context: context)
        }
        cache.count += tokens.count
        let last = Matrix(rows: 1, columns: configuration.embeddingLength)
        last.copyRows(from: work.hidden, sourceRow: tokens.count - 1, count: 1, toRow: 0)
        return logits(ofHidden: last).values
    }
}
