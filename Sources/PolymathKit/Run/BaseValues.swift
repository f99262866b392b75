internal import Blocks
internal import GGUF
internal import TensorCore

/// Exact f32 values of a base's tensors, decoded anew at each request.
struct BaseValues {
    let gguf: GGUFFile

    /// Values of `name`, row-major; `output.weight` of a tied base is the embedding.
    func values(of name: String) -> [Float]? {
        let stored =
            gguf.tensor(named: name) ?? (name == "output.weight" ? gguf.tensor(named: "token_embd.weight") : nil)
        guard let stored, let inputs = stored.dimensions.first, stored.type.isDecodable else { return nil }
        return LinearWeight(
            stored: stored.type, region: gguf.region(of: stored), outputs: stored.elementCount / inputs, inputs: inputs
        ).decoded().values
    }
}
