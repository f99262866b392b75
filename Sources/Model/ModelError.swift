internal import Bytes
public import TensorCore

/// Why a base cannot be used as a decoder, or why a request to one makes no sense.
public enum ModelError: Error, Equatable, CustomStringConvertible, Sendable {
    case unsupportedArchitecture(name: String, supported: [String])
    case missingKey(String)
    case badKey(key: String, reason: String)
    case missingTensor(String)
    case badShape(tensor: String, expected: [Int], got: [Int])
    case unsupportedStorage(tensor: String, type: String)
    case unexpectedTensor(String)
    case nonFiniteTensor(tensor: String, index: Int)
    case contextExceeded(requested: Int, limit: Int)
    case tokenOutOfRange(token: Int, index: Int, vocabularySize: Int)
    case emptyPrompt
    /// Layers `first` to `last` were asked for.
    case noSuchLayers(first: Int, last: Int, layerCount: Int)
    case noTokenizer
    /// The token at `position` of the whole sequence, from 0, cannot be drawn: the score of `token` is infinite or no number.
    case scoresNotFinite(position: Int, token: Int)
    /// The operating system refused memory.
    case memoryRefused(ArenaError)

    public var description: String {
        switch self {
        case .unsupportedArchitecture(let name, let supported):
            "The base's architecture is \"\(escaped(name))\"; this program runs \(supported.joined(separator: ", "))."
        case .missingKey(let key):
            "The base has no metadata key \"\(escaped(key))\", which its architecture requires."
        case .badKey(let key, let reason):
            "The base's metadata key \"\(escaped(key))\" is unusable: \(reason)\(reason.hasSuffix(".") ? "" : ".")"
        case .missingTensor(let name):
            "The base has no tensor \"\(escaped(name))\", which its architecture requires."
        case .badShape(let tensor, let expected, let got):
            "Tensor \"\(escaped(tensor))\" has dimensions \(got); the base's metadata require \(expected)."
        case .unsupportedStorage(let tensor, let type):
            "Tensor \"\(escaped(tensor))\" is stored as \(type), which cannot be decoded to real numbers."
        case .unexpectedTensor(let name):
            "The base holds tensor \"\(escaped(name))\", which this architecture does not use."
        case .nonFiniteTensor(let tensor, let index):
            "Tensor \"\(escaped(tensor))\" holds a value that is not a finite number at element \(index)."
        case .contextExceeded(let requested, let limit):
            "\(requested) tokens are more than the base's context length of \(limit)."
        case .tokenOutOfRange(let token, let index, let size):
            "Token id \(token) at index \(index) is outside the vocabulary; ids run from 0 to \(size - 1)."
        case .emptyPrompt:
            "The prompt holds no token; give at least one character."
        case .noSuchLayers(let first, let last, let count):
            "Layers \(first)..\(last) are not in the base; its layers run from 0 to \(count - 1)."
        case .noTokenizer:
            "The base holds no tokenizer; use --tokens with token ids, or a base with tokenizer.ggml.* metadata."
        case .scoresNotFinite(let position, let token):
            "The token at position \(position) of the text (from 0, the prompt included) cannot be drawn: the base, or an "
                + "adapter on it, gives no finite numbers there, the first of them for token id \(token)."
        case .memoryRefused(let error):
            error.description
        }
    }
}
