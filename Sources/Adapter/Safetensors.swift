// Writes the safetensors format, F32 alone; reads nothing.

internal import Digest

/// A safetensors file:
///
/// ```
/// u64 length of the header, little-endian
/// header   JSON: each tensor's dtype, shape and [begin, end) in the data; texts under "__metadata__"; spaces to a
///          multiple of 8
/// data     the tensors' values, little-endian, without gaps
/// ```
enum Safetensors {
    struct Tensor {
        var name: String
        /// Outermost dimension first.
        var shape: [Int]
        /// Row-major; as many as `shape` says.
        var values: [Float]
    }

    /// The tensors in the order of their names, as readers expect them.
    static func bytes(of tensors: [Tensor], metadata: [String: String]) -> [UInt8] {
        let tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var header: [String: JSONValue] = ["__metadata__": .object(metadata.mapValues { .string($0) })]
        var data: [UInt8] = []
        for tensor in tensors {
            let begin = data.count
            for value in tensor.values { data.append(littleEndian: value.bitPattern) }
            header[tensor.name] = [
                "dtype": "F32", "shape": .array(tensor.shape.map { .exactly($0) }),
                "data_offsets": [.exactly(begin), .exactly(data.count)],
            ]
        }
        var text = JSONValue.object(header).canonicalBytes
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        var file: [UInt8] = []
        file.append(littleEndian: UInt64(text.count))
        return file + text + data
    }
}
