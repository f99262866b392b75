import TensorCore
import TestSupport

/// A matrix of seeded normal values.
func randomMatrix(_ rows: Int, _ columns: Int, seed: UInt64, deviation: Float = 1) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    return Matrix(
        rows: rows, columns: columns, values: (0..<rows * columns).map { _ in generator.normal() * deviation })
}

/// Seeded rows of a table of `vocabulary` rows.
func randomTokens(_ count: Int, vocabulary: Int, seed: UInt64) -> [Int32] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &generator) }
}

extension Matrix {
    var doubles: [Double] { values.map(Double.init) }
    var bits: [UInt32] { values.map(\.bitPattern) }
}

/// The largest difference, relative to the largest expected entry (or to 1e-3 when all are smaller).
func distance(_ actual: [Float], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    let scale = expected.reduce(1e-3) { max($0, abs($1)) }
    return zip(actual, expected).reduce(0) { worst, pair in
        let difference = abs(Double(pair.0) - pair.1) / scale
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}

/// What f32 sums of at most a few thousand terms may lose against Double: some tens of roundings of 6e-8.
let float32Tolerance = 5e-6
