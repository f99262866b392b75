// The strict half of reading: header keys and tensor places, checked one rule at a time, then compared byte for byte.

internal import Blocks
internal import Bytes
internal import Digest
internal import GGUF

/// What a key must hold.
enum WireRule {
    /// Any text.
    case text
    /// Exactly this text.
    case word(String)
    /// Exactly this number.
    case number(UInt32)
    /// Any number.
    case anyNumber
    /// This many bytes.
    case bytes(Int)
}

/// A parsed container whose keys are known to be the expected ones in the expected order.
struct WireReader {
    let gguf: GGUFFile
    let values: [String: WireValue]
    private let keys: [(String, WireValue)]
    private let signatureKey: String
    let signature: [UInt8]

    /// - Parameter rules: every key but the signature's, in file order.
    init(_ region: ByteRegion, rules: [(String, WireRule)], signatureKey: String) throws(AdapterError) {
        do {
            gguf = try GGUFFile(parsing: region)
        } catch {
            throw .container("\(error)")
        }
        guard gguf.version == 3 else { throw .containerVersion(gguf.version) }
        let expected = rules + [(signatureKey, .bytes(WireLayout.signatureByteCount))]
        for (position, (rule, record)) in zip(expected, gguf.records).enumerated()
        where rule.0 != record.key {
            throw .keyOrder(position: position, expected: rule.0, found: record.key)
        }
        guard gguf.records.count == expected.count else {
            throw .keyCount(expected: expected.count, found: gguf.records.count)
        }
        var read: [(String, WireValue)] = []
        for (rule, record) in zip(expected, gguf.records) {
            read.append((rule.0, try Self.value(record, rule.1)))
        }
        guard case .bytes(let signature)? = read.popLast()?.1 else {
            throw .keyType(key: signatureKey, expected: "64 bytes")
        }
        self.signature = signature
        self.signatureKey = signatureKey
        keys = read
        values = Dictionary(uniqueKeysWithValues: read)
    }

    private static func value(_ record: GGUFRecord, _ rule: WireRule) throws(AdapterError)
        -> WireValue
    {
        switch (rule, record.value) {
        case (.text, .string(let text)):
            return .text(text)
        case (.word(let word), .string(let text)):
            guard text == word else {
                throw .keyValue(key: record.key, expected: "“\(word)”", found: text)
            }
            return .text(text)
        case (.number(let number), .uint32(let found)):
            guard found == number else {
                throw .keyValue(key: record.key, expected: "\(number)", found: "\(found)")
            }
            return .number(found)
        case (.anyNumber, .uint32(let found)):
            return .number(found)
        case (.bytes(let count), .array(let array)):
            guard array.elementType == .uint8, array.count == count else {
                throw .keyType(key: record.key, expected: "\(count) bytes")
            }
            return .bytes(array.payload.array)
        case (.text, _), (.word, _): throw .keyType(key: record.key, expected: "text")
        case (.number, _), (.anyNumber, _): throw .keyType(key: record.key, expected: "a 32-bit unsigned number")
        case (.bytes(let count), _): throw .keyType(key: record.key, expected: "\(count) bytes")
        }
    }

    /// The text of a key that a rule has let through.
    func text(_ key: String) -> String {
        if case .text(let text)? = values[key] { text } else { "" }
    }

    /// The 32 bytes of a digest key.
    func digest(_ key: String) throws(AdapterError) -> SHA256Digest {
        guard case .bytes(let bytes)? = values[key], let digest = SHA256Digest(bytes: bytes) else {
            throw .keyType(key: key, expected: "32 bytes")
        }
        return digest
    }

    /// The public key of the signer.
    func signer(_ key: String) throws(AdapterError) -> PublicKey {
        guard case .bytes(let bytes)? = values[key], let signer = PublicKey(bytes: bytes) else {
            throw .signerKey
        }
        return signer
    }

    /// Checks that the tensors are `tensors`, in that order, and that every byte outside their data is the expected one.
    ///
    /// - Returns: the layout that a writer of this format would have chosen; the file follows it exactly.
    func layout(of tensors: [WireTensor], in region: ByteRegion) throws(AdapterError) -> WireLayout {
        for (position, (wanted, found)) in zip(tensors, gguf.tensors).enumerated()
        where wanted.name != found.name {
            throw .tensorOrder(position: position, expected: wanted.name, found: found.name)
        }
        guard gguf.tensors.count == tensors.count else {
            throw .tensorCount(expected: tensors.count, found: gguf.tensors.count)
        }
        let layout = WireLayout(keys: keys, signatureKey: signatureKey, tensors: tensors)
        for (index, (wanted, found)) in zip(tensors, gguf.tensors).enumerated() {
            guard found.type == wanted.storage else {
                throw .storage(tensor: found.name, expected: wanted.storage.name, found: found.type.name)
            }
            guard found.dimensions == wanted.dimensions else {
                throw .shape(tensor: found.name, expected: wanted.dimensions, found: found.dimensions)
            }
            guard found.offset == layout.offsets[index] else {
                throw .placement(tensor: found.name, expected: layout.offsets[index], found: found.offset)
            }
        }
        guard region.byteCount == layout.fileByteCount else {
            throw .length(expected: layout.fileByteCount, found: region.byteCount)
        }
        try checkPadding(tensors, layout, region)
        var header = try bytes(region, from: 0, count: layout.header.count)
        header.replaceSubrange(
            layout.signatureOffset..<layout.signatureOffset + WireLayout.signatureByteCount,
            with: repeatElement(0, count: WireLayout.signatureByteCount))
        if let offset = zip(header, layout.header).enumerated().first(where: {
            $0.element.0 != $0.element.1
        })?.offset {
            throw .notCanonical(offset: offset)
        }
        return layout
    }

    private func checkPadding(_ tensors: [WireTensor], _ layout: WireLayout, _ region: ByteRegion)
        throws(AdapterError)
    {
        for (tensor, offset) in zip(tensors, layout.offsets) {
            let end = offset + tensor.byteCount
            let padding = try bytes(region, from: end, count: WireLayout.padded(end) - end)
            if let index = padding.firstIndex(where: { $0 != 0 }) { throw .padding(offset: end + index) }
        }
    }

    private func bytes(_ region: ByteRegion, from offset: Int, count: Int) throws(AdapterError)
        -> [UInt8]
    {
        do {
            return try region.subregion(offset: offset, byteCount: count).array
        } catch {
            throw .container("\(error)")
        }
    }
}
