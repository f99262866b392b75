// Writing a boundary file: the values pass twice, once through the hash and once to the medium.

internal import Bytes
public import Digest

extension BoundaryFile {
    /// Elements that ``Source/values`` is asked for at a time: 1 MiB of F32.
    public static let pieceLength = 1 << 18

    /// A trained tensor that is read in pieces.
    public struct Source {
        public var name: String
        /// In file order: row length first.
        public var dimensions: [Int]
        /// The values of a range of elements, row-major; called twice for each range, with the same answer.
        public var values: (Range<Int>) throws -> [Float]

        public init(name: String, dimensions: [Int], values: @escaping (Range<Int>) throws -> [Float]) {
            self.name = name
            self.dimensions = dimensions
            self.values = values
        }
    }

    /// Writes and signs a boundary file at `path`, in one step.
    ///
    /// - Parameter sources: the trained tensors in any order.
    /// - Returns: the content id.
    /// - Throws: ``AdapterError`` for a name outside the boundary, a wrong count or a value that is not finite; what
    ///   writing and `values` throw.
    @discardableResult
    public static func write(
        to path: String, architecture: String, layerCount: Int, baseRoot: SHA256Digest, recipe: SHA256Digest,
        sources: [Source], identity: Identity
    ) throws -> SHA256Digest {
        let sources = sources.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var tensors: [WireTensor] = []
        for source in sources {
            guard isBoundary(source.name, layerCount: layerCount), source.name != tensors.last?.name else {
                throw AdapterError.unexpectedValues(tensor: source.name)
            }
            tensors.append(try wireTensor(source.name, source.dimensions))
        }
        let layout = WireLayout(
            keys: keys(
                architecture: architecture, layerCount: layerCount, baseRoot: baseRoot, recipe: recipe,
                signer: identity.publicKey),
            signatureKey: signatureKey, tensors: tensors)

        var unsigned = SHA256Hasher()
        unsigned.update(layout.header)
        try stream(sources, tensors) { unsigned.update($0) }
        let signature = try identity.sign(message(unsigned.finalize()))
        var header = layout.header
        header.replaceSubrange(layout.signatureOffset..<layout.signatureOffset + signature.count, with: signature)

        var whole = SHA256Hasher()
        whole.update(header)
        try AtomicFile.write(to: path) { sink in
            try sink.write(header)
            try stream(sources, tensors) {
                whole.update($0)
                try sink.write($0)
            }
        }
        return whole.finalize()
    }

    private static func stream(
        _ sources: [Source], _ tensors: [WireTensor], to body: ([UInt8]) throws -> Void
    ) throws {
        for (source, tensor) in zip(sources, tensors) {
            let count = tensor.byteCount / 4
            for start in stride(from: 0, to: count, by: pieceLength) {
                let range = start..<min(count, start + pieceLength)
                let values = try source.values(range)
                guard values.count == range.count else {
                    throw AdapterError.valueCount(tensor: source.name, expected: range.count, found: values.count)
                }
                if let index = values.firstIndex(where: { !$0.isFinite }) {
                    throw AdapterError.nonFinite(tensor: source.name, index: start + index)
                }
                try body(littleEndian(values))
            }
            try body([UInt8](repeating: 0, count: WireLayout.padded(tensor.byteCount) - tensor.byteCount))
        }
    }

    private static func littleEndian(_ values: [Float]) -> [UInt8] {
        [UInt8](capacity: values.count * 4) { output in
            for value in values {
                let bits = value.bitPattern
                output.append(UInt8(truncatingIfNeeded: bits))
                output.append(UInt8(truncatingIfNeeded: bits >> 8))
                output.append(UInt8(truncatingIfNeeded: bits >> 16))
                output.append(UInt8(truncatingIfNeeded: bits >> 24))
            }
        }
    }
}
