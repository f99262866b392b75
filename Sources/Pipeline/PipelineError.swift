internal import Bytes

/// Why a pipeline could not go on, or why a peer was refused.
public enum PipelineError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Work that a stage cannot do; `reason` completes "Stage … refused a piece: ".
    case unfitWork(stage: String, reason: String)
    /// Nobody is left to compute a stage.
    case noSpare(stage: String, reason: String)
    /// A stage that was to replace another computed other bits from the same input.
    case spareDiffers(stage: String, position: Int)
    /// The stages do not make up the decoder.
    case badPlan(reason: String)

    public var description: String {
        switch self {
        case .unfitWork(let stage, let reason): "Stage \(stage) refused a piece: \(reason)."
        case .noSpare(let stage, let reason):
            "Stage \(stage) was lost and nobody is left to replace it: \(reason)."
        case .spareDiffers(let stage, let position):
            "The replacement of stage \(stage) computed other bits at position \(position) from the same input; its base or its "
                + "kernels are not the same."
        case .badPlan(let reason): "The stages do not make up the decoder: \(reason)."
        }
    }
}
