/// What ended a generation.
public enum GenerationEnd: String, Sendable {
    /// A stop token was drawn.
    case stop
    /// `maxTokens` were produced.
    case length
    /// The context is full.
    case context
}

extension Decoder {
    /// Generates up to `maxTokens` tokens after `prompt`, giving each to `emit` as it is drawn.
    ///
    /// - Parameters:
    ///   - prompt: token ids; at least one.
    ///   - stopTokens: ids that end the text; they are not emitted.
    ///   - emit: returns false to stop early.
    /// - Throws: `ModelError` for an empty or too long prompt, an id outside the vocabulary, or memory that is refused.
    @discardableResult
    public func generate(
        prompt: [Int32], maxTokens: Int, sampler: Sampler, stopTokens: Set<Int32>, emit: (Int32) -> Bool
    ) throws(ModelError) -> GenerationEnd {
        guard prompt.count < configuration.contextLength else {
            throw .contextExceeded(requested: prompt.count + 1, limit: configuration.contextLength)
        }
        let capacity = min(configuration.contextLength, prompt.count + max(1, maxTokens))
        let cache = try KeyValueCache(configuration, capacity: capacity, arithmetic: arithmetic)
        var logits = try extend(cache, with: prompt)
        for step in 0..<maxTokens {
            let token = sampler.next(logits, step: step)
            if stopTokens.contains(token) { return .stop }
            guard emit(token) else { return .stop }
            guard step + 1 < maxTokens else { break }
            guard cache.count < capacity else { return .context }
            logits = try extend(cache, with: [token])
        }
        return .length
    }
}
