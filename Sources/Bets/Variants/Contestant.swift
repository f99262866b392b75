internal import Digest
package import Model
internal import TensorCore

/// What one contestant trains of a decoder, and in which form it would be shipped.
package struct Contestant: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        /// Tensors of the base; their change is shipped.
        case tensors([String])
        /// Low-rank additions to attention's projections; both factors are shipped.
        case lowRank([String], rank: Int, scale: Float)
        /// A bias on the logits of some tokens; ids and values are shipped.
        case tokenBias([Int32], scale: Float)
    }

    package enum Encoding: Sendable, Equatable {
        /// Blocks of 32 values in 34 bytes, as in adapters.
        case q8
        case f32
    }

    package let name: String
    package let parts: [Part]
    package var encoding = Encoding.q8

    package init(name: String, parts: [Part], encoding: Encoding = .q8) {
        self.name = name
        self.parts = parts
        self.encoding = encoding
    }

    /// Scope norms: what an adapter holds by default.
    package static func normGains(_ shape: DecoderConfiguration) -> Contestant {
        let last = shape.layerCount - 1
        let layers = last == 0 ? [0] : [0, last]
        let names = layers.flatMap { ["blk.\($0).attn_norm.weight", "blk.\($0).ffn_norm.weight"] }
        return Contestant(name: "norm gains", parts: [.tensors(names + ["output_norm.weight"])])
    }

    /// LoRA as PEFT sets it up for this architecture: query and value projections of every layer; alpha is twice the rank.
    package static func lora(rank: Int, _ shape: DecoderConfiguration) -> Contestant {
        let names = (0..<shape.layerCount).flatMap { ["blk.\($0).attn_q.weight", "blk.\($0).attn_v.weight"] }
        return Contestant(
            name: "LoRA rank \(rank)", parts: [.lowRank(names, rank: rank, scale: 2)], encoding: .f32)
    }

    /// LoRA of rank 1 on a few projections, `layer.projection` each, in eight bits.
    package static func thinLora(_ places: [String]) -> Contestant {
        let names = places.map { place in
            let parts = place.split(separator: ".")
            return "blk.\(parts[0]).attn_\(parts[1]).weight"
        }
        return Contestant(
            name: "LoRA rank 1 on \(places.joined(separator: ", "))",
            parts: [.lowRank(names, rank: 1, scale: 2)])
    }
}

/// A contestant in a decoder: its parameters, and what they were.
package struct Installed {
    package let parameters: [Parameter]
    /// Where backward ends; the layer count where nothing below the head is trained.
    package let lowestLayer: Int
    /// Bytes of what is shipped: values and their scales, and the ids of tokens; no names and no signature.
    package let byteCount: Int
    private let encoding: Contestant.Encoding
    /// What shipped values are added to: the base's tensors, or zero.
    private let origins: [[Float]]

    /// - Parameter seed: of the first values of low-rank factors.
    package init(_ contestant: Contestant, in decoder: Decoder, seed: UInt64, tokensPerStep: Int) throws {
        let shape = decoder.configuration
        var parameters: [Parameter] = []
        var origins: [[Float]] = []
        var lowest = shape.layerCount
        var ids = 0
        for part in contestant.parts {
            switch part {
            case .tensors(let names):
                let made = try decoder.makeTrainable(names, tokensPerStep: tokensPerStep, windowsPerStep: 1)
                parameters += made
                origins += made.map(\.value.values)
                lowest = names.reduce(lowest) { min($0, Self.layer(of: $1) ?? $0) }
            case .lowRank(let names, let rank, let scale):
                let made = try decoder.addLowRank(to: names, rank: rank, scale: scale) { name, count in
                    Self.factor(name, count: count, inputs: count / rank, seed: seed)
                }
                parameters += made
                origins += made.map { Array(repeating: 0, count: $0.value.count) }
                lowest = names.reduce(lowest) { min($0, Self.layer(of: $1) ?? $0) }
            case .tokenBias(let tokens, let scale):
                parameters.append(try decoder.addTokenBias(tokens, scale: scale))
                origins.append(Array(repeating: 0, count: tokens.count))
                ids += tokens.count * (shape.vocabularySize <= 1 << 16 ? 2 : 3)
            }
        }
        self.parameters = parameters
        self.origins = origins
        lowestLayer = lowest
        encoding = contestant.encoding
        byteCount = parameters.reduce(ids) { sum, parameter in
            sum
                + (contestant.encoding == .q8
                    ? EightBitValues.byteCount(parameter.value.count) : parameter.value.count * 4)
        }
    }

    /// Puts what a reader of the shipped form would have in the place of what was trained.
    package func roundToShipped() throws {
        guard encoding == .q8 else { return }
        for (parameter, origin) in zip(parameters, origins) {
            let change = zip(parameter.value.values, origin).map { $0 - $1 }
            let rounded = zip(origin, try EightBitValues.rounded(change)).map { $0 + $1 }
            parameter.set(rounded)
        }
    }

    /// The layer that a tensor's name says; nil for the head and its norm.
    private static func layer(of name: String) -> Int? {
        let parts = name.split(separator: ".")
        return parts.count > 2 && parts[0] == "blk" ? Int(parts[1]) : nil
    }

    /// A's first values: uniform in ±1/√inputs, as PEFT draws them.
    private static func factor(_ name: String, count: Int, inputs: Int, seed: UInt64) -> [Float] {
        var random = CounterRandom(seed: seed, purpose: "lora \(name)")
        let bound = 1 / Double(inputs).squareRoot()
        return (0..<count).map { _ in Float((2 * random.nextDouble() - 1) * bound) }
    }
}

extension Parameter {
    /// Overwrites the master.
    func set(_ values: [Float]) {
        value.copy(from: Matrix(rows: value.rows, columns: value.columns, values: values))
    }
}
