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
        /// Of a mixture: what each of its specialists gave each of `tokens`; empty else.
        public let attribution: [MixtureToken]
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

    /// Refuses a prompt that no reply can be written to, before anything is.
    ///
    /// - Throws: `ModelError.emptyPrompt`, `.contextExceeded`.
    public func check(_ base: LoadedBase, prompt: String) throws {
        let count = try Reply(base, prompt, isChat: isChat).prompt.count
        let limit = try base.decoder().configuration.contextLength
        guard count < limit else { throw ModelError.contextExceeded(requested: count + 1, limit: limit) }
    }

    /// - Parameters:
    ///   - base: its decoder is used as it stands, with an adapter if one has been attached.
    ///   - audit: told of the reply as it is written, and may end it.
    ///   - emit: gets the text as its characters become complete; returns false to stop.
    /// - Throws: `ModelError`, and `SealViolation` from the audit.
    public func run(
        _ base: LoadedBase, prompt: String, audit: InferenceAudit? = nil, emit: (String) -> Bool
    ) throws -> Result {
        let decoder = try base.decoder()
        let reply = try Reply(base, prompt, isChat: isChat)
        let end = try reply.recordingFailure(audit) { () throws(ModelError) in
            try decoder.generate(
                prompt: reply.prompt, maxTokens: maxTokens, sampler: sampler, stopTokens: reply.stops
            ) { reply.take($0, audit, emit) }
        }
        return try reply.result(end, [], audit, emit)
    }

    /// As ``run(_:prompt:audit:emit:)``, from the mixture of several adapters.
    ///
    /// - Parameter mixture: made on `base`.
    public func run(
        _ base: LoadedBase, mixture: AdapterMixture, prompt: String, audit: InferenceAudit? = nil,
        emit: (String) -> Bool
    ) throws -> Result {
        let reply = try Reply(base, prompt, isChat: isChat)
        var attribution: [MixtureToken] = []
        let end = try reply.recordingFailure(audit) { () throws(ModelError) in
            try mixture.mixture.generate(
                prompt: reply.prompt, maxTokens: maxTokens, sampler: sampler, stopTokens: reply.stops
            ) { drawn in
                let isTaken = reply.take(drawn.token, audit, emit)
                if reply.tokens.count > attribution.count { attribution.append(drawn) }
                return isTaken
            }
        }
        return try reply.result(end, attribution, audit, emit)
    }

    private var sampler: Sampler { Sampler(temperature: temperature, topP: topP, seed: seed) }
}

/// A reply as it grows.
private final class Reply {
    let prompt: [Int32]
    let stops: Set<Int32>
    private(set) var tokens: [Int32] = []
    private var text = ""
    private var streaming: StreamingDecoder
    private let begin = ContinuousClock.now

    init(_ base: LoadedBase, _ text: String, isChat: Bool) throws {
        let tokenizer = try base.tokenizer()
        prompt =
            isChat
            ? try tokenizer.encodeChat([ChatMessage(role: "user", content: text)], promptingReply: true).tokens
            : tokenizer.encode(text)
        guard !prompt.isEmpty else { throw ModelError.emptyPrompt }
        var stops = Set(["<|im_end|>", "<|endoftext|>"].compactMap { tokenizer.controlToken(named: $0) })
        if let end = tokenizer.eosToken { stops.insert(end) }
        self.stops = stops
        streaming = StreamingDecoder(tokenizer)
    }

    /// Takes the next token, unless the audit forbids it; false ends the reply.
    func take(_ token: Int32, _ audit: InferenceAudit?, _ emit: (String) -> Bool) -> Bool {
        guard audit?.mayGoOn() ?? true else { return false }
        tokens.append(token)
        let piece = streaming.append(token)
        text += piece
        return piece.isEmpty || emit(piece)
    }

    /// What `write` comes to; where it fails, the audit's chain says so before it is thrown on.
    func recordingFailure(
        _ audit: InferenceAudit?, _ write: () throws(ModelError) -> GenerationEnd
    ) throws(ModelError) -> GenerationEnd {
        do throws(ModelError) {
            return try write()
        } catch {
            audit?.recordFailure(error, tokens: tokens.count)
            throw error
        }
    }

    /// - Throws: `SealViolation` from the audit.
    func result(
        _ end: GenerationEnd, _ attribution: [MixtureToken], _ audit: InferenceAudit?, _ emit: (String) -> Bool
    ) throws -> GenerationRun.Result {
        let rest = streaming.finish()
        text += rest
        if !rest.isEmpty { _ = emit(rest) }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        try audit?.recordReply(prompt: prompt, tokens: tokens, end: end)
        return GenerationRun.Result(
            text: text, tokens: tokens, promptTokenCount: prompt.count, end: end, seconds: seconds,
            attribution: attribution)
    }
}
