internal import Bytes
public import GGUF

/// What the bytes of an adapter or boundary file are, each in exactly one class.
///
/// The format's readers refuse a file that holds anything else (see ``WireLayout``), so the classes add up to the file.
public struct ExportInventory: Equatable, Sendable {
    /// Keys, tensor names, and the values that are words: architecture, type, scope, encoding.
    public let nameBytes: Int
    /// Counts, lengths, types, shapes and offsets.
    public let structureBytes: Int
    /// Base root and recipe.
    public let digestBytes: Int
    /// Public key and signature.
    public let signatureBytes: Int
    /// What was learned.
    public let valueBytes: Int
    /// Zeros.
    public let paddingBytes: Int
    /// Every name of the first class, in the order of the file.
    public let names: [String]

    public var byteCount: Int {
        nameBytes + structureBytes + digestBytes + signatureBytes + valueBytes + paddingBytes
    }

    /// - Parameter file: the container of a file that has been read and judged as what it is.
    public init(_ file: GGUFFile) {
        var names: [String] = []
        // Magic, version, number of tensors, number of keys.
        var structure = 4 + 4 + 8 + 8
        var digests = 0
        var signature = 0
        for record in file.records {
            names.append(record.key)
            // Length of the key, type of the value.
            structure += 8 + 4
            let valueBytes = record.rawBytes.byteCount - 12 - record.key.utf8.count
            if let text = file[record.key]?.asString {
                names.append(text)
                structure += 8
            } else if record.key.hasSuffix(".signer") || record.key.hasSuffix(".signature") {
                structure += 12
                signature += valueBytes - 12
            } else if record.key.hasSuffix(".root") || record.key.hasSuffix(".recipe") {
                structure += 12
                digests += valueBytes - 12
            } else {
                structure += valueBytes
            }
        }
        for tensor in file.tensors {
            names.append(tensor.name)
            structure += 8 + 4 + 8 * tensor.dimensions.count + 4 + 8
        }
        let values = file.tensors.reduce(0) { $0 + $1.byteCount }
        let nameBytes = names.reduce(0) { $0 + $1.utf8.count }
        let headerBytes = structure + nameBytes + digests + signature
        self.names = names
        self.nameBytes = nameBytes
        structureBytes = structure
        digestBytes = digests
        signatureBytes = signature
        valueBytes = values
        paddingBytes =
            WireLayout.padded(headerBytes) - headerBytes
            + file.tensors.reduce(0) { $0 + WireLayout.padded($1.byteCount) - $1.byteCount }
    }
}
