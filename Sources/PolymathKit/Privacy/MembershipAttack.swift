internal import Digest

/// Tells by one number per window which windows a model was trained on, and how well that goes.
///
/// The number is how much the adapter lowered a window's loss: loss(base) − loss(adapted), nats per counted target. It is
/// an attack calibrated by the model before training (Carlini et al. 2022, "Membership Inference Attacks From First
/// Principles", sections III and VI, judge attacks by the true-positive rate at a low false-positive rate, as here; their
/// own attack trains many shadow models, which this one does not).
public struct MembershipAttack: Sendable {
    /// Area under the curve: how often a window that was trained on scores above one that was not; ties count half.
    public let areaUnderCurve: Double
    /// Share of the windows trained on that score above all but 1 % of the others.
    public let truePositiveRate: Double
    /// How many of the others may score above the threshold: 1 % of them, rounded down.
    public let falsePositives: Int

    /// Every score of both kinds, ascending; equal ones form one step.
    private let steps: [(isMember: Bool, index: Int)]
    private let isTiedWithLast: [Bool]
    private let memberCount: Int
    private let otherCount: Int

    /// - Parameters:
    ///   - members: scores of the windows that were trained on; at least one.
    ///   - others: scores of windows that were not; at least one.
    public init(members: [Double], others: [Double]) {
        precondition(!members.isEmpty && !others.isEmpty, "an attack needs windows of both kinds")
        memberCount = members.count
        otherCount = others.count
        let all =
            members.enumerated().map { (score: $0.element, isMember: true, index: $0.offset) }
            + others.enumerated().map { (score: $0.element, isMember: false, index: $0.offset) }
        let sorted = all.sorted { $0.score < $1.score }
        steps = sorted.map { ($0.isMember, $0.index) }
        isTiedWithLast = sorted.indices.map { $0 > 0 && sorted[$0].score == sorted[$0 - 1].score }
        falsePositives = others.count / 100
        let threshold = others.sorted(by: >)[falsePositives]
        truePositiveRate = Double(members.count { $0 > threshold }) / Double(members.count)
        areaUnderCurve = Self.area(
            steps, isTiedWithLast, members: [Int](repeating: 1, count: members.count),
            others: [Int](repeating: 1, count: others.count))
    }

    /// 95 % percentile interval of the area (Efron and Tibshirani 1993, section 13.3): windows of each kind are drawn with
    /// replacement, apart.
    ///
    /// - Returns: nil for no resamples.
    /// - Complexity: O(resamples · windows).
    public func interval(resamples: Int, seed: UInt64) -> ClosedRange<Double>? {
        guard resamples > 0 else { return nil }
        let areas = (0..<resamples).map { resample in
            var random = CounterRandom(seed: seed, purpose: "membership bootstrap", step: UInt64(resample))
            func draws(_ count: Int) -> [Int] {
                var times = [Int](repeating: 0, count: count)
                for _ in 0..<count { times[random.nextInt(below: count)] += 1 }
                return times
            }
            let members = draws(memberCount)
            return Self.area(steps, isTiedWithLast, members: members, others: draws(otherCount))
        }.sorted()
        let last = Double(areas.count - 1)
        return areas[Int((0.025 * last).rounded())]...areas[Int((0.975 * last).rounded())]
    }

    /// The Mann–Whitney statistic over its largest value, each score counted as often as it was drawn.
    private static func area(
        _ steps: [(isMember: Bool, index: Int)], _ isTied: [Bool], members: [Int], others: [Int]
    ) -> Double {
        var wins = 0.0
        var below = 0
        var tiedMembers = 0
        var tiedOthers = 0
        func close() {
            wins += Double(tiedMembers) * (Double(below) + Double(tiedOthers) / 2)
            below += tiedOthers
            (tiedMembers, tiedOthers) = (0, 0)
        }
        for (position, step) in steps.enumerated() {
            if !isTied[position] { close() }
            if step.isMember { tiedMembers += members[step.index] } else { tiedOthers += others[step.index] }
        }
        close()
        return wins / (Double(members.reduce(0, +)) * Double(others.reduce(0, +)))
    }
}
