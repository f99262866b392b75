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

/// A piece of a layout: a token by itself, or text that is tokenized apart from its neighbours.
public enum LayoutPart: Equatable, Sendable {
    case token(Int32)
    case text(String)
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
        encode(try chatLayout(messages, promptingReply: promptingReply))
    }

    /// The parts of ``encodeChat(_:promptingReply:)``, each with whether it counts.
    public func chatLayout(
        _ messages: [ChatMessage], promptingReply: Bool = false
    ) throws(TokenizerError) -> [(part: LayoutPart, counted: Bool)] {
        guard let start = controlToken(named: "<|im_start|>") else { throw .missingControlToken("<|im_start|>") }
        guard let end = controlToken(named: "<|im_end|>") else { throw .missingControlToken("<|im_end|>") }
        var parts: [(part: LayoutPart, counted: Bool)] = []
        for message in messages {
            let isReply = message.role == "assistant"
            parts += [(.token(start), false), (.text(message.role + "\n"), false)]
            parts += [(.text(message.content), isReply), (.token(end), isReply), (.text("\n"), false)]
        }
        if promptingReply { parts += [(.token(start), false), (.text("assistant\n"), false)] }
        return parts
    }

    /// The tokens of a layout's parts.
    public func encode(_ parts: [(part: LayoutPart, counted: Bool)]) -> MaskedTokens {
        var result = MaskedTokens()
        for (part, isCounted) in parts {
            switch part {
            case .token(let token): result.append([token], counted: isCounted)
            case .text(let text): result.append(encode(text), counted: isCounted)
            }
        }
        return result
    }
}
