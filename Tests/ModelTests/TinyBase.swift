import Blocks
import Foundation
import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// A seeded random `qwen2` base of any shape, small enough that every entry's derivative can be measured.
///
/// Weights are far larger than a real model's, so that attention is not uniform and every derivative is well above the
/// rounding of the loss.
struct TinyBase: CustomTestStringConvertible, Sendable {
    var layers = 2
    var width = 12
    var heads = 3
    var keyValueHeads = 3
    var feedForward = 16
    var vocabulary = 24
    var context = 32
    var tied = false
    var biases = true

    var testDescription: String {
        "\(layers) layers, \(heads)/\(keyValueHeads) heads, \(tied ? "tied" : "untied"), \(biases ? "" : "no ")biases"
    }

    /// Head counts from one to many, groups of every size, one layer, both heads, with and without biases.
    static let shapes: [TinyBase] = [
        TinyBase(), TinyBase(tied: true), TinyBase(heads: 6, keyValueHeads: 2),
        TinyBase(layers: 1, heads: 1, keyValueHeads: 1, tied: true),
        TinyBase(layers: 3, width: 16, heads: 4, keyValueHeads: 1), TinyBase(heads: 2, keyValueHeads: 1, biases: false),
    ]

    /// The file as the decoder takes it, in `folder`.
    func file(in folder: TemporaryFolder) throws -> GGUFFile {
        var random = SeededGenerator(seed: 11)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        for (key, value) in [
            ("block_count", layers), ("context_length", context), ("embedding_length", width),
            ("feed_forward_length", feedForward), ("attention.head_count", heads),
            ("attention.head_count_kv", keyValueHeads),
        ] { writer.add("qwen2." + key, .uint32(UInt32(value))) }
        writer.add("qwen2.rope.freq_base", .float32(100))
        writer.add("qwen2.attention.layer_norm_rms_epsilon", .float32(1e-5))
        func add(_ name: String, _ dimensions: [Int], mean: Float = 0, deviation: Float) {
            let values = (0..<dimensions.reduce(1, *)).map { _ in mean + deviation * random.normal() }
            writer.add(
                tensor: name, .f32, dimensions,
                bytes: values.flatMap { value in (0..<4).map { UInt8(value.bitPattern >> (8 * $0) & 0xFF) } })
        }
        add("token_embd.weight", [width, vocabulary], deviation: 1)
        let keyValueWidth = width / heads * keyValueHeads
        for layer in 0..<layers {
            let name = "blk.\(layer)."
            add(name + "attn_norm.weight", [width], mean: 1, deviation: 0.2)
            add(name + "ffn_norm.weight", [width], mean: 1, deviation: 0.2)
            for (projection, rows) in [("attn_q", width), ("attn_k", keyValueWidth), ("attn_v", keyValueWidth)] {
                add(name + projection + ".weight", [width, rows], deviation: 0.4)
                if biases { add(name + projection + ".bias", [rows], deviation: 0.4) }
            }
            add(name + "attn_output.weight", [width, width], deviation: 0.3)
            add(name + "ffn_gate.weight", [width, feedForward], deviation: 0.3)
            add(name + "ffn_up.weight", [width, feedForward], deviation: 0.3)
            add(name + "ffn_down.weight", [feedForward, width], deviation: 0.3)
        }
        add("output_norm.weight", [width], mean: 1, deviation: 0.2)
        if !tied { add("output.weight", [width, vocabulary], deviation: 0.4) }
        let path = folder.path("tiny-\(UUID().uuidString).gguf")
        try writer.write(to: path, sync: false)
        return try GGUFFile(path: path)
    }

    func decoder() throws -> Decoder {
        let folder = TemporaryFolder()
        return try Decoder(file(in: folder), workers: Workers(count: 1))
    }

    /// Every tensor that can be trained, all layers, the head last.
    var trainable: [String] {
        var names: [String] = []
        for layer in 0..<layers {
            for name in ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output"] {
                names.append("blk.\(layer).\(name).weight")
            }
            if biases { names += ["q", "k", "v"].map { "blk.\(layer).attn_\($0).bias" } }
            for name in ["ffn_norm", "ffn_gate", "ffn_up", "ffn_down"] { names.append("blk.\(layer).\(name).weight") }
        }
        return names + ["output_norm.weight", "output.weight"]
    }

    /// `count` seeded tokens as one window; every `skip`-th target does not count.
    func window(_ count: Int, seed: UInt64, skip: Int? = nil) -> TokenWindow {
        var random = SeededGenerator(seed: seed)
        let ids = (0...count).map { _ in Int32(random.next() % UInt64(vocabulary)) }
        return TokenWindow(
            inputs: Array(ids.dropLast()), targets: Array(ids.dropFirst()),
            counted: (0..<count).map { index in skip.map { index % $0 != 0 } ?? true })
    }
}
