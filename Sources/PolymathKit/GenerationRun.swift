internal import Foundation
public import Model
internal import Tokenizer

/// Writes on from a prompt, token by token.
public struct GenerationRun {
    public struct Result: Equatable, Sendable {
        public let text: String
        /// The generated ids, without the one that ended the text.
        public let tokens: [Int32]
        public let promptTokenCount: Int
        public let end: GenerationEnd
        /// Wall time of prompt and generation.
        public let seconds: Double
    }

    public var maxTokens: Int
    /// 0 takes the likeliest token.
    public var temperature: Double
    /// In (0, 1].
    public var topP: Double
    public var seed: UInt64
    /// Whether the prompt is laid out as a user's turn for the assistant to answer.
    public var isChat = false

    public init(maxTokens: Int, temperature: Double, topP: Double, seed: UInt64) {
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
    }

    /// - Parameters:
    ///   - base: its decoder is used as it stands, with an adapter if one has been attached.
    ///   - emit: gets the text as its characters become complete; returns false to stop.
    public func run(_ base: LoadedBase, prompt: String, emit: (String) -> Bool) throws -> Result {
        let tokenizer = try base.tokenizer()
        let decoder = try base.decoder()
        let ids =
            isChat
            ? try tokenizer.encodeChat([ChatMessage(role: "user", content: prompt)], promptingReply: true).tokens
            : tokenizer.encode(prompt)
        guard !ids.isEmpty else { throw ModelError.emptyPrompt }
        var stops = Set(["<|im_end|>", "<|endoftext|>"].compactMap { tokenizer.controlToken(named: $0) })
        if let end = tokenizer.eosToken { stops.insert(end) }
        var streaming = StreamingDecoder(tokenizer)
        var tokens: [Int32] = []
        var text = ""
        let begin = ContinuousClock.now
        let end = try decoder.generate(
            prompt: ids, maxTokens: maxTokens, sampler: Sampler(temperature: temperature, topP: topP, seed: seed),
            stopTokens: stops
        ) { token in
            tokens.append(token)
            let piece = streaming.append(token)
            text += piece
            return piece.isEmpty || emit(piece)
        }
        let rest = streaming.finish()
        text += rest
        if !rest.isEmpty { _ = emit(rest) }
        let duration = ContinuousClock.now - begin
        return Result(
            text: text, tokens: tokens, promptTokenCount: ids.count, end: end, seconds: duration / .seconds(1))
    }
}
