public import GGUF
public import TensorCore

/// One part of a decoder, by itself: its embedding, some of its layers, or its head. It maps the whole base and reads the
/// part's own tensors alone.
///
/// A part computes what the whole ``Decoder`` computes in its place, bit by bit, when it is given as many rows at a time.
/// Not safe for concurrent use: a pass overwrites its workspace.
public final class DecoderPart {
    public enum Role: Hashable, Sendable {
        /// Token ids to hidden states.
        case embedding
        /// Consecutive layers, at least one.
        case layers(Range<Int>)
        /// The last norm and the logits.
        case head
    }

    public let role: Role
    public let configuration: DecoderConfiguration
    public let arithmetic: Arithmetic
    private let workers: Workers
    private let content: Content
    private var table: RotaryTable
    private var tablePositions = 0
    /// For passes over one row, and for the last other number of rows.
    private var single: WindowWorkspace?
    private var several: WindowWorkspace?

    private enum Content {
        case embedding(LinearWeight)
        case layers([DecoderLayer])
        case head(norm: Matrix, Projection)
    }

    /// Finds the part's tensors and checks their shapes.
    ///
    /// - Throws: `ModelError` as ``Decoder`` does, for the tensors of the part; `.noSuchLayers`.
    public init(
        _ base: GGUFFile, role: Role, workers: Workers, arithmetic: Arithmetic = .f32
    ) throws(ModelError) {
        let space = Arena.addressSpace(threads: workers.count)
        guard Arena.hasRoom(for: space) else { throw .memoryRefused(.refused(byteCount: space)) }
        let shape = try DecoderConfiguration(base)
        let loader = TensorLoader(base: base, arithmetic: arithmetic)
        let (d, vocabulary) = (shape.embeddingLength, shape.vocabularySize)
        switch role {
        case .embedding:
            content = .embedding(try loader.matrix("token_embd.weight", inputs: d, outputs: vocabulary))
        case .layers(let range):
            guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= shape.layerCount else {
                throw .noSuchLayers(
                    first: range.lowerBound, last: range.upperBound - 1, layerCount: shape.layerCount)
            }
            var layers: [DecoderLayer] = []
            for index in range { layers.append(try loader.layer(index, shape: shape)) }
            content = .layers(layers)
        case .head:
            let name = shape.isHeadTied ? "token_embd.weight" : "output.weight"
            content = .head(
                norm: try loader.vector("output_norm.weight", count: d),
                Projection(weight: try loader.matrix(name, inputs: d, outputs: vocabulary)))
        }
        self.role = role
        configuration = shape
        self.workers = workers
        self.arithmetic = arithmetic
        table = RotaryTable(headLength: shape.headLength, base: shape.rotaryBase, positions: 0)
    }

    /// The tensors of `base` that a part reads, by ascending name.
    ///
    /// - Precondition: `base` has made a ``DecoderPart`` of this role.
    public static func tensors(of role: Role, in base: GGUFFile) -> [GGUFTensor] {
        let names: Set<String> =
            switch role {
            case .embedding: ["token_embd.weight"]
            case .layers(let range):
                Set(range.flatMap { index in TensorLoader.layerTensorNames.map { "blk.\(index).\($0)" } })
            case .head:
                [
                    "output_norm.weight",
                    base.tensor(named: "output.weight") == nil ? "token_embd.weight" : "output.weight",
                ]
            }
        return base.tensors.filter { names.contains($0.name) }.sorted { $0.name < $1.name }
    }

    /// An empty cache for the part's layers.
    ///
    /// - Precondition: the part consists of layers.
    public func cache(capacity: Int) throws(ModelError) -> KeyValueCache {
        guard case .layers(let layers) = content else { preconditionFailure("only layers have a cache") }
        return try KeyValueCache(
            configuration, capacity: capacity, arithmetic: arithmetic, layerCount: layers.count)
    }

