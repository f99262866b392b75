import Model
import TensorCore
import TestSupport
import Testing

@Suite struct GenerationTests {
    static let greedy = Sampler(temperature: 0, topP: 1, seed: 0)

    // The cached pass multiplies one row where the whole one multiplies many: the sums may be grouped differently.
    @Test(arguments: TinyBase.shapes)
    func `step by step the cache's logits are a whole pass's`(shape: TinyBase) throws {
        let decoder = try shape.decoder()
        let ids = shape.window(12, seed: 7).inputs
        let whole = try decoder.logits(ids)
        for first in [1, 4, 12] {
            let cache = try KeyValueCache(decoder.configuration, capacity: 12, arithmetic: decoder.arithmetic)
            var logits = try decoder.extend(cache, with: Array(ids[..<first]))
            for position in first - 1..<12 {
                if position >= first { logits = try decoder.extend(cache, with: [ids[position]]) }
                #expect(cache.count == position + 1)
                for (column, logit) in logits.enumerated() {
                    #expect(abs(logit - whole[position, column]) < 1e-4, "position \(position), token \(column)")
                }
            }
        }
    }

    @Test(arguments: TinyBase.shapes)
    func `what is generated is what whole passes over the growing text would choose`(shape: TinyBase) throws {
        let decoder = try shape.decoder()
        for sampler in [Self.greedy, Sampler(temperature: 0.9, topP: 0.9, seed: 4)] {
            var tokens: [Int32] = [3, 1, 4]
            var wanted: [Int32] = []
            for step in 0..<10 {
                let logits = try decoder.logits(tokens)
                let row = (0..<logits.columns).map { logits[logits.rows - 1, $0] }
                wanted.append(try sampler.next(row, step: step, position: tokens.count))
                tokens.append(wanted[step])
            }
            var got: [Int32] = []
            let end = try decoder.generate(prompt: [3, 1, 4], maxTokens: 10, sampler: sampler, stopTokens: []) {
                got.append($0)
                return true
            }
            #expect(got == wanted)
            #expect(end == .length)
        }
    }

    @Test func `it ends at a stop token, at the wish of who listens, at the length and at the context's end`() throws {
        let shape = TinyBase(context: 8)
        let decoder = try shape.decoder()
        func generate(
            _ count: Int, stops: Set<Int32> = [], takes: Int = .max
        ) throws -> (tokens: [Int32], end: GenerationEnd) {
            var tokens: [Int32] = []
            let end = try decoder.generate(prompt: [3, 1], maxTokens: count, sampler: Self.greedy, stopTokens: stops) {
                tokens.append($0)
                return tokens.count < takes
            }
            return (tokens, end)
        }
        let whole = try generate(100)
        // Eight positions: two of the prompt, six of what was written, and one more token drawn from the last.
        #expect(whole.end == .context)
        #expect(whole.tokens.count == 7)
        let short = try generate(4)
        #expect(short.end == .length && short.tokens == Array(whole.tokens[..<4]))
        #expect(try generate(0).tokens.isEmpty)
        let heard = try generate(100, takes: 2)
        #expect(heard.end == .stop && heard.tokens == Array(whole.tokens[..<2]))
        let stop = whole.tokens[2]
        let place = try #require(whole.tokens.firstIndex(of: stop))
        let stopped = try generate(100, stops: [stop])
        #expect(stopped.end == .stop && stopped.tokens == Array(whole.tokens[..<place]))
    }

    @Test func `what cannot be gone on from is refused`() throws {
        let shape = TinyBase(context: 8)
        let decoder = try shape.decoder()
        func error(_ prompt: [Int32]) throws -> ModelError {
            try #require(throws: ModelError.self) {
                try decoder.generate(prompt: prompt, maxTokens: 1, sampler: Self.greedy, stopTokens: []) { _ in true }
            }
        }
        #expect(try error([]) == .emptyPrompt)
        #expect(try error(Array(repeating: 1, count: 8)) == .contextExceeded(requested: 9, limit: 8))
        #expect(try error([1, 24]) == .tokenOutOfRange(token: 24, index: 1, vocabularySize: 24))
        #expect(try error([-1]) == .tokenOutOfRange(token: -1, index: 0, vocabularySize: 24))
        let cache = try KeyValueCache(decoder.configuration, capacity: 3, arithmetic: decoder.arithmetic)
        _ = try decoder.extend(cache, with: [1, 2])
        #expect(throws: ModelError.contextExceeded(requested: 4, limit: 3)) {
            try decoder.extend(cache, with: [1, 2])
        }
        #expect(cache.count == 2)
        #expect(throws: ModelError.emptyPrompt) { try decoder.extend(cache, with: []) }
        #expect(throws: ModelError.contextExceeded(requested: 9, limit: 8)) {
            try decoder.logits(Array(repeating: 1, count: 9))
        }
    }
}
