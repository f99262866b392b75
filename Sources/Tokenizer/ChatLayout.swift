/// One turn of a conversation.
public struct ChatMessage: Equatable, Sendable {
    /// Who speaks: `system`, `user`, `assistant` or `tool`.
    public var role: String
    public var content: String

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// Token ids and, for each, whether it counts when it is the target.
public struct MaskedTokens: Equatable, Sendable {
    public var tokens: [Int32] = []
    /// As long as `tokens`.
    public var counted: [Bool] = []

    public init() {}

    public mutating func append(_ ids: [Int32], counted isCounted: Bool) {
        tokens.append(contentsOf: ids)
        counted.append(contentsOf: repeatElement(isCounted, count: ids.count))
    }
}

extension Tokenizer {
    /// Lays a conversation out as ChatML, with no invented system turn and no template language.
    ///
    /// ```
    /// <|im_start|>ROLE\nCONTENT<|im_end|>\n
    /// ```
    /// for every message. The assistant's content and its `<|im_end|>` are counted; the newline after it is not.
    /// Heading and content are tokenized apart, as they are when the assistant's turn is generated. Control tokens
    /// spelt out inside a message are text.
    ///
    /// - Parameter promptingReply: adds `<|im_start|>assistant\n`, for the model to go on from.
    /// - Throws: `TokenizerError.missingControlToken` when the vocabulary has no ChatML tokens.
    public func encodeChat(
        _ messages: [ChatMessage], promptingReply: Bool = false
    ) throws(TokenizerError) -> MaskedTokens {
        guard let start = controlToken(named: "<|im_start|>") else { throw .missingControlToken("<|im_start|>") }
        guard let end = controlToken(named: "<|im_end|>") else { throw .missingControlToken("<|im_end|>") }
        let newline = encode("\n")
        var result = MaskedTokens()
        for message in messages {
            let isReply = message.role == "assistant"
            result.append([start] + encode(message.role + "\n"), counted: false)
            result.append(encode(message.content) + [end], counted: isReply)
            result.append(newline, counted: false)
        }
        if promptingReply { result.append([start] + encode("assistant\n"), counted: false) }
        return result
    }
}
