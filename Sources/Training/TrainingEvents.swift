/// What one optimiser update did; `step` counts from 1.
public struct StepRecord: Equatable, Sendable {
    public let step: Int
    /// Mean cross-entropy of the batch before this update, nats per counted target.
    public let loss: Double
    public let learningRate: Double
    /// Global L2 norm of the gradient before clipping.
    public let gradientNorm: Double
    /// Tokens put through the model since the run's first step, this one included.
    public let totalTokens: Int
    /// Tokens of this step's windows.
    public let tokens: Int
    /// Wall-clock seconds of this step.
    public let seconds: Double

    public init(
        step: Int, loss: Double, learningRate: Double, gradientNorm: Double, totalTokens: Int, tokens: Int,
        seconds: Double
    ) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.totalTokens = totalTokens
        self.tokens = tokens
        self.seconds = seconds
    }
}

/// One validation: the mean loss over all validation windows after `step` updates.
public struct ValidationRecord: Equatable, Sendable {
    public let step: Int
    public let loss: Double
    public let countedTokens: Int
    /// Whether it is the lowest so far; step 0 never is.
    public let isBest: Bool

    public init(step: Int, loss: Double, countedTokens: Int, isBest: Bool) {
        self.step = step
        self.loss = loss
        self.countedTokens = countedTokens
        self.isBest = isBest
    }
}

/// Watches a run and may stop it. Calls come from the training thread, in order.
public protocol TrainingObserver: AnyObject {
    /// Before a step, and before `wantsPause` is asked: may wait for as long as the device needs.
    func willBeginStep() throws
    /// After the gradients of `step` are there and before any parameter changes: the last moment to object.
    func willUpdate(step: Int, secondsSoFar: Double) throws
    func didStep(_ record: StepRecord) throws
    func didValidate(_ record: ValidationRecord) throws
    /// Something could not be done as well as planned; the result is the same.
    func didNote(_ note: TrainingNote) throws
    /// After a step and the validation that follows it, if one does: the moment for a checkpoint.
    func didCompleteStep(_ trainer: BoundaryTrainer) throws
    /// Asked between steps; true ends the run after a checkpoint-worthy, whole step.
    var wantsPause: Bool { get }
}

extension TrainingObserver {
    public func willBeginStep() throws {}
    public func didCompleteStep(_ trainer: BoundaryTrainer) throws {}
    public func didNote(_ note: TrainingNote) throws {}
}

/// How a run ended.
public struct TrainingResult: Sendable {
    public enum End: String, Sendable {
        case completed
        /// No new best for `patience` validations.
        case patience
        case paused
    }
    public let end: End
    /// Updates made.
    public let lastStep: Int
    /// Step whose masters are exported: the best validated one, or the last where nothing is validated.
    public let bestStep: Int
    public let validationBefore: Double?
    public let validationBest: Double?
    public let validationLast: Double?
    public let lastLoss: Double
}
