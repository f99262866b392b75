import Blocks
import Foundation
import TensorCore
import TestSupport
import Testing

/// Prints how fast the products run; asserts nothing, since machines differ. Runs when POLYMATH_BENCH is set, and says
/// something only in release builds: `POLYMATH_BENCH=1 swift test -c release --filter SpeedTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["POLYMATH_BENCH"] != nil))
struct SpeedTests {
    let workers = Workers(count: min(ProcessInfo.processInfo.activeProcessorCount, 64))

    private func measure(_ label: String, operations: Int, _ body: () -> Void) {
        body()
        let clock = ContinuousClock()
        let best = (0..<5).map { _ in clock.measure(body) }.min() ?? .zero
        let seconds = best / .seconds(1)
        let speed = Double(operations) / seconds / 1e9
        print("\(label): \(String(format: "%.2f ms, %.0f Gop/s", seconds * 1e3, speed))")
    }

    @Test(arguments: [StorageType.f32, .q4_0, .q4_K, .q6_K], [(128, 1_536, 8_960), (128, 8_960, 1_536)])
    func `linear products`(type: StorageType, shape: (tokens: Int, inputs: Int, outputs: Int)) throws {
        let (tokens, inputs, outputs) = shape
        let weight = try StoredWeightTests.stored(type, outputs: outputs, inputs: inputs, seed: 1)
        let (x, y) = (randomMatrix(tokens, inputs, seed: 2), Matrix(rows: tokens, columns: outputs))
        let label = "\(type.name) \(tokens) × \(inputs) → \(outputs)"
        let operations = 2 * tokens * inputs * outputs
        measure("\(label) forward", operations: operations) {
            linear(x, weight, bias: nil, into: y, workers: workers)
        }
        measure("\(label) gradient of x", operations: operations) {
            linearBackwardInput(y, weight, into: x, workers: workers)
        }
    }

    @Test func `head and cross-entropy`() throws {
        let (tokens, width, vocabulary) = (128, 1_536, 32_000)
        let weight = try StoredWeightTests.stored(.q4_0, outputs: vocabulary, inputs: width, seed: 1)
        let hidden = randomMatrix(tokens, width, seed: 2)
        let dHidden = Matrix(rows: tokens, columns: width)
        let targets = randomTokens(tokens, vocabulary: vocabulary, seed: 3)
        measure("head with gradient", operations: 4 * tokens * width * vocabulary) {
            _ = headCrossEntropyWithGradient(
                hidden, weight, targets: targets, scale: 1, into: dHidden, workers: workers)
        }
    }
}
