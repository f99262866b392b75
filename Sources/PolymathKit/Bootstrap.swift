internal import Digest

/// 95 % percentile intervals of a mean loss (Efron and Tibshirani 1993, section 13.3).
///
/// Whole windows are drawn with replacement, since neighbouring tokens are not independent: an interval over single
/// tokens would look narrower than it is. Draws depend on the seed alone, so two evaluations of the same windows are
/// paired.
public struct Bootstrap: Sendable {
    private let windowSizes: [Int]
    /// Per resample, the indices of the windows drawn.
    private let draws: [[Int]]

    /// - Parameters:
    ///   - windowSizes: counted targets of each window, in order.
    ///   - resamples: at least 1.
    public init(windowSizes: [Int], resamples: Int, seed: UInt64) {
        self.windowSizes = windowSizes
        draws = (0..<max(1, resamples)).map { resample in
            var random = CounterRandom(seed: seed, purpose: "bootstrap", step: UInt64(resample))
            return windowSizes.map { _ in random.nextInt(below: windowSizes.count) }
        }
    }

    /// The interval of the mean of `losses`, less the mean of `others` over the same windows when given.
    ///
    /// - Parameter losses: one per counted target, window by window.
    /// - Returns: nil when there are no windows or the counts do not fit the windows.
    /// - Complexity: O(resamples · windows).
    public func interval(of losses: [Float], minus others: [Float]? = nil) -> ClosedRange<Double>? {
        guard var sums = sums(losses) else { return nil }
        if let others {
            guard let baseline = self.sums(others) else { return nil }
            sums = zip(sums, baseline).map { $0 - $1 }
        }
        var means: [Double] = []
        for draw in draws {
            let count = draw.reduce(0) { $0 + windowSizes[$1] }
            guard count > 0 else { continue }
            means.append(draw.reduce(0.0) { $0 + sums[$1] } / Double(count))
        }
        guard !means.isEmpty else { return nil }
        means.sort()
        let last = Double(means.count - 1)
        return means[Int((0.025 * last).rounded())]...means[Int((0.975 * last).rounded())]
    }

    /// The sum of each window's losses.
    private func sums(_ losses: [Float]) -> [Double]? {
        guard !windowSizes.isEmpty, losses.count == windowSizes.reduce(0, +) else { return nil }
        var start = 0
        return windowSizes.map { size in
            defer { start += size }
            return losses[start..<start + size].reduce(0.0) { $0 + Double($1) }
        }
    }
}
