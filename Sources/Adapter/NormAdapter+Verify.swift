// The second level of trust: the adapter against the base it claims.

internal import Blocks
internal import Bytes
public import Digest
public import GGUF

extension NormAdapter {
    /// Checks that this adapter belongs to `base`, whose root has been computed as `root`.
    ///
    /// Architecture, root, layer count, shape of every gain, and that no delta is larger than the largest gain of its
    /// tensor: an adapter may bend a norm, not replace it.
    public func verify(against base: GGUFFile, root: SHA256Digest) throws(AdapterError) {
        let found = base["general.architecture"]?.asString ?? ""
        guard found == architecture else {
            throw .otherArchitecture(adapter: architecture, base: found)
        }
        guard root == baseRoot else { throw .otherRoot(adapter: baseRoot, base: root) }
        let layers = base["\(architecture).block_count"]?.asInt ?? 0
        guard layers == layerCount else { throw .otherLayerCount(adapter: layerCount, base: layers) }
        for delta in deltas {
            let limit = try base.largestGain(named: delta.name, length: embeddingLength)
            let magnitude = delta.values.reduce(Float(0)) { max($0, abs($1)) }
            guard magnitude <= limit else {
                throw .deltaTooLarge(tensor: delta.name, magnitude: magnitude, limit: limit)
            }
        }
    }

    /// The gains a model runs with, in file order: `f32(base + delta)`.
    ///
    /// - Precondition: ``verify(against:root:)`` has passed for this base.
    public func effectiveGains(on base: GGUFFile) throws(AdapterError) -> [NormDelta] {
        var gains: [NormDelta] = []
        for delta in deltas {
            let base = try base.gains(named: delta.name, length: embeddingLength)
            gains.append(
                NormDelta(name: delta.name, values: zip(base, delta.values).map(Self.effectiveGain)))
        }
        return gains
    }
}

extension GGUFFile {
    /// The largest magnitude in a norm gain of this file: no delta may be larger.
    public func largestGain(named name: String, length: Int) throws(AdapterError) -> Float {
        try gains(named: name, length: length).reduce(Float(0)) { max($0, abs($1)) }
    }

    /// A norm gain of this file as floats, `[length]`.
    public func gains(named name: String, length: Int) throws(AdapterError) -> [Float] {
        guard let tensor = tensor(named: name) else { throw .missingInBase(tensor: name) }
        guard tensor.dimensions == [length] else {
            throw .shape(tensor: name, expected: [length], found: tensor.dimensions)
        }
        guard tensor.type.isDecodable else {
            throw .storage(tensor: name, expected: "a floating-point type", found: tensor.type.name)
        }
        var values = [Float](repeating: 0, count: length)
        region(of: tensor).withBytes { bytes in
            var span = values.mutableSpan
            tensor.type.decode(bytes, into: &span)
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw .nonFinite(tensor: name, index: index)
        }
        return values
    }
}
