// Reading a boundary file that nobody trusts yet, and holding it against its base.

internal import Blocks
public import Bytes
public import Digest
public import GGUF

extension BoundaryFile {
    /// Reads and judges a boundary file; its values stay in the file.
    public static func read(path: String) throws(AdapterError) -> BoundaryFile {
        let file: MappedFile
        do {
            file = try MappedFile(path: path)
        } catch {
            throw .unreadable("\(error)")
        }
        let decoded = Result { () throws(AdapterError) in try decode(file.region) }
        // What was cut meanwhile was read as zeros, whatever came of it.
        do throws(BytesError) { try file.checkWhole() } catch { throw .unreadable("\(error)") }
        return try decoded.get()
    }

    /// Everything that can be known about a boundary file without its base.
    public static func decode(_ region: ByteRegion) throws(AdapterError) -> BoundaryFile {
        let reader = try WireReader(region, rules: rules, signatureKey: signatureKey)
        guard case .number(let layers)? = reader.values["boundary.layer_count"], (1..<100_000).contains(layers) else {
            throw .keyValue(key: "boundary.layer_count", expected: "1 to 99,999", found: "another number")
        }
        var expected: [WireTensor] = []
        for tensor in reader.gguf.tensors {
            guard isBoundary(tensor.name, layerCount: Int(layers)) else {
                throw .unexpectedValues(tensor: tensor.name)
            }
            guard expected.last.map({ $0.name.utf8.lexicographicallyPrecedes(tensor.name.utf8) }) ?? true else {
                throw .tensorOrder(
                    position: expected.count, expected: "a name after \(expected.last?.name ?? "")", found: tensor.name)
            }
            expected.append(try wireTensor(tensor.name, tensor.dimensions))
        }
        let layout = try reader.layout(of: expected, in: region)
        let (unsigned, whole) = digests(region, layout)
        let signer = try reader.signer("boundary.signer")
        guard signer.isValid(signature: reader.signature, of: message(unsigned)) else {
            throw .signature(signer: signer.fingerprint)
        }
        for tensor in expected { try checkFinite(tensor, reader.gguf) }
        return BoundaryFile(
            architecture: reader.text("general.architecture"), layerCount: Int(layers),
            baseRoot: try reader.digest("boundary.base.root"), recipe: try reader.digest("boundary.run.recipe"),
            signer: signer,
            tensors: zip(expected, layout.offsets).map {
                Tensor(name: $0.name, dimensions: $0.dimensions, offset: $1, elementCount: $0.byteCount / 4)
            },
            contentID: whole, byteCount: region.byteCount)
    }

    /// Checks that this file belongs to `base`, whose root has been computed as `root`.
    ///
    /// The names must be all that scope `boundary` trains, and the shapes the base's; a tied base gains an
    /// `output.weight` of its embedding's shape.
    public func verify(against base: GGUFFile, root: SHA256Digest) throws(AdapterError) {
        let found = base["general.architecture"]?.asString ?? ""
        guard found == architecture else { throw .otherArchitecture(adapter: architecture, base: found) }
        guard root == baseRoot else { throw .otherRoot(adapter: baseRoot, base: root) }
        let layers = base["\(architecture).block_count"]?.asInt ?? 0
        guard layers == layerCount else { throw .otherLayerCount(adapter: layerCount, base: layers) }
        var wanted = base.tensors.filter { Self.isBoundary($0.name, layerCount: layers) }.map {
            ($0.name, $0.dimensions)
        }
        if base.tensor(named: "output.weight") == nil, let embedding = base.tensor(named: "token_embd.weight") {
            wanted.append(("output.weight", embedding.dimensions))
        }
        wanted.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        for (position, (wanted, tensor)) in zip(wanted, tensors).enumerated() where wanted.0 != tensor.name {
            throw .tensorOrder(position: position, expected: wanted.0, found: tensor.name)
        }
        guard wanted.count == tensors.count else {
            throw .tensorCount(expected: wanted.count, found: tensors.count)
        }
        for (wanted, tensor) in zip(wanted, tensors) where wanted.1 != tensor.dimensions {
            throw .shape(tensor: tensor.name, expected: wanted.1, found: tensor.dimensions)
        }
    }

    /// The digests with the signature as zeros, and of the file as it is.
    private static func digests(_ region: ByteRegion, _ layout: WireLayout) -> (SHA256Digest, SHA256Digest) {
        region.withBytes { bytes in
            let after = layout.signatureOffset + WireLayout.signatureByteCount
            let rest = bytes.extracting(after..<bytes.byteCount)
            var unsigned = SHA256Hasher()
            unsigned.update(bytes.extracting(0..<layout.signatureOffset))
            unsigned.update([UInt8](repeating: 0, count: WireLayout.signatureByteCount))
            unsigned.update(rest)
            return (unsigned.finalize(), SHA256Digest.of(bytes))
        }
    }

    private static func checkFinite(_ tensor: WireTensor, _ gguf: GGUFFile) throws(AdapterError) {
        guard let found = gguf.tensor(named: tensor.name) else { throw .missingInBase(tensor: tensor.name) }
        let region = gguf.region(of: found)
        let pieceBytes = pieceLength * 4
        var values = [Float](repeating: 0, count: min(pieceLength, tensor.byteCount / 4))
        for start in stride(from: 0, to: tensor.byteCount, by: pieceBytes) {
            let count = min(pieceBytes, tensor.byteCount - start)
            if values.count != count / 4 { values = [Float](repeating: 0, count: count / 4) }
            region.withBytes { bytes in
                var span = values.mutableSpan
                StorageType.f32.decode(bytes.extracting(start..<start + count), into: &span)
            }
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw .nonFinite(tensor: tensor.name, index: start / 4 + index)
            }
        }
    }
}
