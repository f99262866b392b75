internal import Blocks
internal import Bytes
internal import GGUF
internal import Model
internal import TensorCore

/// The values of a boundary file that has been read and judged, on their way into f32 masters.
enum BoundaryValues {
    /// - Throws: `RunError.exportDiffers` when a tensor is missing or has another number of values.
    static func copy(from path: String, into parameters: [Parameter]) throws {
        let stored = try GGUFFile(path: path)
        for parameter in parameters {
            guard let tensor = stored.tensor(named: parameter.name), tensor.elementCount == parameter.value.count else {
                throw RunError.exportDiffers(
                    path: path, reason: "tensor \(parameter.name) is missing or has another shape")
            }
            stored.region(of: tensor).withBytes { bytes in
                parameter.value.withMutableSpan { span in tensor.type.decode(bytes, into: &span) }
            }
        }
    }
}
