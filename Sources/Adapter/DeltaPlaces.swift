// Where deltas lie in the bytes of an adapter, so that a few of them can be read without judging the file again.

internal import Blocks

/// The places of the deltas in all adapters of one architecture, scope, encoding, layer count and embedding length.
///
/// A coordinate is the place of a delta in the tensors in file order, one after the other: `tensor · length + index`.
public struct DeltaPlaces: Equatable, Sendable {
    public let encoding: DeltaEncoding
    public let embeddingLength: Int
    /// Deltas in one adapter.
    public let count: Int
    /// Bytes of one adapter.
    public let fileByteCount: Int
    private let offsets: [Int]
    private let names: [String]

    /// The places in adapters of this form, whatever they hold.
    ///
    /// - Throws: ``AdapterError/notWholeBlocks(tensor:elements:)`` where no adapter has this form.
    public init(
        scope: AdapterScope, encoding: DeltaEncoding, layerCount: Int, embeddingLength: Int, architecture: String
    ) throws(AdapterError) {
        let layout = try NormAdapter.wireLayout(
            scope: scope, layerCount: layerCount, embeddingLength: embeddingLength, encoding: encoding,
            architecture: architecture)
        self.encoding = encoding
        self.embeddingLength = embeddingLength
        names = scope.tensorNames(layerCount: layerCount)
        count = names.count * embeddingLength
        offsets = layout.offsets
        fileByteCount = layout.fileByteCount
    }

    /// The deltas at `range`, as ``NormAdapter/decode(_:)`` reads them.
    ///
    /// - Parameters:
    ///   - bytes: of an adapter of this form, which has been decoded and verified.
    ///   - range: coordinates, inside `0..<count`.
    /// - Complexity: O(*k*) in the length of the range.
    public func deltas(of bytes: [UInt8], in range: Range<Int>) throws(AdapterError) -> [Float] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "coordinates \(range) of \(count)")
        guard bytes.count == fileByteCount else { throw .length(expected: fileByteCount, found: bytes.count) }
        // A block is decoded whole even where only some of its values are asked for.
        let unit = encoding == .q8_0 ? 32 : 1
        let unitBytes = encoding == .q8_0 ? 34 : 4
        var values: [Float] = []
        values.reserveCapacity(range.count)
        var at = range.lowerBound
        while at < range.upperBound {
            let tensor = at / embeddingLength
            let end = min(range.upperBound, (tensor + 1) * embeddingLength)
            let first = (at - tensor * embeddingLength) / unit
            let last = (end - tensor * embeddingLength + unit - 1) / unit
            let start = offsets[tensor]
            let decoded = try encoding.decode(
                bytes[start + first * unitBytes..<start + last * unitBytes], tensor: names[tensor])
            let skipped = at - tensor * embeddingLength - first * unit
            values += decoded[skipped..<skipped + end - at]
            at = end
        }
        return values
    }
}
