// One coordinate of many adapters becomes one number: plain and exact, the same on every machine.

/// Combines the values that the accepted adapters have at one coordinate.
///
/// Sums are made in double precision in a fixed order, and rounded once to f32 at the end.
enum Combiner {
    case median
    /// How many are left out at each end.
    case trimmedMean(Int)
    /// A factor per adapter, in the order of the values.
    case scaledMean([Double])

    /// - Parameter values: of all adapters, ascending by content id; the order is lost.
    func combine(_ values: inout [Float]) -> Float {
        switch self {
        case .median:
            values.sort()
            let middle = values.count / 2
            guard values.count % 2 == 0 else { return values[middle] }
            return Float((Double(values[middle - 1]) + Double(values[middle])) / 2)
        case .trimmedMean(let trim):
            values.sort()
            let kept = values[trim..<values.count - trim]
            return Float(kept.reduce(0.0) { $0 + Double($1) } / Double(kept.count))
        case .scaledMean(let factors):
            var sum = 0.0
            for (value, factor) in zip(values, factors) { sum += Double(value) * factor }
            return Float(sum / Double(values.count))
        }
    }

    /// The bound of a clipped mean where none is given: the median of the norms, of an even number the mean of the middle
    /// two.
    static func medianNorm(_ norms: [Double]) -> Double {
        let sorted = norms.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 0 ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
