// Reading a manifest that anybody may have written.

internal import Adapter
internal import Bytes
public import Digest

/// A manifest as it was read: form and signature hold; whose signature it is, is for the reader to judge.
public struct SignedManifest: Equatable, Sendable {
    public let manifest: SpecialistManifest
    public let signer: PublicKey
    /// SHA-256 of the file.
    public let id: SHA256Digest
    public let byteCount: Int

    /// - Throws: ``ManifestError``.
    public static func read(path: String) throws(ManifestError) -> SignedManifest {
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path, limit: SpecialistManifest.byteLimit)
        } catch .tooLarge(_, let byteCount, let limit) {
            throw .tooLarge(byteCount: byteCount, limit: limit)
        } catch {
            throw .unreadable(error)
        }
        return try decode(bytes)
    }

    /// Reads a manifest; anything but the exact bytes that ``SpecialistManifest/encode(signedBy:)`` makes is refused.
    public static func decode(_ bytes: [UInt8]) throws(ManifestError) -> SignedManifest {
        guard bytes.count <= SpecialistManifest.byteLimit else {
            throw .tooLarge(byteCount: bytes.count, limit: SpecialistManifest.byteLimit)
        }
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(bytes, maxDepth: 4)
        } catch {
            throw .notJSON(error)
        }
        let canonical = json.canonicalBytes
        guard canonical == bytes else {
            let same = zip(canonical, bytes).prefix { $0 == $1 }.count
            throw .notCanonical(offset: same)
        }
        let reader = try ManifestReader(json: json, place: "")
        try reader.only([
            "adapters", "architecture", "base_root", "dimensions", "model_id", "quantisation", "signature", "signer",
            "tokenizer_sha256", "type", "version", "weights",
        ])
        guard try reader.text("type") == SpecialistManifest.type else {
            throw .malformed(member: "type", expected: "“\(SpecialistManifest.type)”")
        }
        _ = try reader.integer("version", 1...SpecialistManifest.version)
        let signer = try signer(reader, json)
        return SignedManifest(
            manifest: try SpecialistManifest(reader), signer: signer, id: SHA256Digest.of(bytes),
            byteCount: bytes.count)
    }

    /// The key whose signature the object bears.
    private static func signer(
        _ reader: ManifestReader, _ json: JSONValue
    ) throws(ManifestError) -> PublicKey {
        guard let signer = PublicKey(bytes: try reader.bytes("signer", count: PublicKey.byteCount)) else {
            throw .malformed(member: "signer", expected: "32 bytes in lower-case hexadecimal")
        }
        let signature = try reader.bytes("signature", count: PublicKey.signatureByteCount)
        var unsigned = json
        unsigned["signature"] = nil
        guard signer.isValid(signature: signature, of: SpecialistManifest.message(unsigned)) else {
            throw .signature(signer: signer.fingerprint)
        }
        return signer
    }
}

extension SpecialistManifest {
    fileprivate init(_ reader: ManifestReader) throws(ManifestError) {
        let weights = try reader.object("weights", only: ["bytes", "sha256", "urls"])
        let sizes = try reader.object("dimensions", only: BaseFacts.Dimension.allCases.map(\.rawValue))
        var dimensions: [BaseFacts.Dimension: Int] = [:]
        for dimension in BaseFacts.Dimension.allCases {
            dimensions[dimension] = try sizes.integer(dimension.rawValue, 1...dimension.limit)
        }
        let architecture = try reader.text("architecture")
        guard BaseFacts.isArchitecture(architecture) else {
            throw .malformed(member: "architecture", expected: "1 to 32 letters, digits, dashes or underscores")
        }
        let quantisation = try reader.text("quantisation")
        guard BaseFacts.isQuantisation(quantisation) else {
            throw .malformed(member: "quantisation", expected: "storage types in lower case, each once, joined by +")
        }
        let facts = BaseFacts(
            architecture: architecture, root: try reader.digest("base_root"),
            tokenizer: try reader.digest("tokenizer_sha256"), dimensions: dimensions, quantisation: quantisation,
            fileBytes: try weights.integer("bytes", 1...Int(JSONValue.largestInteger)),
            fileDigest: try weights.digest("sha256"))
        var adapters: [AcceptedAdapter] = []
        for item in try reader.objects(
            "adapters", only: ["encoding", "max_bytes", "scope", "version"], most: Self.largestLists.adapters)
        {
            _ = try item.integer("version", 1...AcceptedAdapter.version)
            guard let scope = AdapterScope(rawValue: try item.text("scope")) else {
                throw .malformed(
                    member: item.name("scope"),
                    expected: "one of " + AdapterScope.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard let encoding = DeltaEncoding(rawValue: try item.text("encoding")) else {
                throw .malformed(member: item.name("encoding"), expected: "q8_0 or f32")
            }
            let largest = try item.integer("max_bytes", 1...NormAdapter.byteLimit)
            adapters.append(AcceptedAdapter(scope: scope, encoding: encoding, maxBytes: largest))
        }
        try self.init(
            modelID: try reader.text("model_id"), base: facts,
            urls: try weights.texts("urls", most: Self.largestLists.urls), adapters: adapters)
    }
}
