// Reading an adapter that nobody trusts yet: one refusal for each rule, and the signature last.

internal import Blocks
internal import Bytes
internal import Digest
internal import GGUF

extension NormAdapter {
    /// Reads an adapter file of at most 1 MiB.
    ///
    /// - Throws: ``AdapterError``, also for a path that cannot be read.
    public static func read(path: String) throws(AdapterError) -> NormAdapter {
        // Read whole before it is judged: a file changed or cut meanwhile cannot pass one check and fail the next.
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path, limit: byteLimit)
        } catch {
            if case .tooLarge(_, let byteCount, let limit) = error {
                throw .tooLarge(byteCount: byteCount, limit: limit)
            }
            throw .unreadable("\(error)")
        }
        return try decode(bytes)
    }

    /// Everything that can be known about an adapter without its base; ``verify(against:root:)`` does the rest.
    ///
    /// - Complexity: O(*n*); allocates a small multiple of the input.
    public static func decode(_ bytes: [UInt8]) throws(AdapterError) -> NormAdapter {
        guard bytes.count <= byteLimit else {
            throw .tooLarge(byteCount: bytes.count, limit: byteLimit)
        }
        let region = ByteRegion(bytes)
        let reader = try WireReader(region, rules: rules, signatureKey: signatureKey)
        let scopeName = reader.text("adapter.norm.scope")
        guard let scope = AdapterScope(rawValue: scopeName) else {
            throw .keyValue(
                key: "adapter.norm.scope", expected: "norms, tail or all-norms", found: scopeName)
        }
        let encodingName = reader.text("adapter.norm.encoding")
        guard let encoding = DeltaEncoding(rawValue: encodingName) else {
            throw .keyValue(key: "adapter.norm.encoding", expected: "q8_0 or f32", found: encodingName)
        }

        let tensors = reader.gguf.tensors
        var layerCount = 1
        for tensor in tensors {
            if let layer = try AdapterScope.layer(ofGain: tensor.name) {
                layerCount = max(layerCount, layer + 1)
            }
        }
        // The names imply the layers; a scope's list is never longer than 2 L + 1, so compare counts before building it.
        guard scope != .allNorms || tensors.count == 2 * layerCount + 1 else {
            throw .tensorCount(expected: 2 * layerCount + 1, found: tensors.count)
        }
        let first = tensors.first?.dimensions ?? []
        guard first.count == 1, let embeddingLength = first.first else {
            throw .shape(tensor: tensors.first?.name ?? "", expected: [first.first ?? 0], found: first)
        }
        let expected = try wireTensors(
            names: scope.tensorNames(layerCount: layerCount), embeddingLength: embeddingLength,
            encoding: encoding)
        let layout = try reader.layout(of: expected, in: region)

        var deltas: [NormDelta] = []
        for (tensor, offset) in zip(expected, layout.offsets) {
            let values = try encoding.decode(
                bytes[offset..<offset + tensor.byteCount], tensor: tensor.name)
            deltas.append(NormDelta(name: tensor.name, values: values))
        }
        let signer = try reader.signer("adapter.signer")
        var unsigned = bytes
        unsigned.replaceSubrange(
            layout.signatureOffset..<layout.signatureOffset + WireLayout.signatureByteCount,
            with: repeatElement(0, count: WireLayout.signatureByteCount))
        guard signer.isValid(signature: reader.signature, of: unsigned) else {
            throw .signature(signer: signer.fingerprint)
        }
        return NormAdapter(
            architecture: reader.text("general.architecture"), scope: scope, encoding: encoding,
            layerCount: layerCount, embeddingLength: embeddingLength,
            baseRoot: try reader.digest("adapter.base.root"),
            recipe: try reader.digest("adapter.run.recipe"),
            signer: signer, deltas: deltas, contentID: SHA256Digest.of(bytes), byteCount: bytes.count)
    }
}
