import Model
import TensorCore
import TestSupport
import Testing

/// Low-rank additions and a token bias in the whole decoder, against measured slopes of its own forward.
@Suite struct AdditionTests {
    /// Additions to every attention projection, with factors well away from zero, and a bias on a few logits.
    private static func add(to decoder: Decoder, _ shape: TinyBase, rank: Int = 2) throws -> [Parameter] {
        var random = SeededGenerator(seed: 5)
        let names = (0..<shape.layers).flatMap { layer in
            ["attn_q", "attn_k", "attn_v", "attn_output"].map { "blk.\(layer).\($0).weight" }
        }
        var all = try decoder.addLowRank(to: names, rank: rank, scale: 0.5) { _, count in
            (0..<count).map { _ in random.normal() * 0.3 }
        }
        all.append(try decoder.addTokenBias([5, 0, 23, 7], scale: 2))
        for parameter in all where !parameter.name.hasSuffix("lora_a") {
            parameter.value.withMutableSpan { values in
                for index in values.indices { values[index] = random.normal() * 0.3 }
            }
        }
        return all
    }

    // Tolerances as in WholeModelGradientTests.
    @Test(arguments: [
        TinyBase(), TinyBase(heads: 6, keyValueHeads: 2, tied: true), TinyBase(layers: 1, heads: 1, keyValueHeads: 1),
    ])
    func `every factor's gradient is the slope of the loss`(shape: TinyBase) throws {
        let decoder = try shape.decoder()
        let parameters = try Self.add(to: decoder, shape)
        let window = shape.window(9, seed: 2, skip: 3)
        func loss() throws -> Double { try decoder.losses(window).reduce(0.0) { $0 + Double($1) } / 6 }
        #expect(window.countedCount == 6)
        _ = try decoder.lossesAddingGradients(window, scale: 1 / 6, lowest: 0)
        var random = SeededGenerator(seed: 3)
        for parameter in parameters {
            let gradient = parameter.gradient.values
            let largest = gradient.map(\.magnitude).max() ?? 0
            #expect(largest > 1e-3, "\(parameter.name) has next to no gradient: the test would see nothing")
            for _ in 0..<min(6, gradient.count) {
                let place = Int(random.next() % UInt64(gradient.count))
                let (row, column) = (place / parameter.value.columns, place % parameter.value.columns)
                let start = parameter.value[row, column]
                parameter.value[row, column] = start + 4e-3
                let above = try loss()
                parameter.value[row, column] = start - 4e-3
                let slope = try (above - loss()) / 8e-3
                parameter.value[row, column] = start
                #expect(
                    abs(slope - Double(gradient[place])) <= 2e-4 + 5e-3 * Double(largest),
                    "\(parameter.name)[\(place)]: \(gradient[place]) for the slope \(slope), largest \(largest)")
            }
        }
    }

    // What goes through the additions must reach the tensors below them too.
    @Test func `gains under additions have the slope of the loss`() throws {
        let shape = TinyBase()
        let decoder = try shape.decoder()
        _ = try Self.add(to: decoder, shape)
        let gain = try #require(try decoder.makeTrainable(["blk.0.attn_norm.weight"]).first)
        let window = shape.window(9, seed: 2)
        _ = try decoder.lossesAddingGradients(window, scale: 1 / 9, lowest: 0)
        func loss() throws -> Double { try decoder.losses(window).reduce(0.0) { $0 + Double($1) } / 9 }
        let gradient = gain.gradient.values
        let largest = Double(gradient.map(\.magnitude).max() ?? 0)
        for column in gradient.indices {
            let start = gain.value[0, column]
            gain.value[0, column] = start + 4e-3
            let above = try loss()
            gain.value[0, column] = start - 4e-3
            let slope = try (above - loss()) / 8e-3
            gain.value[0, column] = start
            #expect(abs(slope - Double(gradient[column])) <= 2e-4 + 5e-3 * largest)
        }
    }

    @Test func `an addition that has learned nothing changes no bit`() throws {
        let shape = TinyBase()
        let (plain, added) = (try shape.decoder(), try shape.decoder())
        _ = try added.addLowRank(to: ["blk.0.attn_q.weight", "blk.1.attn_output.weight"], rank: 3, scale: 2) {
            Array(repeating: 0.5, count: $1)
        }
        _ = try added.addTokenBias([1, 2])
        let window = shape.window(9, seed: 1)
        #expect(try added.losses(window) == plain.losses(window))
    }

    @Test func `what is computed again for backward gives the same bits`() throws {
        let shape = TinyBase()
        let window = shape.window(9, seed: 4)
        func gradients(limit: Int?) throws -> [[Float]] {
            let decoder = try shape.decoder()
            let parameters = try Self.add(to: decoder, shape)
            let plan = decoder.memoryPlan(tokens: 9, lowestSaved: 0, limit: limit)
            #expect((plan.recomputedAttentionCount == 2) == (limit != nil))
            try decoder.reserve(plan)
            _ = try decoder.lossesAddingGradients(window, scale: 1, lowest: 0)
            return parameters.map(\.gradient.values)
        }
        #expect(try gradients(limit: 1) == gradients(limit: nil))
    }

    @Test func `logits and generation see the additions`() throws {
        let shape = TinyBase()
        let decoder = try shape.decoder()
        let tokens: [Int32] = [3, 1, 4, 1, 5]
        let before = try decoder.logits(tokens)
        let bias = try decoder.addTokenBias([7, 2])
        bias.value.copy(from: Matrix(rows: 1, columns: 2, values: [0.25, -0.5]))
        let after = try decoder.logits(tokens)
        for row in 0..<5 {
            #expect(after[row, 2] - before[row, 2] == 0.25)
            #expect(after[row, 7] - before[row, 7] == -0.5)
            #expect(after[row, 3] == before[row, 3])
        }
        _ = try Self.add(to: decoder, shape)
        let whole = try decoder.logits(tokens)
        #expect(whole[4, 3] != after[4, 3])
        let cache = try KeyValueCache(decoder.configuration, capacity: 8, arithmetic: .f32)
        _ = try decoder.extend(cache, with: Array(tokens.dropLast()))
        let last = try decoder.extend(cache, with: [5])
        for (token, value) in last.enumerated() { #expect(abs(value - whole[4, token]) < 1e-5) }
    }

    @Test func `only attention's projections take additions, and only known tokens a bias`() throws {
        let decoder = try TinyBase().decoder()
        for name in ["blk.0.ffn_up.weight", "blk.9.attn_q.weight", "attn_q.weight", "blk.0.attn_q.bias"] {
            #expect(throws: ModelError.missingTensor(name)) {
                try decoder.addLowRank(to: [name], rank: 1, scale: 1) { Array(repeating: 0, count: $1) }
            }
        }
        #expect(throws: ModelError.tokenOutOfRange(token: 24, index: 1, vocabularySize: 24)) {
            try decoder.addTokenBias([3, 24])
        }
    }
}
