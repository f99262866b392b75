import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// What a plan keeps decides memory and time, never a bit.
@Suite struct MemoryPlanTests {
    private func decoder(_ arithmetic: Arithmetic, threads: Int = 2) throws -> Decoder {
        try Decoder(
            try GGUFFile(path: Repository.root + "/Checkpoints/nano-q4_k_m.gguf"), workers: Workers(count: threads),
            arithmetic: arithmetic)
    }

    private var window: TokenWindow {
        var generator = SeededGenerator(seed: 5)
        let tokens = (0..<71).map { _ in Int32.random(in: 0..<250, using: &generator) }
        return TokenWindow(
            inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()),
            counted: [Bool](repeating: true, count: 70))
    }

    /// Losses and the gradients of all gains, under a limit of bytes.
    private func pass(_ arithmetic: Arithmetic, threads: Int, limit: Int?) throws -> (MemoryPlan, [[UInt32]]) {
        let decoder = try decoder(arithmetic, threads: threads)
        let parameters = try decoder.makeTrainable(decoder.gains.map(\.name))
        let plan = decoder.memoryPlan(tokens: 70, lowestSaved: 0, limit: limit)
        try decoder.reserve(plan)
        let losses = try decoder.lossesAddingGradients(window, scale: 1 / 70, lowest: 0)
        return (plan, [losses.map(\.bitPattern)] + parameters.map { $0.gradient.values.map(\.bitPattern) })
    }

    @Test(arguments: Arithmetic.allCases)
    func `no budget and no number of threads changes a bit`(arithmetic: Arithmetic) throws {
        let (full, expected) = try pass(arithmetic, threads: 1, limit: nil)
        #expect(full.recomputedAttentionCount == 0 && full.recomputedFeedForwardCount == 0)
        let (least, bits) = try pass(arithmetic, threads: 2, limit: 0)
        #expect(least.savings.allSatisfy { $0 == .least })
        #expect(least.byteCount < full.byteCount)
        #expect(bits == expected)
        // Scratch grows with threads, and with it what a plan can do with.
        let three = try decoder(arithmetic, threads: 3)
        let bounds = [0, Int.max].map { three.memoryPlan(tokens: 70, lowestSaved: 0, limit: $0).byteCount }
        let (some, between) = try pass(arithmetic, threads: 3, limit: (bounds[0] + bounds[1]) / 2)
        #expect(some.savings.contains { $0 != .least } && some.savings.contains { $0 != .everything })
        #expect(between == expected)
    }

    @Test func `a plan keeps to its limit, and keeps the more the more there is`() throws {
        let decoder = try decoder(.bf16)
        let full = decoder.memoryPlan(tokens: 256, lowestSaved: 0)
        let least = decoder.memoryPlan(tokens: 256, lowestSaved: 0, limit: 0)
        var before = 2 * full.savings.count + 1
        for step in 0...10 {
            let limit = least.byteCount + (full.byteCount - least.byteCount) * step / 10
            let plan = decoder.memoryPlan(tokens: 256, lowestSaved: 0, limit: limit)
            #expect(plan.byteCount <= limit)
            let recomputed = plan.recomputedAttentionCount + plan.recomputedFeedForwardCount
            #expect(recomputed <= before)
            before = recomputed
        }
        #expect(before == 0)
    }

    @Test func `a pass without backward keeps nothing`() throws {
        let plan = try decoder(.bf16).memoryPlan(tokens: 256, lowestSaved: nil)
        #expect(plan.savings.isEmpty)
        #expect(plan.byteCount < (try decoder(.bf16).memoryPlan(tokens: 256, lowestSaved: 0).byteCount))
    }
}
