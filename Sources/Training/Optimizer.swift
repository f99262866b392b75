internal import Foundation
public import Model
public import TensorCore

func cosine(_ angle: Double) -> Double { cos(angle) }

/// Updates f32 masters from their gradients; state is f32 and belongs to the optimiser.
public protocol Optimizer: AnyObject {
    /// One update of every parameter.
    ///
    /// - Parameters:
    ///   - rate: learning rate of this step.
    ///   - gradientScale: factor on every gradient (clipping), in (0, 1].
    func update(_ parameters: [Parameter], rate: Double, gradientScale: Float)
    /// The very arrays that it keeps between updates: every parameter's first one, then every second one. A checkpoint
    /// reads them and, to resume, writes them.
    var moments: [Matrix] { get }
    /// Updates made so far.
    var updateCount: Int { get set }
}

/// Stochastic gradient descent without momentum: `θ ← θ·(1 − r·λ) − r·g`, λ on matrices only.
public final class SGD: Optimizer {
    private let weightDecay: Double
    public var updateCount = 0
    public var moments: [Matrix] { [] }

    public init(weightDecay: Double) { self.weightDecay = weightDecay }

    public func update(_ parameters: [Parameter], rate: Double, gradientScale: Float) {
        updateCount += 1
        for parameter in parameters {
            let keep = Float(1 - (parameter.kind == .matrix ? rate * weightDecay : 0))
            let step = Float(rate)
            parameter.gradient.withSpan { gradient in
                parameter.value.withMutableSpan { value in
                    for index in 0..<gradient.count {
                        value[index] = value[index] * keep - step * (gradient[index] * gradientScale)
                    }
                }
            }
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
    private var first: [Matrix]
    private var second: [Matrix]
    public var updateCount = 0

    public init(_ parameters: [Parameter], weightDecay: Double) {
        self.weightDecay = weightDecay
        first = parameters.map { Matrix(rows: $0.value.rows, columns: $0.value.columns) }
        second = parameters.map { Matrix(rows: $0.value.rows, columns: $0.value.columns) }
    }

    public var moments: [Matrix] { first + second }

    public func update(_ parameters: [Parameter], rate: Double, gradientScale: Float) {
        updateCount += 1
        let correction1 = 1 - pow(Self.beta1, Double(updateCount))
        let correction2 = 1 - pow(Self.beta2, Double(updateCount))
        let step = Float(rate / correction1)
        let root2 = Float(correction2.squareRoot())
        let beta1 = Float(Self.beta1)
        let beta2 = Float(Self.beta2)
        let keep1 = Float(1 - Self.beta1)
        let keep2 = Float(1 - Self.beta2)
        let epsilon = Float(Self.epsilon)
        for (index, parameter) in parameters.enumerated() {
            let keep = Float(1 - (parameter.kind == .matrix ? rate * weightDecay : 0))
            let m = first[index]
            let v = second[index]
            parameter.gradient.withSpan { gradient in
                m.withMutableSpan { m in
                    v.withMutableSpan { v in
                        parameter.value.withMutableSpan { value in
                            for i in 0..<gradient.count {
                                let g = gradient[i] * gradientScale
                                m[i] = beta1 * m[i] + keep1 * g
                                v[i] = beta2 * v[i] + keep2 * (g * g)
                                let denominator = v[i].squareRoot() / root2 + epsilon
                                value[i] = value[i] * keep - step * (m[i] / denominator)
                            }
                        }
                    }
                }
            }
        }
    }
}
