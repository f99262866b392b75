public import Digest
public import TensorCore

/// Every numeric choice of a run; together with base and corpus it decides every bit of the result.
public struct TrainingOptions: Equatable, Sendable {
    public enum OptimizerKind: String, CaseIterable, Sendable { case adamw, sgd }
    public enum ScheduleKind: String, CaseIterable, Sendable { case constant, linear, cosine }

    public var scope: Scope = .norms
    /// Optimiser updates, at least 1.
    public var steps: Int = 1
    /// Windows whose gradients are accumulated into one update, at least 1.
    public var batchSize: Int = 1
    public var optimizer: OptimizerKind = .adamw
    /// How AdamW keeps its moments of matrices; only scope `boundary` trains any.
    public var moments: Moments.Form = .f32
    /// Peak learning rate, at least 0.
    public var learningRate: Double = 1e-3
    public var schedule: ScheduleKind = .constant
    /// Steps over which the rate rises linearly from `learningRate / warmup`; 0 is none.
    public var warmup: Int = 0
    /// Decoupled decay of matrices; gains and biases are never decayed.
    public var weightDecay: Double = 0
    /// Largest global gradient norm; 0 is unlimited.
    public var gradientClip: Double = 0
    /// Where the order of the windows and every other random number of the run comes from.
    public var seed: RandomSeed = 0
    public var shuffle: Bool = false
    /// Chance of each target to be left out of a step, drawn anew at every visit: from 0 to below 1.
    public var leftOutShare: Double = 0
    /// Steps between validations; the last step is always validated.
    public var evaluateEvery: Int = 10
    /// Validations without a new best after which the run stops; 0 never stops early.
    public var patience: Int = 0

    public init() {}
}

/// Learning rate by step.
///
/// With `s` from 0, `W` warm-up steps and `N` steps in all: `r·(s+1)/W` while `s < W`; then with
/// `p = (s−W)/(N−W)`: constant `r`, linear `r·(1−p)`, cosine `r·(1+cos πp)/2` (Loshchilov and Hutter 2017, eq. 5).
public struct Schedule: Sendable {
    let kind: TrainingOptions.ScheduleKind
    let peak: Double
    let warmup: Int
    let steps: Int

    public init(_ options: TrainingOptions) {
        kind = options.schedule
        peak = options.learningRate
        warmup = options.warmup
        steps = options.steps
    }

    /// - Parameter step: from 0.
    public func rate(at step: Int) -> Double {
        if step < warmup { return peak * Double(step + 1) / Double(warmup) }
        let progress = Double(step - warmup) / Double(max(1, steps - warmup))
        switch kind {
        case .constant: return peak
        case .linear: return peak * (1 - progress)
        case .cosine: return peak * (1 + cosine(.pi * progress)) / 2
        }
    }
}
