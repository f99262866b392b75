// One update of a trained tensor, made tile by tile as the tiles of its gradient come to be.

/// What one step of an optimiser does with each element of a tensor; `g` is the scaled gradient.
public enum UpdateRule: Sendable {
    /// θ ← θ·keep − rate·g
    case descent(rate: Float, keep: Float)
    /// The rule of ``AdamWStep``, on the tensor's own moments.
    case adamW(AdamWStep, first: Moments, second: Moments)
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
    /// Decides, with row and column, which way a moment between two codes of eight bits goes: another for each step and
    /// tensor.
    public let ditherKey: UInt64

    public init(
        beta1: Double, beta2: Double, rate: Double, root: Double, epsilon: Double, keep: Float, ditherKey: UInt64 = 0
    ) {
        self.beta1 = Float(beta1)
        self.beta2 = Float(beta2)
        keep1 = Float(1 - beta1)
        keep2 = Float(1 - beta2)
        self.rate = Float(rate)
        self.root = Float(root)
        self.epsilon = Float(epsilon)
        self.keep = keep
        self.ditherKey = ditherKey
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
            first.isFor(value, .first) && second.isFor(value, .second) && first.form == second.form,
            "moments of another tensor than \(value.shape), or of two forms")
    }
    unsafe gradient.forEachTile(workers: workers, scratch: 2 * Moments.block) { tile, scratch in
        unsafe precondition(
            tile.rows.upperBound <= value.rows && tile.columns.upperBound <= value.columns,
            "a gradient for another shape than \(value.shape)")
        for row in unsafe tile.rows {
            let place = unsafe value.pointer + (row &* value.columns &+ tile.columns.lowerBound)
            switch rule {
            case .descent(let rate, let keep):
                unsafe descend(
                    place, tile.row(row), scale: scale, rate: rate, keep: keep, count: tile.columns.count)
            case .adamW(let step, let first, let second):
                unsafe step.update(
                    place, (first, second), row: row, columns: tile.columns, tile.row(row), scale: scale,
                    scratch: scratch)
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
    /// Updates a run of a row whose first column is a multiple of a block's.
    ///
    /// - Parameter scratch: two blocks.
    fileprivate func update(
        _ value: UnsafeMutablePointer<Float>, _ moments: (first: Moments, second: Moments), row: Int,
        columns: Range<Int>, _ gradient: UnsafePointer<Float>, scale: Float, scratch: UnsafeMutablePointer<Float>
    ) {
        guard moments.first.form == .int8 else {
            _ = unsafe update(
                value, moments.first.numbers(row: row) + columns.lowerBound,
                moments.second.numbers(row: row) + columns.lowerBound, gradient, scale: scale, count: columns.count,
                holdsRoots: false)
            return
        }
        let (m, root) = unsafe (scratch, scratch + Moments.block)
        let dither = Self.mix(ditherKey &+ UInt64(truncatingIfNeeded: row) &* 0x9E37_79B9_7F4A_7C15)
        var index = 0
        while index < columns.count {
            let block = (columns.lowerBound &+ index) / Moments.block
            let count = min(Moments.block, columns.count &- index)
            unsafe moments.first.load(row: row, block: block, count: count, into: m)
            unsafe moments.second.load(row: row, block: block, count: count, into: root)
            let largest = unsafe update(
                value + index, m, root, gradient + index, scale: scale, count: count, holdsRoots: true)
            unsafe moments.first.store(
                row: row, block: block, count: count, from: m, largest: largest.first,
                dither: UInt32(truncatingIfNeeded: dither))
            unsafe moments.second.store(
                row: row, block: block, count: count, from: root, largest: largest.second,
                dither: UInt32(truncatingIfNeeded: dither >> 32))
            index &+= count
        }
    }

    /// The rule itself.
    ///
    /// - Parameters:
    ///   - first: m.
    ///   - second: v, or, where it `holdsRoots`, √v.
    /// - Returns: the largest magnitudes of what was left in `first` and `second`; nothing without roots.
    @inline(__always)
    private func update(
        _ value: UnsafeMutablePointer<Float>, _ first: UnsafeMutablePointer<Float>,
        _ second: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, scale: Float, count: Int,
        holdsRoots: Bool
    ) -> (first: Float, second: Float) {
        var (largestFirst, largestSecond) = (Lanes(), Lanes())
        var index = 0
        while index < count {
            let left = count &- index
            let g = unsafe Vector.load(gradient + index, left) * scale
            let m = unsafe Vector.load(first + index, left) * beta1 + g * keep1
            let before = unsafe Vector.load(second + index, left)
            let v = (holdsRoots ? before * before : before) * beta2 + (g * g) * keep2
            let root = v.squareRoot()
            let change = m / (root / self.root + epsilon)
            unsafe Vector.store(m, first + index, left)
            unsafe Vector.store(holdsRoots ? root : v, second + index, left)
            unsafe Vector.store(Vector.load(value + index, left) * keep - change * rate, value + index, left)
            if holdsRoots {
                let magnitude = Vector.magnitude(m)
                largestFirst.replace(with: magnitude, where: magnitude .> largestFirst)
                largestSecond.replace(with: root, where: root .> largestSecond)
            }
            index &+= Vector.width
        }
        return (largestFirst.max(), largestSecond.max())
    }

    /// The finaliser of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
