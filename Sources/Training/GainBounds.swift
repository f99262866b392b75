internal import Model
internal import TensorCore

/// Keeps trained norm gains inside what an adapter may hold.
///
/// The wire format refuses a delta whose magnitude exceeds the largest base gain of its tensor (design, section 6), so
/// a gain `g` of a base tensor with largest magnitude `M` is held in `[b − m, b + m]`, `m = M·(1 − 2⁻⁹)`: the margin is
/// what rounding a Q8_0 scale up to half precision can add (2⁻¹⁰, relative), and a little more.
package struct GainBounds {
    private let gains: [Matrix]
    private let base: [[Float]]
    private let limits: [Float]

    /// - Parameter parameters: whose gains still hold the base's values; what is no gain is not held.
    init(_ parameters: [Parameter]) {
        gains = parameters.filter { $0.kind == .gain }.map(\.value)
        base = gains.map(\.values)
        limits = base.map { Self.limit(gains: $0) }
    }

    /// The bound `m` of a tensor whose base gains are `gains`: no delta goes further either way.
    package static func limit(gains: [Float]) -> Float { (gains.map(\.magnitude).max() ?? 0) * (1 - 0x1p-9) }

    /// Moves every gain that an update carried outside back to the nearest bound.
    func hold() {
        for (index, gain) in gains.enumerated() {
            let limit = limits[index]
            let base = base[index]
            gain.withMutableSpan { values in
                for i in base.indices {
                    values[i] = min(max(values[i], base[i] - limit), base[i] + limit)
                }
            }
        }
    }
}
