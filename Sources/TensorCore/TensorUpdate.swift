// One update of a trained tensor, made tile by tile as the tiles of its gradient come to be.

/// What one step of an optimiser does with each element of a tensor; `g` is the scaled gradient.
public enum UpdateRule: Sendable {
    /// θ ← θ·keep − rate·g
    case descent(rate: Float, keep: Float)
    /// The rule of ``AdamWStep``, on the tensor's own moments.
    case adamW(AdamWStep, first: Matrix, second: Matrix)
}

/// AdamW's numbers of one step, for one tensor (Loshchilov and Hutter 2019, algorithm 2):
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `θ ← θ·keep − rate · m / (√v/root + ε)`.
public struct AdamWStep: Sendable {
    public let beta1: Float
    public let beta2: Float
    /// 1 − β₁ and 1 − β₂, rounded from Double.
    public let keep1: Float
    public let keep2: Float
    /// Learning rate ÷ (1 − β₁ᵗ).
    public let rate: Float
    /// √(1 − β₂ᵗ)
    public let root: Float
    public let epsilon: Float
    /// 1 − learning rate · weight decay.
    public let keep: Float

    public init(beta1: Double, beta2: Double, rate: Double, root: Double, epsilon: Double, keep: Float) {
        self.beta1 = Float(beta1)
        self.beta2 = Float(beta2)
        keep1 = Float(1 - beta1)
        keep2 = Float(1 - beta2)
        self.rate = Float(rate)
        self.root = Float(root)
        self.epsilon = Float(epsilon)
        self.keep = keep
    }
}

/// Updates a tensor by its gradient.
///
/// - Parameters:
///   - rule: what is done with each element.
///   - gradient: of a tensor of `value`'s shape; used up tile by tile, and of no use afterwards where it is the head's.
///   - scale: factor on every element of the gradient.
///   - value: the f32 master, `[rows, columns]`.
public func applyUpdate(
    _ rule: UpdateRule, of gradient: TensorGradient, scale: Float, to value: Matrix, workers: Workers
) {
    workers.times?.begin(.optimizer)
    defer { workers.times?.end() }
    if case .adamW(_, let first, let second) = rule {
        precondition(
            first.hasShape(of: value) && second.hasShape(of: value), "moments \(first.shape) for \(value.shape)")
    }
    unsafe gradient.forEachTile(workers: workers, scratch: 0) { tile, _ in
        unsafe precondition(
            tile.rows.upperBound <= value.rows && tile.columns.upperBound <= value.columns,
            "a gradient for another shape than \(value.shape)")
        for row in unsafe tile.rows {
            let place = unsafe row &* value.columns &+ tile.columns.lowerBound
            let count = unsafe tile.columns.count
            switch rule {
            case .descent(let rate, let keep):
                unsafe descend(
                    value.pointer + place, tile.row(row), scale: scale, rate: rate, keep: keep, count: count)
            case .adamW(let step, let first, let second):
                unsafe step.update(
                    value.pointer + place, first.pointer + place, second.pointer + place, tile.row(row), scale: scale,
                    count: count)
            }
        }
    }
}

private func descend(
    _ value: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, scale: Float, rate: Float, keep: Float,
    count: Int
) {
    var index = 0
    while index < count {
        let left = count &- index
        let g = unsafe Vector.load(gradient + index, left) * scale
        unsafe Vector.store(Vector.load(value + index, left) * keep - g * rate, value + index, left)
        index &+= Vector.width
    }
}

extension AdamWStep {
    fileprivate func update(
        _ value: UnsafeMutablePointer<Float>, _ first: UnsafeMutablePointer<Float>,
        _ second: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, scale: Float, count: Int
    ) {
        var index = 0
        while index < count {
            let left = count &- index
            let g = unsafe Vector.load(gradient + index, left) * scale
            let m = unsafe Vector.load(first + index, left) * beta1 + g * keep1
            let v = unsafe Vector.load(second + index, left) * beta2 + (g * g) * keep2
            let change = m / (v.squareRoot() / root + epsilon)
            unsafe Vector.store(m, first + index, left)
            unsafe Vector.store(v, second + index, left)
            unsafe Vector.store(Vector.load(value + index, left) * keep - change * rate, value + index, left)
            index &+= Vector.width
        }
    }
}
