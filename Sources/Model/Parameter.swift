public import TensorCore

/// A trained tensor: its f32 master, which the decoder reads directly, and the gradient that backward adds to.
///
/// Invariant: `gradient` is of a tensor of `value`'s shape; `value` is the very object that the decoder's forward uses,
/// so an optimiser's update is visible to the next forward without a copy.
public final class Parameter: Sendable {
    public enum Kind: Sendable {
        /// RMS norm gain, `[1, d]`: never decayed.
        case gain
        /// Bias of a projection, `[1, outputs]`: never decayed.
        case bias
        /// Projection matrix, `[outputs, inputs]`: decayed when weight decay is on.
        case matrix
    }

    /// Name of the tensor in the base file; `output.weight` for the head, tied or not.
    public let name: String
    public let kind: Kind
    /// The f32 master.
    public let value: Matrix
    /// Gradient of the step's loss.
    public let gradient: TensorGradient

    public init(name: String, kind: Kind, value: Matrix, gradient: TensorGradient) {
        self.name = name
        self.kind = kind
        self.value = value
        self.gradient = gradient
    }
}
