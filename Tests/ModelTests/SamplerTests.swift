import Foundation
import Model
import Testing

@Suite struct SamplerTests {
    /// Probabilities 0.5, 0.3, 0.15 and 0.05, not in order.
    static let logits = [0.15, 0.5, 0.05, 0.3].map { Float(log($0)) }

    private static func drawn(temperature: Double = 1, topP: Double, seed: UInt64 = 1, count: Int = 1000) -> [Int32] {
        let sampler = Sampler(temperature: temperature, topP: topP, seed: seed)
        return (0..<count).map { sampler.next(logits, step: $0) }
    }

    @Test(arguments: [UInt64(0), 1, 99]) func `at temperature 0 the largest logit wins, whatever the seed`(seed: UInt64)
    {
        let greedy = Sampler(temperature: 0, topP: 1, seed: seed)
        for step in 0..<20 { #expect(greedy.next(Self.logits, step: step) == 1) }
        #expect(greedy.next([2, 5, 5, 1], step: 0) == 1, "ties go to the lower id")
        #expect(greedy.next([-3, -2.5, -9], step: 0) == 1)
        #expect(greedy.next([7], step: 0) == 0)
    }

    @Test(
        arguments: [
            (0.01, [1]), (0.49, [1]), (0.51, [1, 3]), (0.79, [1, 3]), (0.81, [0, 1, 3]), (0.94, [0, 1, 3]),
            (0.96, [0, 1, 2, 3]), (1, [0, 1, 2, 3]),
        ] as [(Double, [Int32])])
    func `top-p keeps the smallest set of the likeliest that reaches it`(topP: Double, kept: [Int32]) {
        #expect(Set(Self.drawn(topP: topP)).sorted() == kept)
    }

    @Test func `of equally likely tokens the lower ids are kept`() {
        let sampler = Sampler(temperature: 1, topP: 0.5, seed: 0)
        #expect(Set((0..<200).map { sampler.next([1, 1, 1, 1], step: $0) }) == [0, 1])
    }

    // 4,000 draws: five standard errors of the largest share are 0.04.
    @Test(
        arguments: [
            (1, [0.15, 0.5, 0.05, 0.3]), (0.5, [0.0616, 0.6849, 0.0068, 0.2466]), (100, [0.25, 0.25, 0.25, 0.25]),
        ] as [(Double, [Double])])
    func `tokens come as often as the temperature makes them likely`(temperature: Double, shares: [Double]) {
        let drawn = Self.drawn(temperature: temperature, topP: 1, count: 4000)
        for (token, share) in shares.enumerated() {
            let got = Double(drawn.count { $0 == Int32(token) }) / 4000
            #expect(abs(got - share) < 0.04, "token \(token): \(got) for \(share)")
        }
    }

    @Test func `what top-p leaves is shared out in proportion`() {
        let drawn = Self.drawn(topP: 0.75, count: 4000)
        let share = Double(drawn.count { $0 == 1 }) / 4000
        #expect(abs(share - 0.5 / 0.8) < 0.04, "\(share)")
    }

    @Test func `a draw depends on seed and step alone`() {
        let first = Self.drawn(topP: 1, seed: 5, count: 50)
        #expect(first == Self.drawn(topP: 1, seed: 5, count: 50))
        #expect(first != Self.drawn(topP: 1, seed: 6, count: 50))
        // In any order, and without the steps before.
        let sampler = Sampler(temperature: 1, topP: 1, seed: 5)
        #expect((0..<50).reversed().map { sampler.next(Self.logits, step: $0) } == first.reversed())
        #expect(Set(first).count > 1)
    }

    @Test func `logits that differ by more than a double can hold still give a token`() {
        let sampler = Sampler(temperature: 0.01, topP: 1, seed: 0)
        #expect((0..<20).allSatisfy { sampler.next([-1e30, 3e30, 0], step: $0) == 1 })
        #expect((0..<20).allSatisfy { sampler.next([-.infinity, 0, -.infinity], step: $0) == 1 })
    }
}
