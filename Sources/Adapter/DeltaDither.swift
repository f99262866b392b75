// Noise on deltas before they are stored, so that what is stored is not all that training decided.

public import Digest

/// Dithers deltas with numbers from a run's secret seed.
///
/// Each value gets the sum of two uniform numbers of half a step either way: triangular noise of at most one step, the usual
/// width for a rounding whose error shall depend on the value neither in its mean nor in its variance. A step is what the
/// value's block of 32 has in Q8_0; scales and steps are then found from the dithered values by the format's own rule, so
/// neither is what a repeated training would give. An F32 adapter is dithered by the same steps: its last bits would tell
/// what eight bits do not.
public struct DeltaDither: Sendable {
    private let seed: SecretSeed
    static let blockLength = 32

    public init(_ seed: SecretSeed) { self.seed = seed }

    /// `values` with noise.
    ///
    /// - Parameters:
    ///   - tensor: its name; each tensor has numbers of its own.
    ///   - limit: most that a dithered value may have, above 0: what an adapter of this base may hold.
    /// - Returns: values each within a step of the given one. A block of zeros stays one.
    public func dithered(_ values: [Float], tensor: String, limit: Float) -> [Float] {
        var random = CounterRandom(of: .secret(seed), purpose: "export \(tensor)")
        var result: [Float] = []
        result.reserveCapacity(values.count)
        for start in stride(from: 0, to: values.count, by: Self.blockLength) {
            let block = values[start..<min(values.count, start + Self.blockLength)]
            let amax = block.reduce(Float(0)) { max($0, abs($1)) }
            // A block that no half can scale is the encoder's to refuse.
            let step = amax.isFinite ? halfRoundedUp(Double(amax) / 127).map(halfValue) ?? 0 : 0
            for value in block {
                let noise = (random.nextDouble() + random.nextDouble() - 1) * step
                let dithered = Float(Double(value) + noise)
                result.append(noise == 0 ? value : max(-limit, min(limit, dithered)))
            }
        }
        return result
    }
}