    /// The hidden states `[T, d]` of `tokens`.
    ///
    /// - Precondition: the part is the embedding.
    /// - Throws: `ModelError.emptyPrompt`, `.tokenOutOfRange`.
    public func embed(_ tokens: [Int32]) throws(ModelError) -> Matrix {
        guard case .embedding(let weight) = content else { preconditionFailure("only an embedding takes tokens") }
        guard !tokens.isEmpty else { throw .emptyPrompt }
        for (index, token) in tokens.enumerated() where token < 0 || Int(token) >= configuration.vocabularySize {
            throw .tokenOutOfRange(token: Int(token), index: index, vocabularySize: configuration.vocabularySize)
        }
        let hidden = Matrix(rows: tokens.count, columns: configuration.embeddingLength)
        embedding(tokens, weight, into: hidden)
        return hidden
    }

    /// Replaces `hidden: [T, d]`, of the positions that follow those in `cache`, by the last layer's output.
    ///
    /// - Precondition: the part consists of layers, and `cache` is its own.
    /// - Throws: `ModelError.emptyPrompt`, `.contextExceeded` when the cache cannot hold the rows, `.memoryRefused`.
    public func run(_ hidden: Matrix, cache: KeyValueCache) throws(ModelError) {
        guard case .layers(let layers) = content else { preconditionFailure("only layers take a cache") }
        precondition(
            cache.layers.count == layers.count && hidden.columns == configuration.embeddingLength,
            "a pass over another part's cache or rows")
        guard hidden.rows > 0 else { throw .emptyPrompt }
        guard cache.count + hidden.rows <= cache.capacity else {
            throw .contextExceeded(requested: cache.count + hidden.rows, limit: cache.capacity)
        }
        let work = try workspace(rows: hidden.rows)
        work.hidden.copy(from: hidden)
        let context = context(positions: cache.capacity)
        for (index, layer) in layers.enumerated() {
            layer.forward(
                work.hidden, saving: work.activations(of: 0), scratch: work.scratch, position: cache.count,
                cache: cache.layers[index], context: context)
        }
        cache.count += hidden.rows
        hidden.copy(from: work.hidden)
    }

    /// Logits `[T, V]` of the last layer's output `[T, d]`.
    ///
    /// - Precondition: the part is the head.
    public func logits(_ hidden: Matrix) -> Matrix {
        guard case .head(let gain, let projection) = content else { preconditionFailure("only a head has logits") }
        let normed = Matrix(rows: hidden.rows, columns: hidden.columns)
        rmsNorm(hidden, gain: gain, epsilon: configuration.rmsEpsilon, into: normed, workers: workers)
        let logits = Matrix(rows: hidden.rows, columns: configuration.vocabularySize)
        projection.forward(normed, into: logits, workers: workers)
        return logits
    }

    private func context(positions: Int) -> LayerContext {
        if positions > tablePositions {
            tablePositions = positions
            table = RotaryTable(
                headLength: configuration.headLength, base: configuration.rotaryBase, positions: positions)
        }
        return LayerContext(
            shape: configuration, table: table, workers: workers, wideFormat: arithmetic.wideActivationFormat)
    }

    private func workspace(rows: Int) throws(ModelError) -> WindowWorkspace {
        if let kept = rows == 1 ? single : several, kept.tokens == rows { return kept }
        // No layer is kept for a backward pass, so all of them share one place.
        let plan = MemoryPlan(
            tokens: rows, lowestSaved: configuration.layerCount, hasBackward: false, trainsMatrices: false,
            arithmetic: arithmetic, savings: [])
        let measure = Arena.measuring()
        _ = WindowWorkspace(configuration, plan: plan, in: measure)
        let made = WindowWorkspace(configuration, plan: plan, in: try Arena.of(measure.highest))
        if rows == 1 { single = made } else { several = made }
        return made
    }
}

extension DecoderPart.Role: CustomStringConvertible {
    /// `embedding`, `head`, or the first and the last layer: `layers 3..5`.
    public var description: String {
        switch self {
        case .embedding: "embedding"
        case .layers(let range): "layers \(range.lowerBound)..\(range.upperBound - 1)"
        case .head: "head"
        }
    }
}
