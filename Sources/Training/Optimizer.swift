public import Digest
internal import Foundation
public import Model
public import TensorCore

func cosine(_ angle: Double) -> Double { cos(angle) }

/// Updates f32 masters from their gradients; state belongs to the optimiser.
public protocol Optimizer: AnyObject {
    /// One update of every parameter, whose gradient is then used up.
    ///
    /// - Parameters:
    ///   - rate: learning rate of this step.
    ///   - gradientScale: factor on every gradient (clipping), in (0, 1].
    func update(_ parameters: [Parameter], rate: Double, gradientScale: Float, workers: Workers)
    /// What it keeps between updates: every parameter's first moments, then every second ones. A checkpoint reads their
    /// words and, to resume, writes them.
    var moments: [Moments] { get }
    /// Updates made so far.
    var updateCount: Int { get set }
}

/// Stochastic gradient descent without momentum: `θ ← θ·(1 − r·λ) − r·g`, λ on matrices only.
public final class SGD: Optimizer {
    private let weightDecay: Double
    public var updateCount = 0
    public var moments: [Moments] { [] }

    public init(weightDecay: Double) { self.weightDecay = weightDecay }

    public func update(_ parameters: [Parameter], rate: Double, gradientScale: Float, workers: Workers) {
        updateCount += 1
        for parameter in parameters {
            applyUpdate(
                .descent(rate: Float(rate), keep: parameter.keep(rate: rate, weightDecay: weightDecay)),
                of: parameter.gradient, scale: gradientScale, to: parameter.value, workers: workers)
        }
    }
}

/// AdamW (Loshchilov and Hutter 2019, algorithm 2) with bias correction, decay on matrices only.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `θ ← θ·(1 − r·λ) − r/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.
public final class AdamW: Optimizer {
    public static let beta1 = 0.9
    public static let beta2 = 0.999
    public static let epsilon = 1e-8

    private let weightDecay: Double
    private let seed: RandomSeed
    private let first: [Moments]
    private let second: [Moments]
    public var updateCount = 0

    /// - Parameters:
    ///   - form: how the moments of matrices are kept; those of gains and biases stay f32.
    ///   - seed: of the numbers that moments in eight bits are rounded by.
    public init(_ parameters: [Parameter], weightDecay: Double, moments form: Moments.Form = .f32, seed: RandomSeed = 0)
    {
        self.weightDecay = weightDecay
        self.seed = seed
        func make(_ order: Moments.Order) -> [Moments] {
            parameters.map {
                Moments(
                    rows: $0.value.rows, columns: $0.value.columns, form: $0.kind == .matrix ? form : .f32, order: order
                )
            }
        }
        first = make(.first)
        second = make(.second)
    }

    public var moments: [Moments] { first + second }

    public func update(_ parameters: [Parameter], rate: Double, gradientScale: Float, workers: Workers) {
        updateCount += 1
        var random = CounterRandom(of: seed, purpose: "moments", step: UInt64(updateCount))
        let correction1 = 1 - pow(Self.beta1, Double(updateCount))
        let correction2 = 1 - pow(Self.beta2, Double(updateCount))
        for (index, parameter) in parameters.enumerated() {
            let step = AdamWStep(
                beta1: Self.beta1, beta2: Self.beta2, rate: rate / correction1, root: correction2.squareRoot(),
                epsilon: Self.epsilon, keep: parameter.keep(rate: rate, weightDecay: weightDecay),
                ditherKey: random.nextUInt64())
            applyUpdate(
                .adamW(step, first: first[index], second: second[index]), of: parameter.gradient,
                scale: gradientScale, to: parameter.value, workers: workers)
        }
    }
}

extension Parameter {
    /// Factor of decoupled weight decay: 1 for gains and biases.
    fileprivate func keep(rate: Double, weightDecay: Double) -> Float {
        Float(1 - (kind == .matrix ? rate * weightDecay : 0))
    }
}
