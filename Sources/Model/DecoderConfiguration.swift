internal import Blocks
internal import Bytes
public import GGUF
public import TensorCore

/// The shape of a decoder-only transformer, read from a base's metadata and checked against its tensors.
///
/// Letters used in this room: `T` tokens of a window, `d` `embeddingLength`, `H` `headCount`, `K`
/// `keyValueHeadCount`, `h` `headLength`, `f` `feedForwardLength`, `V` `vocabularySize`, `L` `layerCount`.
public struct DecoderConfiguration: Equatable, Sendable {
    public let architecture: String
    public let layerCount: Int
    public let embeddingLength: Int
    public let headCount: Int
    public let keyValueHeadCount: Int
    /// Width of one attention head; even, because the rotary embedding turns pairs.
    public let headLength: Int
    public let feedForwardLength: Int
    public let vocabularySize: Int
    /// Longest window, in tokens, that the base was trained for.
    public let contextLength: Int
    public let rotaryBase: Double
    public let rmsEpsilon: Float
    public let rotaryLayout: RotaryLayout
    /// Whether logits come from the embedding matrix because the base has no `output.weight`.
    public let isHeadTied: Bool

    public static let supportedArchitectures = ["qwen2"]

    /// Reads and checks the metadata of `base`.
    ///
    /// - Throws: `ModelError` naming the first key or tensor that is missing, out of range or unsupported.
    public init(_ base: GGUFFile) throws(ModelError) {
        guard let architecture = base["general.architecture"]?.asString else {
            throw .missingKey("general.architecture")
        }
        guard Self.supportedArchitectures.contains(architecture) else {
            throw .unsupportedArchitecture(name: architecture, supported: Self.supportedArchitectures)
        }
        let reader = KeyReader(base: base, architecture: architecture)
        layerCount = try reader.count("block_count", in: 1...1_024)
        embeddingLength = try reader.count("embedding_length", in: 1...(1 << 20))
        headCount = try reader.count("attention.head_count", in: 1...4_096)
        keyValueHeadCount = try reader.count("attention.head_count_kv", in: 1...4_096, default: headCount)
        feedForwardLength = try reader.count("feed_forward_length", in: 1...(1 << 22))
        contextLength = try reader.count("context_length", in: 1...(1 << 24))
        rotaryBase = try reader.real("rope.freq_base", default: 10_000)
        rmsEpsilon = Float(try reader.real("attention.layer_norm_rms_epsilon", default: nil))
        guard headCount % keyValueHeadCount == 0 else {
            throw .badKey(
                key: "\(architecture).attention.head_count_kv",
                reason: "\(keyValueHeadCount) does not divide the \(headCount) query heads")
        }
        let ownLength = embeddingLength / headCount
        headLength = try reader.count("attention.key_length", in: 2...(1 << 14), default: ownLength)
        guard headLength % 2 == 0, headLength >= 2 else {
            throw .badKey(
                key: "\(architecture).attention.key_length",
                reason: "a head of \(headLength) values has no rotary pairs")
        }
        if base["\(architecture).attention.key_length"] == nil, embeddingLength % headCount != 0 {
            throw .badKey(
                key: "\(architecture).attention.head_count",
                reason: "\(headCount) heads do not divide the embedding length \(embeddingLength)")
        }
        if let valueLength = base["\(architecture).attention.value_length"]?.asInt, valueLength != headLength {
            throw .badKey(
                key: "\(architecture).attention.value_length", reason: "\(valueLength) differs from \(headLength)")
        }
        if let scaling = base["\(architecture).rope.scaling.type"]?.asString, scaling != "none" {
            throw .badKey(
                key: "\(architecture).rope.scaling.type", reason: "scaling \"\(escaped(scaling))\" is not supported")
        }
        guard let embedding = base.tensor(named: "token_embd.weight") else {
            throw .missingTensor("token_embd.weight")
        }
        guard embedding.dimensions.count == 2, embedding.dimensions[0] == embeddingLength else {
            throw .badShape(
                tensor: "token_embd.weight", expected: [embeddingLength, embedding.dimensions.last ?? 0],
                got: embedding.dimensions)
        }
        vocabularySize = embedding.dimensions[1]
        isHeadTied = base.tensor(named: "output.weight") == nil
        rotaryLayout = .splitHalf
        self.architecture = architecture
    }

    /// Number of query values per token, `H·h`.
    public var queryLength: Int { headCount * headLength }
    /// Number of key (or value) values per token, `K·h`.
    public var keyValueLength: Int { keyValueHeadCount * headLength }
}

/// Typed reads of `<architecture>.<key>` with ranges.
private struct KeyReader {
    let base: GGUFFile
    let architecture: String

    func count(_ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil) throws(ModelError) -> Int {
        let name = "\(architecture).\(key)"
        guard let stored = base[name] else {
            if let fallback { return fallback }
            throw .missingKey(name)
        }
        guard let value = stored.asInt else {
            throw .badKey(key: name, reason: "it is not a whole number")
        }
        guard range.contains(value) else {
            throw .badKey(key: name, reason: "\(value) is outside \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    func real(_ key: String, default fallback: Double?) throws(ModelError) -> Double {
        let name = "\(architecture).\(key)"
        guard let stored = base[name] else {
            if let fallback { return fallback }
            throw .missingKey(name)
        }
        guard let value = stored.asFloat, value.isFinite, value > 0 else {
            throw .badKey(key: name, reason: "it is not a positive finite number")
        }
        return Double(value)
    }
}
