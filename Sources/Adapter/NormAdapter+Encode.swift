// Writing an adapter: the same deltas, recipe and identity always give the same bytes.

internal import Bytes
public import Digest

extension NormAdapter {
    /// The bytes of a signed adapter.
    ///
    /// - Parameters:
    ///   - layerCount: layers of the base.
    ///   - deltas: trained gain minus the base's gain, one entry for each tensor of the scope, in any order.
    /// - Throws: ``AdapterError`` where a tensor is missing, unknown, of another length, not finite, or the whole would
    ///   exceed ``byteLimit``; what signing throws.
    public static func encode(
        architecture: String, scope: AdapterScope, encoding: DeltaEncoding = .q8_0, layerCount: Int,
        baseRoot: SHA256Digest, recipe: SHA256Digest, deltas: [NormDelta], identity: Identity
    ) throws -> [UInt8] {
        let names = scope.tensorNames(layerCount: layerCount)
        guard names.count == deltas.count else {
            throw AdapterError.tensorCount(expected: names.count, found: deltas.count)
        }
        var given: [String: [Float]] = [:]
        for delta in deltas {
            guard names.contains(delta.name) else {
                throw AdapterError.unexpectedValues(tensor: delta.name)
            }
            given[delta.name] = delta.values
        }
        let embeddingLength = deltas.first?.values.count ?? 0
        let byteCount = try wireByteCount(
            scope: scope, layerCount: layerCount, embeddingLength: embeddingLength, encoding: encoding,
            architecture: architecture)
        guard byteCount <= byteLimit else {
            throw AdapterError.tooLarge(byteCount: byteCount, limit: byteLimit)
        }

        let layout = try layout(
            keys: keys(
                architecture: architecture, scope: scope, encoding: encoding, baseRoot: baseRoot,
                recipe: recipe,
                signer: identity.publicKey),
            names: names, embeddingLength: embeddingLength, encoding: encoding)
        var file = layout.header
        for name in names {
            guard let values = given[name] else { throw AdapterError.missingValues(tensor: name) }
            guard values.count == embeddingLength else {
                throw AdapterError.valueCount(tensor: name, expected: embeddingLength, found: values.count)
            }
            file += try encoding.encode(values, tensor: name)
            file += [UInt8](repeating: 0, count: WireLayout.padded(file.count) - file.count)
        }
        let signature = try identity.sign(file)
        file.replaceSubrange(
            layout.signatureOffset..<layout.signatureOffset + signature.count, with: signature)
        return file
    }

    /// The exact size of an adapter before there is one, in bytes.
    public static func wireByteCount(
        scope: AdapterScope, layerCount: Int, embeddingLength: Int, encoding: DeltaEncoding = .q8_0,
        architecture: String = "qwen2"
    ) throws(AdapterError) -> Int {
        try wireLayout(
            scope: scope, layerCount: layerCount, embeddingLength: embeddingLength, encoding: encoding,
            architecture: architecture
        ).fileByteCount
    }

    /// Where everything lies in adapters of one form; what differs between them has the same length in each.
    static func wireLayout(
        scope: AdapterScope, layerCount: Int, embeddingLength: Int, encoding: DeltaEncoding, architecture: String
    ) throws(AdapterError) -> WireLayout {
        let blank: [UInt8] = Array(repeating: 0, count: 32)
        let keys = rules.map { rule -> (String, WireValue) in
            switch rule.1 {
            case .number(let number): (rule.0, .number(number))
            case .anyNumber: (rule.0, .number(0))
            case .word(let word): (rule.0, .text(word))
            case .bytes: (rule.0, .bytes(blank))
            case .text where rule.0 == "adapter.norm.scope": (rule.0, .text(scope.rawValue))
            case .text where rule.0 == "adapter.norm.encoding": (rule.0, .text(encoding.rawValue))
            case .text: (rule.0, .text(architecture))
            }
        }
        return try layout(
            keys: keys, names: scope.tensorNames(layerCount: layerCount),
            embeddingLength: embeddingLength,
            encoding: encoding)
    }

    private static func layout(
        keys: [(String, WireValue)], names: [String], embeddingLength: Int, encoding: DeltaEncoding
    ) throws(AdapterError) -> WireLayout {
        WireLayout(
            keys: keys, signatureKey: signatureKey,
            tensors: try wireTensors(names: names, embeddingLength: embeddingLength, encoding: encoding))
    }

    /// The tensor table of an adapter.
    static func wireTensors(
        names: [String], embeddingLength: Int, encoding: DeltaEncoding
    ) throws(AdapterError) -> [WireTensor] {
        var tensors: [WireTensor] = []
        for name in names {
            guard embeddingLength > 0, let byteCount = encoding.byteCount(elements: embeddingLength)
            else {
                throw .notWholeBlocks(tensor: name, elements: embeddingLength)
            }
            tensors.append(
                WireTensor(
                    name: name, storage: encoding.storage, dimensions: [embeddingLength], byteCount: byteCount
                ))
        }
        return tensors
    }
}
