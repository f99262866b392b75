import Foundation
import GGUF
import Model
import TensorCore
import TestSupport
import Testing

@Suite struct MixtureTests {
    let shape = TinyBase()

    /// Decoders of one base whose output gains differ.
    private func decoders(_ factors: [Float]) throws -> [Decoder] {
        let file = try shape.file(in: TemporaryFolder())
        return try factors.map { factor in
            let decoder = try Decoder(file, workers: Workers(count: 1))
            let gains = (0..<shape.width).map { $0 % 2 == 0 ? factor : 1 / factor }
            #expect(decoder.setGain("output_norm.weight", to: gains))
            return decoder
        }
    }

    private func drawn(_ mixture: Mixture, _ sampler: Sampler, count: Int = 10) throws -> [MixtureToken] {
        var all: [MixtureToken] = []
        try mixture.generate(prompt: [3, 1, 4], maxTokens: count, sampler: sampler, stopTokens: []) {
            all.append($0)
            return true
        }
        return all
    }

    @Test(arguments: [Sampler(temperature: 0, topP: 1, seed: 0), Sampler(temperature: 0.9, topP: 0.9, seed: 4)])
    func `any number of copies of one decoder writes what the decoder writes alone`(sampler: Sampler) throws {
        for count in [1, 2, 3, 5] {
            let mixture = Mixture(try decoders(Array(repeating: 1.5, count: count)))
            var alone: [Int32] = []
            try decoders([1.5])[0].generate(prompt: [3, 1, 4], maxTokens: 10, sampler: sampler, stopTokens: []) {
                alone.append($0)
                return true
            }
            let all = try drawn(mixture, sampler)
            #expect(all.map(\.token) == alone)
            for token in all {
                // Not nearly: a mean of equal numbers is the number.
                #expect(token.specialists.allSatisfy { $0 == token.logProbability })
                #expect(token.shares.allSatisfy { abs($0 - 1 / Double(count)) < 1e-15 })
            }
        }
    }

    @Test func `what a token is given is the mean of what each decoder alone gives it`() throws {
        let parts = try decoders([0.5, 1, 2])
        let all = try drawn(Mixture(parts), Sampler(temperature: 1, topP: 1, seed: 8), count: 12)
        let tokens: [Int32] = [3, 1, 4] + all.map(\.token)
        // Another path: one teacher-forced pass over the whole text, each decoder alone.
        let window = TokenWindow(
            inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()),
            counted: (1..<tokens.count).map { $0 >= 3 })
        let losses = try decoders([0.5, 1, 2]).map { try $0.losses(window).map { -Double($0) } }
        var differing = 0
        for (place, token) in all.enumerated() {
            let alone = losses.map { $0[place] }
            for (told, found) in zip(token.specialists, alone) { #expect(abs(told - found) < 1e-5) }
            let mean = alone.reduce(0) { $0 + exp($1) } / 3
            #expect(abs(token.logProbability - log(mean)) < 1e-5)
            #expect(abs(token.shares.reduce(0, +) - 1) < 1e-12)
            for (share, found) in zip(token.shares, alone) { #expect(abs(share - exp(found) / (3 * mean)) < 1e-5) }
            if (alone.max() ?? 0) - (alone.min() ?? 0) > 0.1 { differing += 1 }
        }
        // The decoders do differ, else this would show nothing.
        #expect(all.count == 12 && differing > 6)
    }

    @Test func `the mean of logarithms does not overflow and knows zero`() {
        #expect(Mixture.logMean(of: [-2_000, -2_000]) == -2_000)
        #expect(abs(Mixture.logMean(of: [-1_000, -2_000]) - (-1_000 - log(2))) < 1e-9)
        #expect(Mixture.logMean(of: [-.infinity, -1]) == -1 - log(2))
        #expect(Mixture.logMean(of: [-.infinity, -.infinity]) == -.infinity)
    }

    @Test func `it ends and refuses as a decoder does`() throws {
        let mixture = Mixture(try decoders([1, 2]))
        let greedy = Sampler(temperature: 0, topP: 1, seed: 0)
        let all = try drawn(mixture, greedy)
        let stop = try #require(all.map(\.token).last)
        let place = try #require(all.map(\.token).firstIndex(of: stop))
        var heard = 0
        let end = try mixture.generate(prompt: [3, 1, 4], maxTokens: 10, sampler: greedy, stopTokens: [stop]) { _ in
            heard += 1
            return true
        }
        #expect(end == .stop && heard == place)
        #expect(throws: ModelError.emptyPrompt) {
            try mixture.generate(prompt: [], maxTokens: 1, sampler: greedy, stopTokens: []) { _ in true }
        }
    }
}
