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
    /// - Throws: `ModelError` for an empty or too long prompt, an id outside the vocabulary, scores that are no finite
    ///   numbers, or memory that is refused.
    @discardableResult
    public func generate(
        prompt: [Int32], maxTokens: Int, sampler: Sampler, stopTokens: Set<Int32>, emit: (Int32) -> Bool
    ) throws(ModelError) -> GenerationEnd {
        let capacity = try configuration.positions(prompt: prompt.count, maxTokens: maxTokens)
        let cache = try KeyValueCache(configuration, capacity: capacity, arithmetic: arithmetic)
        return try writeOn(
            prompt: prompt, maxTokens: maxTokens, capacity: capacity, stopTokens: stopTokens, id: { $0 },
            draw: { tokens, step throws(ModelError) in
                let logits = try extend(cache, with: tokens)
                return try sampler.next(logits, step: step, position: cache.count)
            }, emit: emit)
    }
}

extension DecoderConfiguration {
    /// Positions that a generation takes at most.
    ///
    /// - Throws: `ModelError.contextExceeded` for a prompt that leaves no room for another token.
    func positions(prompt: Int, maxTokens: Int) throws(ModelError) -> Int {
        guard prompt < contextLength else { throw .contextExceeded(requested: prompt + 1, limit: contextLength) }
        return min(contextLength, prompt + max(1, maxTokens))
    }
}

/// The course of every generation: draws from the prompt, then from each drawn token, until something ends it.
///
/// - Parameters:
///   - draw: what comes after the tokens, which follow those of earlier calls; `step` counts from 0.
///   - id: the token of what was drawn.
func writeOn<Drawn>(
    prompt: [Int32], maxTokens: Int, capacity: Int, stopTokens: Set<Int32>, id: (Drawn) -> Int32,
    draw: (_ tokens: [Int32], _ step: Int) throws(ModelError) -> Drawn, emit: (Drawn) -> Bool
) throws(ModelError) -> GenerationEnd {
    var drawn = try draw(prompt, 0)
    for step in 0..<maxTokens {
        if stopTokens.contains(id(drawn)) { return .stop }
        guard emit(drawn) else { return .stop }
        guard step + 1 < maxTokens else { break }
        guard prompt.count + step < capacity else { return .context }
        drawn = try draw([id(drawn)], step + 1)
    }
    return .length
}
