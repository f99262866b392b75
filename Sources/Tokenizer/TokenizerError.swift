/// Why a vocabulary cannot become a tokenizer, or a text cannot be laid out with it.
public enum TokenizerError: Error, Equatable, Sendable {
    case unsupportedModel(String)
    case unsupportedSplitPattern(String)
    case emptyVocabulary
    case tooManyTokens(Int)
    case tooManyMerges(Int)
    case typeCountMismatch(tokens: Int, types: Int)
    case unknownTokenType(index: Int, type: Int32)
    case emptyToken(index: Int)
    case notByteLevel(index: Int)
    case duplicateToken(first: Int, second: Int)
    case missingByte(UInt8)
    case malformedMerge(index: Int)
    case mergeOfUnknownToken(index: Int)
    case duplicateMerge(first: Int, second: Int)
    case specialTokenOutOfRange(name: String, id: Int32, vocabularySize: Int)
    case missingEndOfText
    case missingControlToken(String)
    /// More than `limit` bytes from byte `offset` of the text on without a place at which it could be cut.
    case noPlaceToCut(offset: Int, limit: Int)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unsupportedModel(let name):
            "The tokenizer family \(Self.quoted(name)) is not supported; only \"gpt2\" (byte-level BPE) is."
        case .unsupportedSplitPattern(let name):
            "The tokenizer split pattern \(Self.quoted(name)) is not supported; only \"qwen2\" is."
        case .emptyVocabulary:
            "The tokenizer's vocabulary holds no token."
        case .tooManyTokens(let count):
            "The tokenizer's vocabulary holds \(count) tokens, more than ids of 31 bits can number."
        case .tooManyMerges(let count):
            "The tokenizer stores \(count) merge rules; fewer than \(1 << 30) are possible."
        case .typeCountMismatch(let tokens, let types):
            "The tokenizer stores \(types) token types for \(tokens) tokens; there must be one for each."
        case .unknownTokenType(let index, let type):
            "Token \(index) has the unknown type \(type); types run from 1 to 6."
        case .emptyToken(let index):
            "Token \(index) is an empty string."
        case .notByteLevel(let index):
            "Token \(index) is not in the byte-level spelling of GPT-2 that ordinary tokens must have."
        case .duplicateToken(let first, let second):
            "Tokens \(first) and \(second) are the same string, so text would have two meanings."
        case .missingByte(let byte):
            "The vocabulary has no token for the single byte \(byte), so some text could not be encoded."
        case .malformedMerge(let index):
            "Merge rule \(index) is not two tokens with one space between them."
        case .mergeOfUnknownToken(let index):
            "Merge rule \(index) names a token, or makes one, that the vocabulary does not hold."
        case .duplicateMerge(let first, let second):
            "Merge rules \(first) and \(second) join the same two tokens."
        case .specialTokenOutOfRange(let name, let id, let size):
            "The \(name) token id \(id) is outside the vocabulary of \(size) tokens."
        case .missingEndOfText:
            "The tokenizer names no end-of-text token, which every document must end with."
        case .noPlaceToCut(let offset, let limit):
            "The text has more than \(limit) bytes, from byte \(offset) on, without a space, line end or digit between "
                + "words; such a text cannot be read in parts."
        case .missingControlToken(let name):
            "The vocabulary has no control token \(Self.quoted(name)), which the chat layout needs."
        }
    }

    /// A foreign string, shortened, with everything that is not printable ASCII escaped.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(60) {
            result += scalar.escaped(asASCII: true)
        }
        return result + (text.unicodeScalars.count > 60 ? "…\"" : "\"")
    }
}
