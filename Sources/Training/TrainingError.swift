/// Why a training run cannot start or go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible, Sendable {
    case invalidOption(name: String, value: String, reason: String)
    case noTrainingWindows
    case tokenOutOfRange(token: Int, part: String, window: Int, position: Int, vocabularySize: Int)
    /// The batch's loss or gradient norm is not a number; nothing was updated.
    case nonFinite(quantity: String, step: Int, lastGoodStep: Int)

    public var description: String {
        switch self {
        case .invalidOption(let name, let value, let reason):
            "--\(name) \(value) is not possible: \(reason)"
        case .noTrainingWindows:
            "the corpus leaves no window to train on; give more text, a shorter --seq-len or --validation-fraction 0"
        case .tokenOutOfRange(let token, let part, let window, let position, let size):
            "token id \(token) in the \(part) part (window \(window), position \(position)) is outside the base's "
                + "vocabulary; ids run from 0 to \(size - 1)"
        case .nonFinite(let quantity, let step, let lastGoodStep):
            "\(quantity) of step \(step) is not a finite number; nothing was updated and the state after step "
                + "\(lastGoodStep) is kept: try a lower --learning-rate or --grad-clip 1"
        }
    }
}
