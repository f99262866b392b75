public import Model
public import Training

/// Multiplications and additions that one step needs, counted from the shape alone; each counts as one operation.
///
/// With `T` tokens a window, `B` windows, `W` the elements of one layer's seven projections, `H` heads of `h` values,
/// `P = T·(T+1)/2` pairs of query and key, and every target counted:
///
///     forward of a layer               B · (2·T·W + 4·P·H·h)
///     gradient of its activations      B · (2·T·W + 8·P·H·h)
///     head, forward and gradient       B · 2·T·d·V each
///     gradient of a trained matrix     B · 2·T·elements
///
/// Work that is done twice to save memory counts once, and norms, rotations and activations not at all.
public struct StepOperations: Equatable, Sendable {
    public let forward: Double
    /// Gradients of activations, down to the lowest trained layer; 0 for a forward pass.
    public let activationGradients: Double
    /// Gradients of trained matrices: scope `boundary` alone has any.
    public let weightGradients: Double

    public var total: Double { forward + activationGradients + weightGradients }

    /// - Parameters:
    ///   - scope: nil for a forward pass alone.
    ///   - prefixIsKept: whether the output of the layers below the lowest trained one is taken from a cache.
    public init(
        _ shape: DecoderConfiguration, scope: Scope?, tokens: Int, batchSize: Int = 1, prefixIsKept: Bool = false
    ) {
        let (d, q, k) = (shape.embeddingLength, shape.queryLength, shape.keyValueLength)
        let elements = Double(2 * d * q + 2 * d * k + 3 * d * shape.feedForwardLength)
        let products = 2 * Double(tokens) * elements
        let pairs = Double(tokens) * Double(tokens + 1) / 2 * Double(q)
        let head = 2 * Double(tokens) * Double(d) * Double(shape.vocabularySize)
        let batch = Double(batchSize)
        let trained = scope?.layers(of: shape) ?? []
        let above = Double(shape.layerCount - (trained.first ?? shape.layerCount))
        let run = prefixIsKept ? above : Double(shape.layerCount)
        forward = batch * (run * (products + 4 * pairs) + head)
        activationGradients = scope == nil ? 0 : batch * (above * (products + 8 * pairs) + head)
        weightGradients = scope == .boundary ? batch * (Double(trained.count) * products + head) : 0
    }
}
