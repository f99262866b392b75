internal import Conventions
internal import Corpus
internal import Digest
internal import GGUF
internal import Model
public import TensorCore
public import Training

/// Holds the gradients of the faster arithmetics against those of f32: the same base, tokens and trained tensors.
///
/// The figure is the cosine of the angle between both gradients of a tensor: 1 where they point the same way. Beside it
/// stands the ratio of their lengths, since a clipped or scaled step is not told by the angle.
public struct GradientBenchmark: Sendable {
    /// How one tensor's gradient compares with f32's.
    public struct Tensor: Equatable, Sendable {
        public let name: String
        /// In −1...1; no number where either gradient is all zeros.
        public let cosine: Double
        /// Length of the gradient ÷ length of f32's.
        public let normRatio: Double
    }

    /// What one arithmetic gave.
    public struct Result: Sendable {
        public let arithmetic: Arithmetic
        /// Mean loss over the counted targets, nats, and f32's.
        public let loss: Double
        public let referenceLoss: Double
        /// In the scope's order.
        public let tensors: [Tensor]

        public var leastCosine: Double { tensors.map(\.cosine).min() ?? .nan }
        /// Of all tensors as one vector.
        public let wholeCosine: Double
    }

    public var scope: Scope = .allNorms
    /// Tokens per window.
    public var sequenceLength = TrainingRequest.Defaults.sequenceLength
    /// Windows whose gradients are summed up, the text's first ones.
    public var batchSize = 1
    /// What is compared with f32.
    public var arithmetics: [Arithmetic] = [.bf16, .int8]
    /// Text or tokens; nil draws tokens uniformly.
    public var source: EvaluationRun.Source?
    public var seed: UInt64 = 0

    public init() {}

    /// - Parameter progress: windows done, and windows in all.
    /// - Throws: `RunError.sequenceTooLong`, `CorpusError`, `ModelError`, `InputError.lossNotFinite`.
    public func run(_ base: LoadedBase, progress: ((Int, Int) -> Void)? = nil) throws -> [Result] {
        let shape = try DecoderConfiguration(base.gguf)
        guard sequenceLength <= shape.contextLength else {
            throw RunError.sequenceTooLong(requested: sequenceLength, contextLength: shape.contextLength)
        }
        let windows = try windows(base, shape)
        let all = windows.count * (arithmetics.count + 1)
        var done = 0
        func gradients(_ arithmetic: Arithmetic) throws -> (loss: Double, parameters: [Parameter]) {
            try self.gradients(base, arithmetic, windows) {
                done += 1
                progress?(done, all)
            }
        }
        let exact = try gradients(.f32)
        let reference = exact.parameters.map(\.gradient.values)
        return try arithmetics.map { arithmetic in
            let found = try gradients(arithmetic)
            var whole = Angle()
            let tensors = zip(found.parameters, reference).map { parameter, reference in
                let angle = Angle(parameter.gradient.values, reference)
                whole.add(angle)
                return Tensor(name: parameter.name, cosine: angle.cosine, normRatio: angle.ratio)
            }
            return Result(
                arithmetic: arithmetic, loss: found.loss, referenceLoss: exact.loss, tensors: tensors,
                wholeCosine: whole.cosine)
        }
    }

    private func windows(_ base: LoadedBase, _ shape: DecoderConfiguration) throws -> [TokenWindow] {
        let stream: TokenStream
        if let source {
            stream = try source.stream(base, vocabularySize: shape.vocabularySize).stream
        } else {
            var random = CounterRandom(seed: seed, purpose: "bench tokens")
            let tokens = (0...batchSize * sequenceLength).map { _ in
                Int32(random.nextInt(below: shape.vocabularySize))
            }
            stream = TokenStream(tokens: tokens)
        }
        return try TokenWindows(Windows(stream, sequenceLength: sequenceLength).prefix(batchSize)).all()
    }

    private func gradients(
        _ base: LoadedBase, _ arithmetic: Arithmetic, _ windows: [TokenWindow], didWindow: () -> Void
    ) throws -> (loss: Double, parameters: [Parameter]) {
        let decoder = try Decoder(base.gguf, workers: base.workers, arithmetic: arithmetic)
        let shape = decoder.configuration
        let parameters = try decoder.makeTrainable(
            scope.tensorNames(of: shape) { base.gguf.tensor(named: $0) != nil },
            tokensPerStep: sequenceLength * windows.count)
        let counted = windows.reduce(0) { $0 + $1.countedCount }
        var sum = 0.0
        for window in windows {
            try decoder.check(window.inputs + window.targets.suffix(1))
            let losses = try decoder.lossesAddingGradients(
                window, scale: 1 / Float(counted), lowest: scope.layers(of: shape)[0])
            if let index = losses.firstIndex(where: { !$0.isFinite }) { throw InputError.lossNotFinite(target: index) }
            for loss in losses { sum += Double(loss) }
            didWindow()
        }
        return (sum / Double(counted), parameters)
    }
}

/// Products of two vectors, summed up in Double.
private struct Angle {
    private var (ab, aa, bb) = (0.0, 0.0, 0.0)

    init() {}

    /// - Precondition: `a` and `b` have one count.
    init(_ a: [Float], _ b: [Float]) {
        precondition(a.count == b.count, "gradients of \(a.count) and \(b.count) values")
        for (x, y) in zip(a, b) {
            ab += Double(x) * Double(y)
            aa += Double(x) * Double(x)
            bb += Double(y) * Double(y)
        }
    }

    mutating func add(_ other: Angle) {
        ab += other.ab
        aa += other.aa
        bb += other.bb
    }

    var cosine: Double { ab / (aa.squareRoot() * bb.squareRoot()) }
    var ratio: Double { (aa / bb).squareRoot() }
}
