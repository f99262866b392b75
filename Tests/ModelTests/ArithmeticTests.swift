import Foundation
import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// Faster arithmetic against f32, whole models at a time.
@Suite struct ArithmeticTests {
    /// The gradients of every norm gain of one window.
    private func gradients(_ base: GGUFFile, _ arithmetic: Arithmetic, tokens: [Int32]) throws -> (
        loss: Float, gains: [(name: String, values: [Float])]
    ) {
        let decoder = try Decoder(base, workers: Workers(count: 2), arithmetic: arithmetic)
        let parameters = try decoder.makeTrainable(decoder.gains.map(\.name))
        let window = TokenWindow(
            inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()),
            counted: [Bool](repeating: true, count: tokens.count - 1))
        let losses = try decoder.lossesAddingGradients(window, scale: 1 / Float(tokens.count - 1), lowest: 0)
        return (losses.reduce(0, +) / Float(losses.count), parameters.map { ($0.name, $0.gradient.values) })
    }

    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += Double(x) * Double(y)
            aa += Double(x) * Double(x)
            bb += Double(y) * Double(y)
        }
        return ab / (aa * bb).squareRoot()
    }

    @Test(
        arguments: ["Checkpoints/nano-q4_k_m.gguf", "Tests/Reference/qwen2-untied-q4_0.gguf"],
        [(Arithmetic.bf16, 0.999), (.int8, 0.99)])
    func `every gain's gradient points where that of f32 does`(path: String, mode: (Arithmetic, Double)) throws {
        let base = try GGUFFile(path: Repository.root + "/" + path)
        let size = Int32(try DecoderConfiguration(base).vocabularySize)
        var generator = SeededGenerator(seed: 5)
        let tokens = (0..<65).map { _ in Int32.random(in: 0..<size, using: &generator) }
        let reference = try gradients(base, .f32, tokens: tokens)
        let fast = try gradients(base, mode.0, tokens: tokens)
        #expect(abs(reference.loss - fast.loss) < 0.01 * reference.loss && reference.loss != fast.loss)
        for (expected, found) in zip(reference.gains, fast.gains) {
            let cosine = cosine(expected.values, found.values)
            #expect(cosine >= mode.1, "\(expected.name): \(cosine)")
        }
    }
}
