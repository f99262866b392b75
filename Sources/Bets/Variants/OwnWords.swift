internal import Foundation
package import Model
internal import TensorCore

/// Which tokens a sparse bias on the logits should be for, from training text alone.
package struct OwnWords {
    /// Times that each token is a counted target.
    private var said: [Double]
    /// Times that the base expects it to be.
    private var expected: [Double]

    /// - Complexity: one forward of every window, with all logits.
    package init(_ windows: [TokenWindow], base: Decoder) throws {
        said = Array(repeating: 0, count: base.configuration.vocabularySize)
        expected = said
        for window in windows {
            let logits = try base.logits(window.inputs)
            for row in window.inputs.indices where window.counted[row] {
                said[Int(window.targets[row])] += 1
                logits.withSpan { all in
                    let first = row * said.count
                    var top = -Float.infinity
                    for token in said.indices { top = max(top, all[first + token]) }
                    var sum: Float = 0
                    for token in said.indices { sum += exp(all[first + token] - top) }
                    for token in said.indices { expected[token] += Double(exp(all[first + token] - top) / sum) }
                }
            }
        }
    }

    /// The tokens said most often; among equals the lower ids.
    package func mostFrequent(_ count: Int) -> [Int32] { best(count) { said[$0] } }

    /// The tokens whose bias alone would gain most, said more or less often than expected.
    ///
    /// With c said and p expected, both plus one so that rare words gain little, a bias b = log(c/p) gains c·b − c + p nats.
    package func mostGained(_ count: Int) -> [Int32] {
        best(count) { token in
            let (c, p) = (said[token] + 1, expected[token] + 1)
            return c * log(c / p) - c + p
        }
    }

    private func best(_ count: Int, by value: (Int) -> Double) -> [Int32] {
        let values = said.indices.map(value)
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        return order.prefix(count).sorted().map(Int32.init)
    }
}
