public import Bytes
public import GGUF

/// Where a tensor of a file first differs from the same tensor of a copy that is known to be whole.
///
/// Digests locate damage to a chunk; only the bytes themselves tell which one it is.
public struct TensorDifference: Equatable, Sendable {
    public let tensor: String
    /// Of the first differing byte in the file that is judged.
    public let fileOffset: Int
    public let expected: UInt8
    public let actual: UInt8
    /// Bytes that differ in the tensor.
    public let count: Int

    /// Every tensor of `file` that differs from `copy`, in the order of the file; nil for one whose tensors have other
    /// names, types or dimensions.
    ///
    /// - Complexity: O(bytes of both files).
    public static func all(in file: GGUFFile, comparedWith copy: GGUFFile) throws(BytesError) -> [TensorDifference]? {
        guard file.tensors.count == copy.tensors.count else { return nil }
        var differences: [TensorDifference] = []
        for tensor in file.tensors {
            guard let other = copy.tensor(named: tensor.name), other.type == tensor.type,
                other.dimensions == tensor.dimensions
            else { return nil }
            let found = try first(file.region(of: tensor), copy.region(of: other))
            guard let found else { continue }
            differences.append(
                TensorDifference(
                    tensor: tensor.name, fileOffset: tensor.offset + found.place, expected: found.expected,
                    actual: found.actual, count: found.count))
        }
        try file.checkWhole()
        try copy.checkWhole()
        return differences
    }

    private static func first(
        _ bytes: ByteRegion, _ copy: ByteRegion
    ) throws(BytesError) -> (place: Int, expected: UInt8, actual: UInt8, count: Int)? {
        var found: (place: Int, expected: UInt8, actual: UInt8, count: Int)?
        for start in stride(from: 0, to: bytes.byteCount, by: SealedTensor.chunkByteCount) {
            let length = min(SealedTensor.chunkByteCount, bytes.byteCount - start)
            let chunk = try bytes.subregion(offset: start, byteCount: length)
            let whole = try copy.subregion(offset: start, byteCount: length)
            if chunk.hasSameBytes(as: whole) { continue }
            for (index, pair) in zip(chunk.array, whole.array).enumerated() where pair.0 != pair.1 {
                found = found ?? (start + index, pair.1, pair.0, 0)
                found?.count += 1
            }
        }
        return found
    }
}
