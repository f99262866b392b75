import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// LoRA in this decoder against PEFT's in transformers (Integrations/interop/peft_lora.py makes the figures).
@Suite struct PeftLoraTests {
    static let projections = ["attn_q", "attn_k", "attn_v", "attn_output"]

    // Tolerances of the design, section 8: losses 2e-4, gradients 1e-3 of the tensor's largest entry.
    @Test func `LoRA computes what PEFT computes`() throws {
        let expected = try GGUFFile(path: Repository.root + "/Tests/Vectors/peft-lora.gguf")
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        let decoder = try Decoder(base, workers: Workers(count: 2))
        let names = (0..<decoder.configuration.layerCount).flatMap { layer in
            Self.projections.map { "blk.\(layer).\($0).weight" }
        }
        var factors: [String: [Float]] = [:]
        for name in names.flatMap({ [$0 + ".lora_a", $0 + ".lora_b"] }) {
            factors[name] = try ReferenceStateTests.floats(expected, name)
        }
        let parameters = try decoder.addLowRank(to: names, rank: 3, scale: 2) { name, _ in
            factors[name + ".lora_a"] ?? []
        }
        for parameter in parameters {
            let values = try #require(factors[parameter.name])
            parameter.value.copy(
                from: Matrix(rows: parameter.value.rows, columns: parameter.value.columns, values: values))
        }
        let tokens = try ReferenceStateTests.tokens(expected)
        let window = ReferenceStateTests.window(tokens)
        let losses = try decoder.lossesAddingGradients(window, scale: 1 / Float(tokens.count - 1), lowest: 0)
        for (ours, theirs) in zip(losses, try ReferenceStateTests.floats(expected, "losses")) {
            #expect(abs(ours - theirs) < 2e-4)
        }
        for parameter in parameters {
            let wanted = try ReferenceStateTests.floats(expected, "grad." + parameter.name)
            let largest = wanted.map(abs).max() ?? 0
            let got = parameter.gradient.values
            #expect(got.count == wanted.count && largest > 1e-5)
            let worst = zip(got, wanted).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1e-3 * largest, "\(parameter.name): \(worst) of \(largest)")
        }
    }
}
