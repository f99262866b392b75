internal import Foundation

/// Several decoders of one base that write as one: p = (p₁ + … + p_N) / N over the next token.
///
/// Each keeps its own state; none sees another's. It decides nothing about who they are or how they were made, and the
/// order in which they stand is the caller's: sums are taken in it, so the same order gives the same bits.
public final class Mixture {
    public let decoders: [Decoder]

    /// - Precondition: at least one decoder, all of one configuration.
    public init(_ decoders: [Decoder]) {
        precondition(!decoders.isEmpty, "a mixture of nobody")
        precondition(
            decoders.allSatisfy { $0.configuration == decoders[0].configuration }, "decoders of different bases")
        self.decoders = decoders
    }

    /// As `Decoder.generate`, from the mixture's distribution.
    ///
    /// - Throws: `ModelError` for an empty or too long prompt, an id outside the vocabulary, scores that are no finite
    ///   numbers, or memory that is refused.
    @discardableResult
    public func generate(
        prompt: [Int32], maxTokens: Int, sampler: Sampler, stopTokens: Set<Int32>, emit: (MixtureToken) -> Bool
    ) throws(ModelError) -> GenerationEnd {
        let configuration = decoders[0].configuration
        let capacity = try configuration.positions(prompt: prompt.count, maxTokens: maxTokens)
        var caches: [KeyValueCache] = []
        for decoder in decoders {
            caches.append(try KeyValueCache(configuration, capacity: capacity, arithmetic: decoder.arithmetic))
        }
        return try writeOn(
            prompt: prompt, maxTokens: maxTokens, capacity: capacity, stopTokens: stopTokens, id: \.token,
            draw: { tokens, step throws(ModelError) in
                var parts: [[Double]] = []
                for (decoder, cache) in zip(decoders, caches) {
                    parts.append(Self.logProbabilities(try decoder.extend(cache, with: tokens)))
                }
                let mixed = Self.logMean(parts)
                let token = try sampler.next(scores: mixed, step: step, position: caches[0].count)
                return MixtureToken(
                    token: token, logProbability: mixed[Int(token)], specialists: parts.map { $0[Int(token)] })
            }, emit: emit)
    }

    /// log p = logit − log Σ exp(logits), in f64.
    static func logProbabilities(_ logits: [Float]) -> [Double] {
        let top = Double(logits.max() ?? 0)
        var sum = 0.0
        for logit in logits { sum += exp(Double(logit) - top) }
        let total = top + log(sum)
        return logits.map { Double($0) - total }
    }

    /// log p = log Σ exp(log pᵢ) − log N, for every token; exactly log p₁ where all parts are the same.
    static func logMean(_ parts: [[Double]]) -> [Double] {
        guard let first = parts.first else { return [] }
        let count = Double(parts.count)
        return first.indices.map { token in
            var top = first[token]
            for part in parts.dropFirst() { top = max(top, part[token]) }
            var sum = 0.0
            for part in parts { sum += exp(part[token] - top) }
            return top + log(sum / count)
        }
    }

    /// log Σ exp(xᵢ) − log N, summed in the given order.
    public static func logMean(of values: [Double]) -> Double {
        guard let top = values.max(), top > -.infinity else { return -.infinity }
        return top + log(values.reduce(0) { $0 + exp($1 - top) } / Double(values.count))
    }
}

/// A token that a mixture drew, and what each of its parts gave it.
public struct MixtureToken: Equatable, Sendable {
    public let token: Int32
    /// Of the mixture, in nats, before temperature and nucleus.
    public let logProbability: Double
    /// log pᵢ of each part, alone, in the mixture's order.
    public let specialists: [Double]

    public init(token: Int32, logProbability: Double, specialists: [Double]) {
        self.token = token
        self.logProbability = logProbability
        self.specialists = specialists
    }

    /// pᵢ / Σ pⱼ: whose word the token is, as far as its probability goes. They add up to 1.
    public var shares: [Double] {
        let top = specialists.max() ?? 0
        let weights = specialists.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
