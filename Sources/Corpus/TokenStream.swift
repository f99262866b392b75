public import Tokenizer

/// Documents laid end to end as tokens, each marked by whether it counts when it is the target.
///
/// - `text`: its tokens and the end-of-text token, all counted.
/// - `prompt`, `completion`: tokenized apart; the completion and the end-of-text token are counted.
/// - `messages`: ChatML; the assistant's content and its `<|im_end|>` are counted.
///
/// Attention crosses documents, and long ones are split between windows.
public struct TokenStream: Equatable, Sendable {
    public private(set) var tokens: [Int32]
    /// As long as `tokens`.
    public private(set) var counted: [Bool]
    /// Where each document's first token stands in `tokens`.
    public private(set) var documentStarts: [Int]

    /// The stream of some documents, in their order.
    ///
    /// - Throws: `CorpusError.tokenizer` when the vocabulary lacks the token that a document's layout needs.
    public init(_ documents: [Document], tokenizer: Tokenizer) throws(CorpusError) {
        tokens = []
        counted = []
        documentStarts = []
        for document in documents {
            let masked = try Self.layout(document, tokenizer: tokenizer)
            documentStarts.append(tokens.count)
            tokens.append(contentsOf: masked.tokens)
            counted.append(contentsOf: masked.counted)
        }
    }

    /// A stream of bare tokens, as one document in which every token counts.
    public init(tokens: [Int32]) {
        self.tokens = tokens
        counted = [Bool](repeating: true, count: tokens.count)
        documentStarts = tokens.isEmpty ? [] : [0]
    }

    /// The number of tokens.
    public var count: Int { tokens.count }

    /// The number of tokens that count as targets, wherever they stand.
    public var countedCount: Int { counted.count { $0 } }

    /// The range of one document's tokens.
    ///
    /// - Precondition: `index` is below the number of documents.
    public func range(ofDocument index: Int) -> Range<Int> {
        documentStarts[index]..<(index + 1 < documentStarts.count ? documentStarts[index + 1] : tokens.count)
    }

    /// One document's tokens, and which of them count.
    public static func layout(_ document: Document, tokenizer: Tokenizer) throws(CorpusError) -> MaskedTokens {
        var result = MaskedTokens()
        do throws(TokenizerError) {
            switch document.content {
            case .text(let text):
                result.append(tokenizer.encode(text), counted: true)
                result.append([try endOfText(tokenizer)], counted: true)
            case .completion(let prompt, let completion):
                result.append(tokenizer.encode(prompt), counted: false)
                result.append(tokenizer.encode(completion), counted: true)
                result.append([try endOfText(tokenizer)], counted: true)
            case .messages(let messages):
                result = try tokenizer.encodeChat(messages)
            }
        } catch {
            throw .tokenizer(error)
        }
        return result
    }

    private static func endOfText(_ tokenizer: Tokenizer) throws(TokenizerError) -> Int32 {
        guard let token = tokenizer.eosToken else { throw .missingEndOfText }
        return token
    }
}
