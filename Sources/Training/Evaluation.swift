public import Model
internal import Foundation
internal import TensorCore

/// Cross-entropy over a set of windows.
public struct Evaluation: Equatable, Sendable {
    /// Nats per counted target, in order.
    public let losses: [Float]

    /// Mean over all counted targets of all windows, nats.
    public var meanLoss: Double {
        losses.isEmpty ? .nan : losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
    }

    /// `exp(meanLoss)`.
    public var perplexity: Double { exp(meanLoss) }

    /// - Parameter progress: called with the number of windows done.
    /// - Throws: `ModelError.memoryRefused`; `CorpusError.storage` where tokens that lie in a file cannot be read.
    public static func run(
        _ windows: TokenWindows, on decoder: Decoder, progress: ((Int) -> Void)? = nil
    ) throws -> Evaluation {
        var losses: [Float] = []
        try windows.forEach { index, window in
            losses += try decoder.losses(window)
            progress?(index + 1)
        }
        return Evaluation(losses: losses)
    }
}

/// The mean of losses that are not kept: the same to the bit as ``Evaluation/meanLoss`` of all of them.
public struct MeanLoss: Equatable, Sendable {
    private var sum = 0.0
    /// Counted targets.
    public private(set) var count = 0

    /// Nats per counted target; NaN of none.
    public var value: Double { count == 0 ? .nan : sum / Double(count) }

    mutating func add(_ losses: [Float]) {
        for loss in losses { sum += Double(loss) }
        count += losses.count
    }
}

extension TrainingOptions {
    /// - Throws: `TrainingError.invalidOption` naming the first option outside its range.
    public func check() throws(TrainingError) {
        func require(_ holds: Bool, _ name: String, _ value: String, _ reason: String) throws(TrainingError) {
            guard holds else { throw .invalidOption(name: name, value: value, reason: reason) }
        }
        try require(steps >= 1, "steps", "\(steps)", "a run needs at least one step")
        try require(
            moments == .f32 || (scope == .boundary && optimizer == .adamw), "moments", moments.rawValue,
            "it is for matrices, so for --scope boundary, and for the moments of --optimizer adamw")
        try require(batchSize >= 1, "batch-size", "\(batchSize)", "a batch needs at least one window")
        try require(
            learningRate >= 0 && learningRate.isFinite, "learning-rate", "\(learningRate)",
            "the rate must be a finite number of at least 0")
        try require(warmup >= 0, "warmup", "\(warmup)", "it counts steps, from 0")
        try require(
            weightDecay >= 0 && weightDecay.isFinite, "weight-decay", "\(weightDecay)",
            "it must be a finite number of at least 0")
        try require(
            gradientClip >= 0 && gradientClip.isFinite, "grad-clip", "\(gradientClip)",
            "it must be a finite number of at least 0")
        try require(
            leftOutShare >= 0 && leftOutShare < 1, "left-out-share", "\(leftOutShare)",
            "it must be a number from 0 to below 1")
        try require(evaluateEvery >= 1, "eval-every", "\(evaluateEvery)", "it counts steps, from 1")
        try require(patience >= 0, "patience", "\(patience)", "it counts validations, from 0")
    }
}
