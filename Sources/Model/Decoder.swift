internal import Blocks
internal import Bytes
public import GGUF
public import TensorCore

/// A decoder-only transformer over a mapped base: frozen tensors stay quantised in the map, trained ones are f32.
///
/// Not safe for concurrent use: a pass overwrites the decoder's workspaces. It refuses to be a trainer: it knows
/// which tensors have gradients, never why.
public final class Decoder {
    public let configuration: DecoderConfiguration
    public let workers: Workers
    /// How products with weights are computed.
    public let arithmetic: Arithmetic
    let base: GGUFFile
    let embeddingWeight: LinearWeight
    var head: Projection
    /// The head's gradient, where the scope trains it.
    var dHead: HeadGradient?
    /// What is added to the logits of some tokens.
    public internal(set) var tokenBias: TokenBias?
    var outputNorm: Matrix
    var dOutputNorm: Matrix?
    var layers: [DecoderLayer]
    /// Rotary angles for as many positions as the longest pass so far needed.
    private var table: RotaryTable
    private var tablePositions: Int
    private var workspace: WindowWorkspace?

    /// Maps the tensors of `base` to layers; every shape is checked, nothing large is copied.
    ///
    /// - Parameter arithmetic: how products with weights are computed.
    /// - Throws: `ModelError` for an unsupported architecture, a missing tensor, a shape that contradicts the
    ///   metadata, a storage type without a decoder, or a non-finite gain or bias; `.memoryRefused` where a resource
    ///   limit leaves products no room.
    public init(_ base: GGUFFile, workers: Workers, arithmetic: Arithmetic = .f32) throws(ModelError) {
        let space = Arena.addressSpace(threads: workers.count)
        guard Arena.hasRoom(for: space) else { throw .memoryRefused(.refused(byteCount: space)) }
        let shape = try DecoderConfiguration(base)
        let loader = TensorLoader(base: base, arithmetic: arithmetic)
        let d = shape.embeddingLength
        embeddingWeight = try loader.matrix("token_embd.weight", inputs: d, outputs: shape.vocabularySize)
        outputNorm = try loader.vector("output_norm.weight", count: d)
        let headWeight =
            shape.isHeadTied
            ? embeddingWeight : try loader.matrix("output.weight", inputs: d, outputs: shape.vocabularySize)
        head = Projection(weight: headWeight)
        layers = []
        for index in 0..<shape.layerCount {
            layers.append(try loader.layer(index, shape: shape))
        }
        try loader.refuseUnknownTensors(shape)
        configuration = shape
        self.base = base
        self.workers = workers
        self.arithmetic = arithmetic
        tablePositions = 0
        table = RotaryTable(headLength: shape.headLength, base: shape.rotaryBase, positions: 0)
    }

    func context(positions: Int) -> LayerContext {
        if positions > tablePositions {
            tablePositions = positions
            table = RotaryTable(
                headLength: configuration.headLength, base: configuration.rotaryBase, positions: positions)
        }
        return LayerContext(
            shape: configuration, table: table, workers: workers, wideFormat: arithmetic.wideActivationFormat)
    }

    /// Takes the memory that `plan` wants; passes over windows of as many tokens use it until another plan comes.
    ///
    /// - Throws: `ModelError.memoryRefused` when the operating system does not give it; what was held before is gone then.
    public func reserve(_ plan: MemoryPlan) throws(ModelError) {
        // Freed before the new one is made: two would not fit beside each other at 1.5 billion parameters.
        workspace = nil
        // Scratch lies beside the arena and comes later: a machine that cannot give both is to say so now.
        _ = try Arena.of(plan.byteCount)
        workspace = WindowWorkspace(configuration, plan: plan, in: try Arena.of(plan.arenaByteCount))
    }

    /// The workspace for windows of `tokens` tokens whose activations are saved from `lowestSaved` up, or not at all.
    ///
    /// - Throws: `ModelError.memoryRefused`, where nobody has reserved it.
    func workspace(tokens: Int, lowestSaved: Int?) throws(ModelError) -> WindowWorkspace {
        if let workspace, workspace.tokens == tokens,
            lowestSaved.map({ workspace.plan.hasBackward && workspace.plan.lowestSaved <= $0 }) ?? true
        {
            return workspace
        }
        try reserve(memoryPlan(tokens: tokens, lowestSaved: lowestSaved))
        return try workspace(tokens: tokens, lowestSaved: lowestSaved)
    }

    /// Checks a window's ids and length.
    ///
    /// - Throws: `ModelError.tokenOutOfRange`, `.contextExceeded`.
    public func check(_ tokens: some Collection<Int32>) throws(ModelError) {
        guard tokens.count <= configuration.contextLength else {
            throw .contextExceeded(requested: tokens.count, limit: configuration.contextLength)
        }
        for (index, token) in tokens.enumerated() where token < 0 || Int(token) >= configuration.vocabularySize {
            throw .tokenOutOfRange(
                token: Int(token), index: index, vocabularySize: configuration.vocabularySize)
        }
    }

    /// Norm gains by tensor name, `[1, d]` each: what adapters change. The matrices are the live ones.
    public var gains: [(name: String, values: Matrix)] {
        var all: [(name: String, values: Matrix)] = []
        for (index, layer) in layers.enumerated() {
            all.append(("blk.\(index).attn_norm.weight", layer.attentionNorm))
            all.append(("blk.\(index).ffn_norm.weight", layer.feedForwardNorm))
        }
        all.append(("output_norm.weight", outputNorm))
        return all
    }

    /// Overwrites one norm gain, for instance with an adapter's effective gain.
    ///
    /// - Returns: false when no norm gain has that name or the count differs from `d`.
    public func setGain(_ name: String, to values: [Float]) -> Bool {
        guard let gain = gains.first(where: { $0.name == name })?.values, gain.count == values.count else {
            return false
        }
        gain.copy(from: Matrix(rows: 1, columns: values.count, values: values))
        return true
    }
}
