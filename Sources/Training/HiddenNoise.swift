internal import Digest
internal import Foundation
public import TensorCore

/// Gaussian noise on the input of every layer in training passes: what a device adds that computes inexactly, or that
/// hides its hidden states from whoever reads them.
///
/// Row t of a layer's input becomes `x_t + σ · rms(x_t) · ε_t`, ε standard normal, `rms(x) = sqrt(mean(x²))`. The gradient
/// goes past the noise as if it were a constant.
public struct HiddenNoise: Equatable, Sendable {
    /// σ, relative to the root mean square of each row.
    public let deviation: Double
    public let seed: UInt64

    public init(deviation: Double, seed: UInt64) {
        self.deviation = deviation
        self.seed = seed
    }

    /// What one pass's layers are disturbed by: numbers keyed by seed, step, window and layer.
    ///
    /// - Parameters:
    ///   - step: from 0.
    ///   - window: index among the training windows.
    public func disturbance(step: Int, window: Int) -> (_ layer: Int, _ hidden: Matrix) -> Void {
        { layer, hidden in
            var random = CounterRandom(seed: seed, purpose: "noise \(layer) \(window)", step: UInt64(step))
            let columns = hidden.columns
            hidden.withMutableSpan { values in
                for start in stride(from: 0, to: values.count, by: columns) {
                    var squares = 0.0
                    for index in start..<start + columns { squares += Double(values[index]) * Double(values[index]) }
                    let size = deviation * (squares / Double(columns)).squareRoot()
                    for index in start..<start + columns { values[index] += Float(size * random.nextNormal()) }
                }
            }
        }
    }
}

extension CounterRandom {
    /// Standard normal, from two draws (Box and Muller, 1958).
    mutating func nextNormal() -> Double {
        // 1 − u lies in (0, 1]: its logarithm is finite.
        let radius = (-2 * log(1 - nextDouble())).squareRoot()
        return radius * cos(2 * .pi * nextDouble())
    }
}
