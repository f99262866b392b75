package import Blocks

/// The sizes of a `qwen2` decoder, and which tensors it stores how.
public struct SyntheticShape: Equatable, Sendable {
    /// How the matrices are stored.
    public enum Layout: String, CaseIterable, Sendable {
        /// Untied head in Q6_K; Q4_K, with Q6_K for `attn_v` and `ffn_down` of about half of the layers.
        case q4_k_m
        /// Tied: the embedding, in Q6_K, is the head too; all else Q4_0.
        case q4_0

        var fileType: UInt32 {
            switch self {
            case .q4_k_m: 15
            case .q4_0: 2
            }
        }
    }

    /// What the shape is called in `general.name`.
    public let title: String
    public let layers: Int
    public let width: Int
    public let heads: Int
    public let keyValueHeads: Int
    public let feedForward: Int
    public let vocabulary: Int
    public let context: Int
    public let rotaryBase: Float
    public let epsilon: Float

    /// - Precondition: widths are multiples of 256, heads divide the width, key-value heads divide the heads, and the
    ///   vocabulary has room for 256 bytes and three control tokens.
    package init(
        title: String, layers: Int, width: Int, heads: Int, keyValueHeads: Int, feedForward: Int, vocabulary: Int,
        context: Int, rotaryBase: Float, epsilon: Float
    ) {
        precondition(layers > 0 && width % 256 == 0 && feedForward % 256 == 0, "rows must be whole blocks of 256")
        precondition(width % heads == 0 && heads % keyValueHeads == 0 && vocabulary >= 259, "sizes must divide")
        self.title = title
        self.layers = layers
        self.width = width
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.feedForward = feedForward
        self.vocabulary = vocabulary
        self.context = context
        self.rotaryBase = rotaryBase
        self.epsilon = epsilon
    }

    /// Qwen2.5-1.5B, as its published configuration has it.
    public static let qwen1_5B = SyntheticShape(
        title: "Qwen2.5-1.5B shape", layers: 28, width: 1536, heads: 12, keyValueHeads: 2, feedForward: 8960,
        vocabulary: 151_936, context: 32_768, rotaryBase: 1e6, epsilon: 1e-6)

    /// The same shape at another depth; its title says so.
    ///
    /// - Precondition: `layers` is at least 1.
    public func with(layers: Int) -> SyntheticShape {
        SyntheticShape(
            title: "\(title), \(layers) layers", layers: layers, width: width, heads: heads,
            keyValueHeads: keyValueHeads, feedForward: feedForward, vocabulary: vocabulary, context: context,
            rotaryBase: rotaryBase, epsilon: epsilon)
    }
}

/// What a tensor's random values are like.
package enum SyntheticValues: Equatable, Sendable {
    /// Mean 0.
    case matrix(deviation: Float)
    /// F32, `mean` ± `deviation`.
    case vector(mean: Float, deviation: Float)
}

/// One tensor to make.
package struct SyntheticTensor: Sendable {
    package let name: String
    package let type: StorageType
    /// In file order: the row's length first.
    package let dimensions: [Int]
    package let values: SyntheticValues
}

extension SyntheticShape {
    /// All tensors in file order: 12 for each layer and 2 or 3 around them.
    package func tensors(layout: Layout) -> [SyntheticTensor] {
        let tied = layout == .q4_0
        let plain: StorageType = tied ? .q4_0 : .q4_K
        // Residual branches add up over 2·layers sums: their last matrices are scaled so that the sum stays near 1.
        let inner = SyntheticValues.matrix(deviation: 0.02)
        let branch = SyntheticValues.matrix(deviation: 0.02 / Float(2 * layers).squareRoot())
        let gain = SyntheticValues.vector(mean: 1, deviation: 0.1)
        let bias = SyntheticValues.vector(mean: 0, deviation: 0.02)
        let keyValueWidth = width / heads * keyValueHeads
        func matrix(_ name: String, _ type: StorageType, _ columns: Int, _ rows: Int, _ values: SyntheticValues)
            -> SyntheticTensor
        { SyntheticTensor(name: name + ".weight", type: type, dimensions: [columns, rows], values: values) }
        func vector(_ name: String, _ length: Int, _ values: SyntheticValues) -> SyntheticTensor {
            SyntheticTensor(name: name, type: .f32, dimensions: [length], values: values)
        }
        var all = tied ? [] : [matrix("output", .q6_K, width, vocabulary, inner)]
        all.append(matrix("token_embd", tied ? .q6_K : .q4_K, width, vocabulary, inner))
        for layer in 0..<layers {
            let name = "blk.\(layer)."
            let better: StorageType = !tied && Self.hasMoreBits(layer: layer, of: layers) ? .q6_K : plain
            all.append(vector(name + "attn_norm.weight", width, gain))
            all.append(matrix(name + "ffn_down", better, feedForward, width, branch))
            all.append(matrix(name + "ffn_gate", plain, width, feedForward, inner))
            all.append(matrix(name + "ffn_up", plain, width, feedForward, inner))
            all.append(vector(name + "ffn_norm.weight", width, gain))
            all.append(vector(name + "attn_k.bias", keyValueWidth, bias))
            all.append(matrix(name + "attn_k", plain, width, keyValueWidth, inner))
            all.append(matrix(name + "attn_output", plain, width, width, branch))
            all.append(vector(name + "attn_q.bias", width, bias))
            all.append(matrix(name + "attn_q", plain, width, width, inner))
            all.append(vector(name + "attn_v.bias", keyValueWidth, bias))
            all.append(matrix(name + "attn_v", better, width, keyValueWidth, inner))
        }
        all.append(vector("output_norm.weight", width, gain))
        return all
    }

    /// Whether llama.cpp's Q4_K_M mixture gives `attn_v` and `ffn_down` of this layer six bits (its `use_more_bits`).
    static func hasMoreBits(layer: Int, of layers: Int) -> Bool {
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
    }
}
