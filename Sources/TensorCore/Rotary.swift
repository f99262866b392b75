// Rotary position embedding: each pair of values of a head is turned by an angle that grows with the position.
//
//   θ_pi = p · base^(−2i/h);  (x_a, x_b) → (x_a·cos θ − x_b·sin θ, x_a·sin θ + x_b·cos θ)
//
// The gradient is turned back by the same angle. Su et al., 2021 (arXiv:2104.09864).

internal import Foundation

/// Which two values of a head of length h form pair i.
public enum RotaryLayout: Sendable {
    /// i and i + h/2.
    case splitHalf
    /// 2i and 2i + 1.
    case interleaved
}

/// Cosines and sines for every position and pair; angles are computed in Double.
public struct RotaryTable: Sendable {
    public let headLength: Int
    public let positions: Int
    /// `[positions, headLength / 2]`, row-major.
    let cosines: [Float]
    /// `[positions, headLength / 2]`, row-major.
    let sines: [Float]

    /// - Precondition: `headLength` is even and positive, `base` is positive, `positions` at least 0.
    public init(headLength: Int, base: Double, positions: Int) {
        precondition(headLength > 0 && headLength % 2 == 0, "rotary head length \(headLength) must be even")
        precondition(base > 0 && positions >= 0, "rotary base \(base), \(positions) positions")
        self.headLength = headLength
        self.positions = positions
        let half = headLength / 2
        let frequencies = (0..<half).map { pow(base, -2 * Double($0) / Double(headLength)) }
        var cosines = [Float]()
        var sines = [Float]()
        cosines.reserveCapacity(positions * half)
        sines.reserveCapacity(positions * half)
        for position in 0..<positions {
            for frequency in frequencies {
                cosines.append(Float(cos(Double(position) * frequency)))
                sines.append(Float(sin(Double(position) * frequency)))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }
}

extension RotaryTable {
    /// Lends the cosines and sines of the first `positions` positions, `[positions, headLength / 2]` each.
    ///
    /// - Precondition: the table has as many.
    public func withValues<R, E>(positions: Int, _ body: (Span<Float>, Span<Float>) throws(E) -> R) throws(E) -> R {
        precondition(positions >= 0 && positions <= self.positions, "\(positions) of \(self.positions) positions")
        let count = positions * headLength / 2
        return try body(cosines.span.extracting(first: count), sines.span.extracting(first: count))
    }
}

/// Turns every head of `x` in place; row t stands at position `position + t`.
///
/// - Parameters:
///   - x: `[tokens, headCount · headLength]`.
///   - position: of the first row, from 0.
/// - Precondition: the table reaches `position + tokens` positions.
public func rotary(
    _ x: Matrix, table: RotaryTable, headCount: Int, position: Int, layout: RotaryLayout, workers: Workers
) {
    rotate(
        x, table: table, headCount: headCount, position: position, layout: layout, direction: 1, workers: workers)
}

/// Turns the gradient back in place: what was the gradient of the turned values becomes that of the original ones.
///
/// - Parameters:
///   - dx: `[tokens, headCount · headLength]`; the one gradient here that is replaced, not added to.
///   - position: of the first row, from 0.
public func rotaryBackward(
    _ dx: Matrix, table: RotaryTable, headCount: Int, position: Int, layout: RotaryLayout, workers: Workers
) {
    rotate(
        dx, table: table, headCount: headCount, position: position, layout: layout, direction: -1, workers: workers)
}

private func rotate(
    _ x: Matrix, table: RotaryTable, headCount: Int, position: Int, layout: RotaryLayout, direction: Float,
    workers: Workers
) {
    workers.times?.begin(.elementwise)
    defer { workers.times?.end() }
    let h = table.headLength
    precondition(
        headCount > 0 && x.columns == headCount * h, "rotary: \(x.columns) columns for \(headCount) heads of \(h)")
    precondition(
        position >= 0 && position <= table.positions - x.rows,
        "rotary: positions \(position) to \(position + x.rows) but the table holds \(table.positions)")
    workers.forEach(tasks: taskCount(x.rows, 16)) { task in
        for token in taskRange(task, 16, x.rows) {
            // The table holds position + tokens rows (checked above).
            let row = (position + token) * h / 2
            unsafe table.cosines.withUnsafeBufferPointer { cosines in
                unsafe table.sines.withUnsafeBufferPointer { sines in
                    guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else { return }
                    for head in 0..<headCount {
                        let first = unsafe x.pointer + (token * x.columns + head * h)
                        switch layout {
                        case .splitHalf:
                            unsafe turnHalves(first, cosines + row, sines + row, half: h / 2, direction: direction)
                        case .interleaved:
                            unsafe turnNeighbours(first, cosines + row, sines + row, half: h / 2, direction: direction)
                        }
                    }
                }
            }
        }
    }
}

private func turnHalves(
    _ x: UnsafeMutablePointer<Float>, _ cosines: UnsafePointer<Float>, _ sines: UnsafePointer<Float>, half: Int,
    direction: Float
) {
    var pair = 0
    while pair < half {
        let left = half - pair
        let c = unsafe Vector.load(cosines + pair, left)
        let s = unsafe Vector.load(sines + pair, left) * direction
        let a = unsafe Vector.load(x + pair, left)
        let b = unsafe Vector.load(x + half + pair, left)
        unsafe Vector.store(a * c - b * s, x + pair, left)
        unsafe Vector.store(a * s + b * c, x + half + pair, left)
        pair += Vector.width
    }
}

private func turnNeighbours(
    _ x: UnsafeMutablePointer<Float>, _ cosines: UnsafePointer<Float>, _ sines: UnsafePointer<Float>, half: Int,
    direction: Float
) {
    for pair in 0..<half {
        let c = unsafe cosines[pair]
        let s = unsafe sines[pair] * direction
        let a = unsafe x[2 * pair]
        let b = unsafe x[2 * pair + 1]
        unsafe x[2 * pair] = a * c - b * s
        unsafe x[2 * pair + 1] = a * s + b * c
    }
}
