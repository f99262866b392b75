internal import Adapter
public import Digest

extension SpecialistManifest {
    /// The bytes of the signed manifest; the same facts and identity always give the same.
    ///
    /// - Throws: ``ManifestError/tooLarge(byteCount:limit:)``; what signing throws.
    public func encode(signedBy identity: Identity) throws -> [UInt8] {
        var json = json(signer: identity.publicKey)
        let signature = try identity.sign(Self.message(json))
        json["signature"] = .string(Hex.encode(signature))
        let bytes = json.canonicalBytes
        guard bytes.count <= Self.byteLimit else {
            throw ManifestError.tooLarge(byteCount: bytes.count, limit: Self.byteLimit)
        }
        return bytes
    }

    /// What is signed: the object without its signature, with its type.
    static func message(_ unsigned: JSONValue) -> [UInt8] {
        DSSEEnvelope.preAuthenticationEncoding(type: payloadType, payload: unsigned.canonicalBytes)
    }

    /// The manifest without its signature.
    private func json(signer: PublicKey) -> JSONValue {
        [
            "type": .string(Self.type),
            "version": .exactly(Self.version),
            "model_id": .string(modelID),
            "architecture": .string(base.architecture),
            "base_root": .string(base.root.hex),
            "tokenizer_sha256": .string(base.tokenizer.hex),
            "dimensions": .object(
                Dictionary(uniqueKeysWithValues: base.dimensions.map { ($0.key.rawValue, .exactly($0.value)) })),
            "quantisation": .string(base.quantisation),
            "weights": [
                "bytes": .exactly(base.fileBytes), "sha256": .string(base.fileDigest.hex),
                "urls": .array(urls.map { .string($0) }),
            ],
            "adapters": .array(
                adapters.map { kind in
                    [
                        "scope": .string(kind.scope.rawValue), "encoding": .string(kind.encoding.rawValue),
                        "version": .exactly(AcceptedAdapter.version), "max_bytes": .exactly(kind.maxBytes),
                    ]
                }),
            "signer": .string(Hex.encode(signer.bytes)),
        ]
    }
}
