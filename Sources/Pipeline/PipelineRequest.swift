public import Digest
public import Model
internal import Bytes
internal import Foundation

/// A text to go on from, as `Decoder.generate` takes it.
public struct PipelineRequest: Sendable {
    public var prompt: [Int32]
    public var maxTokens: Int
    public var sampler: Sampler
    public var stopTokens: Set<Int32>

    public init(prompt: [Int32], maxTokens: Int, sampler: Sampler, stopTokens: Set<Int32> = []) {
        self.prompt = prompt
        self.maxTokens = maxTokens
        self.sampler = sampler
        self.stopTokens = stopTokens
    }

    /// Positions that its caches hold.
    func capacity(_ shape: DecoderConfiguration) -> Int {
        min(shape.contextLength, prompt.count + max(1, maxTokens))
    }

    /// Names the request in every message; `serial` tells equal ones apart.
    func id(serial: Int) -> SHA256Digest {
        var writer = ByteWriter()
        writer.append(utf8: "polymath request 1\n")
        writer.append(UInt64(serial))
        for token in prompt { writer.append(token) }
        return .of(writer.bytes)
    }
}

/// A token that was chosen, and how likely it was.
public struct DrawnToken: Equatable, Sendable {
    public let token: Int32
    /// Natural logarithm of its probability among all logits.
    public let logProbability: Double
}

/// What a request came to.
public struct PipelineOutcome: Sendable {
    public internal(set) var tokens: [DrawnToken] = []
    /// Seconds from the first piece of a token's pass to its choice; same count as ``tokens``.
    public internal(set) var seconds: [Double] = []
    public internal(set) var end = GenerationEnd.length
    /// Over the logits of every pass: the next is SHA-256(this ‖ SHA-256(logits as f32)), from 32 zeros on.
    public internal(set) var logits = SHA256Digest.noHistory

    mutating func add(logits digest: SHA256Digest) {
        logits = .of(logits.bytes + digest.bytes)
    }

    /// Chooses the next token as `Decoder.generate` does.
    ///
    /// - Parameter filled: positions passed so far, which is the place of the token that is drawn.
    /// - Returns: the token to go on with; nil when the request is over, and ``end`` says why.
    /// - Throws: `ModelError.scoresNotFinite`.
    mutating func draw(
        _ logits: [Float], for request: PipelineRequest, seconds: Double, filled: Int, capacity: Int
    ) throws(ModelError) -> Int32? {
        guard tokens.count < request.maxTokens else { return nil }
        let token = try request.sampler.next(logits, step: tokens.count, position: filled)
        guard !request.stopTokens.contains(token) else {
            end = .stop
            return nil
        }
        tokens.append(DrawnToken(token: token, logProbability: Self.logProbability(of: Int(token), logits)))
        self.seconds.append(seconds)
        guard tokens.count < request.maxTokens else { return nil }
        guard filled < capacity else {
            end = .context
            return nil
        }
        return token
    }

    /// `logit − log Σ exp(logits)`, in Double, summed in ascending order.
    static func logProbability(of token: Int, _ logits: [Float]) -> Double {
        let top = Double(logits.max() ?? 0)
        var sum = 0.0
        for logit in logits { sum += exp(Double(logit) - top) }
        return Double(logits[token]) - top - log(sum)
    }
}

extension Decoder {
    /// What the whole decoder makes of a request, with nobody in between: what a pipeline is compared with.
    ///
    /// - Throws: `ModelError` as `generate` does.
    public func outcome(
        of request: PipelineRequest
    ) throws(ModelError) -> PipelineOutcome {
        let capacity = request.capacity(configuration)
        let cache = try KeyValueCache(configuration, capacity: capacity, arithmetic: arithmetic)
        var outcome = PipelineOutcome()
        var feed = request.prompt
        while true {
            let begin = ContinuousClock.now
            let logits = try extend(cache, with: feed)
            var writer = ByteWriter(capacity: logits.count * 4)
            writer.append(logits.span)
            outcome.add(logits: .of(writer.bytes))
            let next = try outcome.draw(
                logits, for: request, seconds: (ContinuousClock.now - begin) / .seconds(1), filled: cache.count,
                capacity: capacity)
            guard let next else { return outcome }
            feed = [next]
        }
    }
}
