public import Digest

/// Which windows each step trains on: a function of the step alone, so that a resumed run goes on as it would have.
///
/// Step s (from 0) takes the windows at places `s·B + j`, j = 0 … B−1, of an endless sequence that runs through all
/// n windows once per epoch: in their order, or shuffled anew for each epoch.
public struct BatchPlan: Equatable, Sendable {
    /// `n`.
    public let windowCount: Int
    /// `B`, windows per step.
    public let batchSize: Int
    /// The seed of the shuffles, or nil for the windows' own order.
    public let shuffleSeed: RandomSeed?

    /// - Precondition: `windowCount` and `batchSize` are at least 1.
    public init(windowCount: Int, batchSize: Int, shuffleSeed: RandomSeed? = nil) {
        precondition(windowCount > 0, "a plan needs at least one window")
        precondition(batchSize > 0, "a batch needs at least one window")
        self.windowCount = windowCount
        self.batchSize = batchSize
        self.shuffleSeed = shuffleSeed
    }

    /// Steps that it takes until every window has been used once: ⌈n / B⌉.
    public var stepsPerEpoch: Int { (windowCount - 1) / batchSize + 1 }

    /// Steps that it takes until every window has been used `epochs` times: ⌈n · epochs / B⌉; nil on overflow.
    public func steps(forEpochs epochs: Int) -> Int? {
        let (places, overflow) = windowCount.multipliedReportingOverflow(by: epochs)
        guard !overflow, places > 0 else { return overflow ? nil : 0 }
        return (places - 1) / batchSize + 1
    }

    /// The indices of the windows of step `step`.
    ///
    /// - Precondition: `step` is at least 0.
    /// - Complexity: O(B) in order; O(n) per epoch touched when shuffled.
    public func windows(step: Int) -> [Int] {
        let first = (step % windowCount) * (batchSize % windowCount)
        guard let shuffleSeed else {
            return (0..<batchSize).map { (first + $0) % windowCount }
        }
        var order: (epoch: Int, windows: [Int])?
        return (0..<batchSize).map { offset in
            let place = step * batchSize + offset
            let epoch = place / windowCount
            if order?.epoch != epoch { order = (epoch, Self.order(windowCount, seed: shuffleSeed, epoch: epoch)) }
            return order?.windows[place % windowCount] ?? 0
        }
    }

    /// The windows of one epoch in their shuffled order.
    private static func order(_ count: Int, seed: RandomSeed, epoch: Int) -> [Int] {
        var order = Array(0..<count)
        var random = CounterRandom(of: seed, purpose: "shuffle", step: UInt64(epoch))
        random.shuffle(&order)
        return order
    }
}
