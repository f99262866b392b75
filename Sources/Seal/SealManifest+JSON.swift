public import Digest

extension SealManifest {
    /// The value of `format` in a seal's JSON.
    public static let format = "polymath-seal-1"

    /// No `seal.json` is larger: 64 MiB, the digests of the chunks of some 900 GB. Writers and readers keep to it.
    public static let byteLimit = 64 << 20

    /// The content of `seal.json`, chunk digests included.
    ///
    ///     {"format": "polymath-seal-1", "root": hex, "metadata": hex,
    ///      "file": {"name": text, "bytes": n}, "chunkBytes": 1048576,
    ///      "tensors": [{"name": text, "type": text, "ggmlType": n, "dimensions": [n, …], "offset": n, "bytes": n,
    ///                   "sha256": hex, "chunks": [hex, …]}, …]}
    ///
    /// `chunks` is left out where the tensor is one chunk: its digest is the tensor's.
    public var json: JSONValue { json(withChunks: true) }

    /// ``json``, and without chunk digests a file that proves as much but locates damage to a tensor only.
    public func json(withChunks: Bool) -> JSONValue {
        let entries = tensors.map { tensor -> JSONValue in
            var entry: JSONValue = [
                "name": .string(tensor.name), "type": .string(tensor.typeName),
                "ggmlType": .integer(Int64(tensor.type)),
                "dimensions": .array(tensor.dimensions.map { .exactly($0) }), "offset": .exactly(tensor.offset),
                "bytes": .exactly(tensor.byteCount), "sha256": .string(tensor.digest.hex),
            ]
            if withChunks, tensor.chunkDigests.count > 1 {
                entry["chunks"] = .array(tensor.chunkDigests.map { .string($0.hex) })
            }
            return entry
        }
        return [
            "format": .string(Self.format), "root": .string(root.hex), "metadata": .string(metadataDigest.hex),
            "file": ["name": .string(fileName), "bytes": .exactly(fileByteCount)],
            "chunkBytes": .integer(Int64(SealedTensor.chunkByteCount)), "tensors": .array(entries),
        ]
    }

    /// Reads ``json``; the root is computed anew from the entries and must be the one stated.
    public init(json: JSONValue) throws(SealError) {
        guard json["format"]?.asString == Self.format else {
            throw .malformed(member: "format", expected: "\"\(Self.format)\"")
        }
        guard json["chunkBytes"]?.asInt == SealedTensor.chunkByteCount else {
            throw .malformed(member: "chunkBytes", expected: "\(SealedTensor.chunkByteCount)")
        }
        let stated = try Self.digest(json["root"], member: "root")
        let metadata = try Self.digest(json["metadata"], member: "metadata")
        guard let name = json["file"]?["name"]?.asString else {
            throw .malformed(member: "file.name", expected: "text")
        }
        let byteCount = try Self.count(json["file"]?["bytes"], member: "file.bytes")
        guard let entries = json["tensors"]?.asArray else { throw .malformed(member: "tensors", expected: "a list") }
        var tensors: [SealedTensor] = []
        for (index, entry) in entries.enumerated() {
            let tensor = try Self.tensor(entry, place: "tensors[\(index)]", fileByteCount: byteCount)
            if let last = tensors.last, !last.name.utf8.lexicographicallyPrecedes(tensor.name.utf8) {
                throw .malformed(member: "tensors[\(index)].name", expected: "above the name before it in byte order")
            }
            tensors.append(tensor)
        }
        self.init(metadataDigest: metadata, tensors: tensors, fileName: name, fileByteCount: byteCount)
        guard root == stated else { throw .rootMismatch(stated: stated.hex, computed: root.hex) }
    }

    private static func tensor(
        _ entry: JSONValue, place: String, fileByteCount: Int
    ) throws(SealError) -> SealedTensor {
        guard let name = entry["name"]?.asString else { throw .malformed(member: place + ".name", expected: "text") }
        guard let typeName = entry["type"]?.asString else {
            throw .malformed(member: place + ".type", expected: "text")
        }
        let type = try count(entry["ggmlType"], member: place + ".ggmlType")
        guard let type = UInt32(exactly: type) else {
            throw .malformed(member: place + ".ggmlType", expected: "a 32-bit number")
        }
        guard let list = entry["dimensions"]?.asArray, list.count <= 4 else {
            throw .malformed(member: place + ".dimensions", expected: "a list of at most 4 counts")
        }
        var dimensions: [UInt64] = []
        for item in list { dimensions.append(UInt64(try count(item, member: place + ".dimensions"))) }
        let offset = try count(entry["offset"], member: place + ".offset")
        let byteCount = try count(entry["bytes"], member: place + ".bytes")
        guard byteCount <= fileByteCount, offset <= fileByteCount - byteCount else {
            throw .malformed(member: place + ".bytes", expected: "inside the file's \(fileByteCount) bytes")
        }
        let tensorDigest = try digest(entry["sha256"], member: place + ".sha256")
        let chunkCount = SealedTensor.chunkCount(byteCount: byteCount)
        var chunks = chunkCount == 1 ? [tensorDigest] : []
        if let chunkList = entry["chunks"] {
            guard let items = chunkList.asArray, items.count == chunkCount, chunkCount > 1 else {
                throw .malformed(
                    member: place + ".chunks", expected: "absent or one digest for each of \(chunkCount) chunks")
            }
            for item in items { chunks.append(try digest(item, member: place + ".chunks")) }
        }
        return SealedTensor(
            name: name, type: type, typeName: typeName, dimensions: dimensions, offset: offset, byteCount: byteCount,
            digest: tensorDigest, chunkDigests: chunks)
    }

    private static func digest(_ value: JSONValue?, member: String) throws(SealError) -> SHA256Digest {
        guard let digest = value?.asString.flatMap({ SHA256Digest(hex: $0) }) else {
            throw .malformed(member: member, expected: "64 lower-case hexadecimal digits")
        }
        return digest
    }

    private static func count(_ value: JSONValue?, member: String) throws(SealError) -> Int {
        guard let count = value?.asInt, count >= 0 else {
            throw .malformed(member: member, expected: "a whole number of 0 or more")
        }
        return count
    }
}
