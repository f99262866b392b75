/// Minimum, median and maximum of some measurements.
public struct Spread: Equatable, Sendable {
    public let min: Double
    public let median: Double
    public let max: Double

    /// - Precondition: there is at least one value.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "no measurement has no spread")
        let sorted = values.sorted()
        let middle = sorted.count / 2
        min = sorted[0]
        max = sorted[sorted.count - 1]
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
