import Foundation
import Model
import Testing

@Suite struct SamplerTests {
    /// Probabilities 0.5, 0.3, 0.15 and 0.05, not in order.
    static let logits = [0.15, 0.5, 0.05, 0.3].map { Float(log($0)) }

    private static func drawn(
        temperature: Double = 1, topP: Double, seed: UInt64 = 1, count: Int = 1000
    ) throws -> [Int32] {
        let sampler = Sampler(temperature: temperature, topP: topP, seed: seed)
        return try (0..<count).map { try sampler.next(logits, step: $0, position: $0) }
    }

    @Test(arguments: [UInt64(0), 1, 99]) func `at temperature 0 the largest logit wins, whatever the seed`(seed: UInt64)
        throws
    {
        let greedy = Sampler(temperature: 0, topP: 1, seed: seed)
        for step in 0..<20 { #expect(try greedy.next(Self.logits, step: step, position: step) == 1) }
        #expect(try greedy.next([2, 5, 5, 1], step: 0, position: 0) == 1, "ties go to the lower id")
        #expect(try greedy.next([-3, -2.5, -9], step: 0, position: 0) == 1)
        #expect(try greedy.next([7], step: 0, position: 0) == 0)
    }

    @Test(
        arguments: [
            (0.01, [1]), (0.49, [1]), (0.51, [1, 3]), (0.79, [1, 3]), (0.81, [0, 1, 3]), (0.94, [0, 1, 3]),
            (0.96, [0, 1, 2, 3]), (1, [0, 1, 2, 3]),
        ] as [(Double, [Int32])])
    func `top-p keeps the smallest set of the likeliest that reaches it`(topP: Double, kept: [Int32]) throws {
        #expect(try Set(Self.drawn(topP: topP)).sorted() == kept)
    }

    @Test func `of equally likely tokens the lower ids are kept`() throws {
        let sampler = Sampler(temperature: 1, topP: 0.5, seed: 0)
        #expect(try Set((0..<200).map { try sampler.next([1, 1, 1, 1], step: $0, position: $0) }) == [0, 1])
    }

    // 4,000 draws: five standard errors of the largest share are 0.04.
    @Test(
        arguments: [
            (1, [0.15, 0.5, 0.05, 0.3]), (0.5, [0.0616, 0.6849, 0.0068, 0.2466]), (100, [0.25, 0.25, 0.25, 0.25]),
        ] as [(Double, [Double])])
    func `tokens come as often as the temperature makes them likely`(temperature: Double, shares: [Double]) throws {
        let drawn = try Self.drawn(temperature: temperature, topP: 1, count: 4000)
        for (token, share) in shares.enumerated() {
            let got = Double(drawn.count { $0 == Int32(token) }) / 4000
            #expect(abs(got - share) < 0.04, "token \(token): \(got) for \(share)")
        }
    }

    @Test func `what top-p leaves is shared out in proportion`() throws {
        let drawn = try Self.drawn(topP: 0.75, count: 4000)
        let share = Double(drawn.count { $0 == 1 }) / 4000
        #expect(abs(share - 0.5 / 0.8) < 0.04, "\(share)")
    }

    @Test func `a draw depends on seed and step alone`() throws {
        let first = try Self.drawn(topP: 1, seed: 5, count: 50)
        #expect(try first == Self.drawn(topP: 1, seed: 5, count: 50))
        #expect(try first != Self.drawn(topP: 1, seed: 6, count: 50))
        // In any order, and without the steps before.
        let sampler = Sampler(temperature: 1, topP: 1, seed: 5)
        #expect(
            try (0..<50).reversed().map { try sampler.next(Self.logits, step: $0, position: 9) } == first.reversed())
        #expect(Set(first).count > 1)
    }

    @Test func `logits that differ by more than a double can hold still give a token`() throws {
        let sampler = Sampler(temperature: 0.01, topP: 1, seed: 0)
        #expect(try (0..<20).allSatisfy { try sampler.next([-1e30, 3e30, 0], step: $0, position: $0) == 1 })
        #expect(
            try (0..<20).allSatisfy {
                try sampler.next(
                    [-Float.greatestFiniteMagnitude, 0, -.greatestFiniteMagnitude], step: $0, position: $0)
                    == 1
            })
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 1] as [Double])
    func `of scores that are no finite numbers nothing is drawn`(bad: Float, temperature: Double) {
        let sampler = Sampler(temperature: temperature, topP: 0.9, seed: 0)
        for place in 0..<4 {
            var logits = Self.logits
            logits[place] = bad
            #expect(throws: ModelError.scoresNotFinite(position: 17, token: place)) {
                try sampler.next(logits, step: 3, position: 17)
            }
            #expect(throws: ModelError.scoresNotFinite(position: 17, token: place)) {
                try sampler.next(scores: logits.map { Double($0) }, step: 3, position: 17)
            }
        }
    }
}
