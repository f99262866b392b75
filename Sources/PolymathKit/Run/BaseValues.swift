internal import Blocks
internal import GGUF
internal import TensorCore

/// Exact f32 values of a base's tensors, decoded anew at each request.
struct BaseValues {
    let gguf: GGUFFile

    /// Values of `name`, row-major; `output.weight` of a tied base is the embedding.
    func values(of name: String) -> [Float]? { weight(name)?.decoded().values }

    /// Calls `body` with each row of `name` in turn, decoded: never more than one at a time.
    func forEachRow(of name: String, _ body: (Int, Span<Float>) -> Void) {
        guard let weight = weight(name) else { return }
        var values = [Float](repeating: 0, count: weight.inputs)
        for row in 0..<weight.outputs {
            var target = values.mutableSpan
            weight.row(row, into: &target)
            body(row, values.span)
        }
    }

    private func weight(_ name: String) -> LinearWeight? {
        let stored =
            gguf.tensor(named: name) ?? (name == "output.weight" ? gguf.tensor(named: "token_embd.weight") : nil)
        guard let stored, let inputs = stored.dimensions.first, stored.type.isDecodable else { return nil }
        return LinearWeight(
            stored: stored.type, region: gguf.region(of: stored), outputs: stored.elementCount / inputs, inputs: inputs)
    }
}
