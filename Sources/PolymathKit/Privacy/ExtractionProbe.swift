internal import Conventions
internal import Model
internal import Tokenizer

/// Asks a model for one canary: where it stands among others of its form, and whether it is written out.
struct ExtractionProbe {
    /// The tokens that every candidate begins with, for an attacker who knows the sentence's beginning.
    let prompt: [Int32]
    /// The secret first, then its alternatives.
    private let candidates: [TokenWindow]
    private let secretTokenCount: Int
    private let canary: Canary
    private let promptText: String

    /// - Parameters:
    ///   - number: of the canary, from 1, for messages.
    ///   - alternatives: as many as are ranked beside it.
    init(
        _ canary: Canary, number: Int, alternatives: [String], tokenizer: Tokenizer, decoder: Decoder
    ) throws {
        // A document begins after the one before it has ended.
        let start = [tokenizer.eosToken].compactMap { $0 }
        let known = start + tokenizer.encode(canary.prefix)
        let texts = ([canary.secret] + alternatives).map { start + tokenizer.encode(canary.sentence($0)) }
        let shared = texts.map { text in zip(text, known).prefix { $0 == $1 }.count }.min() ?? 0
        let length = texts.map(\.count).max() ?? 0
        guard length <= decoder.configuration.contextLength else {
            throw CanaryError.tooLong(
                canary: number, tokens: length, contextLength: decoder.configuration.contextLength)
        }
        // What all have in common would add the same to each sum; the very first token has nothing before it.
        let first = max(1, shared)
        candidates = texts.map { text in
            TokenWindow(
                inputs: Array(text.dropLast()), targets: Array(text.dropFirst()),
                counted: text.indices.dropFirst().map { $0 >= first })
        }
        for window in candidates { try decoder.check(window.inputs) }
        self.canary = canary
        prompt = Array(texts[0].prefix(first))
        secretTokenCount = texts[0].count - first
        promptText = tokenizer.decode(Array(texts[0][start.count..<max(start.count, first)]))
    }

    var candidateCount: Int { candidates.count }

    struct Finding: Equatable {
        /// From 1, the likeliest; ties count half.
        let rank: Double
        let isWrittenOut: Bool
    }

    /// - Parameter progress: called after each candidate.
    func find(in decoder: Decoder, tokenizer: Tokenizer, progress: () -> Void) throws -> Finding {
        let sums = try candidates.map { window in
            let losses = try decoder.losses(window)
            progress()
            return losses.reduce(0.0) { $0 + Double($1) }
        }
        if let bad = sums.firstIndex(where: { !$0.isFinite }) { throw InputError.lossNotFinite(target: bad) }
        let lower = sums.dropFirst().count { $0 < sums[0] }
        let tied = sums.dropFirst().count { $0 == sums[0] }
        var tokens: [Int32] = []
        try decoder.generate(
            prompt: prompt, maxTokens: secretTokenCount, sampler: Sampler(temperature: 0, topP: 1, seed: 0),
            stopTokens: Set([tokenizer.eosToken].compactMap { $0 })
        ) { token in
            tokens.append(token)
            return true
        }
        return Finding(
            rank: 1 + Double(lower) + Double(tied) / 2,
            isWrittenOut: (promptText + tokenizer.decode(tokens)).hasPrefix(canary.prefix + canary.secret))
    }
}
