import Blocks
import Bytes

/// A tensor's entry in the header, before its place in the file is checked.
struct TensorEntry {
    let name: String
    let type: StorageType
    let dimensions: [Int]
    let offset: UInt64
    let elementCount: Int
    let byteCount: Int

    static func read(_ cursor: inout ByteCursor, _ count: Int) throws(GGUFError) -> [TensorEntry] {
        var entries: [TensorEntry] = []
        for _ in 0..<count {
            let name = try cursor.name()
            let rank: UInt32 = try cursor.number()
            guard (1...4).contains(rank) else {
                throw .invalidDimensions(tensor: name, reason: "has \(rank) dimensions, not 1 to 4")
            }
            var dimensions: [Int] = []
            for _ in 0..<rank { dimensions.append(Int(clamping: try cursor.number(UInt64.self))) }
            let number: UInt32 = try cursor.number()
            guard let type = StorageType(rawValue: number) else {
                throw .unsupportedStorageType(number: number, tensor: name)
            }
            let size = try Self.size(name, type, dimensions)
            entries.append(
                TensorEntry(
                    name: name, type: type, dimensions: dimensions, offset: try cursor.number(),
                    elementCount: size.elements, byteCount: size.bytes))
        }
        return entries
    }

    /// Elements and bytes of a shape.
    static func size(
        _ name: String, _ type: StorageType, _ dimensions: [Int]
    ) throws(GGUFError) -> (elements: Int, bytes: Int) {
        guard (1...4).contains(dimensions.count) else {
            throw .invalidDimensions(tensor: name, reason: "has \(dimensions.count) dimensions, not 1 to 4")
        }
        var elements = 1
        for length in dimensions {
            guard length > 0 else { throw .invalidDimensions(tensor: name, reason: "has a dimension of \(length)") }
            let (product, overflow) = elements.multipliedReportingOverflow(by: length)
            guard !overflow else { throw .invalidDimensions(tensor: name, reason: "has too many elements to count") }
            elements = product
        }
        guard dimensions[0] % type.blockLength == 0 else {
            throw .invalidDimensions(
                tensor: name,
                reason: "has rows of \(dimensions[0]), not whole \(type.name) blocks of \(type.blockLength)")
        }
        guard let bytes = type.byteCount(elements: elements) else {
            throw .invalidDimensions(tensor: name, reason: "has too many bytes to count")
        }
        return (elements, bytes)
    }

    /// Checks alignment, bounds, names and overlaps, and gives the tensors their file offsets.
    static func place(
        _ entries: [TensorEntry], alignment: Int, dataOffset: Int, fileByteCount: Int
    ) throws(GGUFError) -> ([GGUFTensor], [String: Int]) {
        let available = max(0, fileByteCount - dataOffset)
        var tensors: [GGUFTensor] = []
        var index: [String: Int] = [:]
        for entry in entries {
            guard index.updateValue(tensors.count, forKey: entry.name) == nil else {
                throw .duplicateTensor(entry.name)
            }
            guard entry.offset % UInt64(alignment) == 0 else {
                throw .misalignedTensor(entry.name, offset: entry.offset, alignment: alignment)
            }
            guard entry.byteCount <= available, entry.offset <= UInt64(available - entry.byteCount) else {
                throw .tensorOutOfFile(
                    entry.name, offset: entry.offset, byteCount: entry.byteCount, available: available)
            }
            tensors.append(
                GGUFTensor(
                    name: entry.name, type: entry.type, dimensions: entry.dimensions,
                    offset: dataOffset + Int(entry.offset), byteCount: entry.byteCount,
                    elementCount: entry.elementCount))
        }
        let ordered = tensors.sorted { $0.offset < $1.offset }
        for (first, second) in zip(ordered, ordered.dropFirst()) where first.offset + first.byteCount > second.offset {
            throw .overlappingTensors(first.name, second.name)
        }
        return (tensors, index)
    }
}
