// Quantised rows drawn directly: no float is encoded, yet what they decode to has the mean and deviation asked for.

import Blocks
import Digest

/// Draws rows of one tensor. Row `r` depends on (seed, tensor name, r) alone.
struct SyntheticRows {
    let tensor: SyntheticTensor
    let seed: UInt64

    /// Rows, each of `dimensions[0]` values; a vector is one row.
    var count: Int { tensor.dimensions.dropFirst().reduce(1, *) }

    /// Appends row `index` as stored.
    func append(row index: Int, to bytes: inout [UInt8]) {
        var random = CounterRandom(seed: seed, purpose: "synthetic " + tensor.name, step: UInt64(index))
        let columns = tensor.dimensions[0]
        switch (tensor.values, tensor.type) {
        case (.vector(let mean, let deviation), _):
            for _ in 0..<columns {
                Self.append(UInt64((mean + deviation * Self.normal(&random)).bitPattern), 4, to: &bytes)
            }
        case (.matrix(let deviation), .q4_0):
            for _ in 0..<columns / 32 { Self.appendQ4_0(deviation, &random, to: &bytes) }
        case (.matrix(let deviation), .q4_K):
            for _ in 0..<columns / 256 { Self.appendQ4_K(deviation, &random, to: &bytes) }
        case (.matrix(let deviation), .q6_K):
            for _ in 0..<columns / 256 { Self.appendQ6_K(deviation, &random, to: &bytes) }
        default:
            preconditionFailure("synthetic matrices are stored as Q4_0, Q4_K or Q6_K")
        }
    }

    /// Sum of twelve uniforms, less six: mean 0, deviation 1, and only additions, so the same everywhere.
    private static func normal(_ random: inout CounterRandom) -> Float {
        var sum = -6.0
        for _ in 0..<12 { sum += random.nextDouble() }
        return Float(sum)
    }

    private static func append(_ word: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for position in 0..<count { bytes.append(UInt8(truncatingIfNeeded: word &>> UInt64(8 * position))) }
    }

    /// Sixteen nibbles, each the sum of two 3-bit draws and one bit: 0...15, mean 7.5, variance 10.75.
    private static func nibbles(_ random: inout CounterRandom) -> UInt64 {
        let (a, b) = (random.nextUInt64(), random.nextUInt64())
        let mask: UInt64 = 0x7777_7777_7777_7777
        return (a & mask) &+ (b & mask) &+ ((a >> 3) & 0x1111_1111_1111_1111)
    }
    private static let nibbleDeviation: Float = 3.278_719_3

    /// A block's scale within 10 % of `scale`, with a random sign when `signed`.
    private static func blockScale(_ scale: Float, _ random: inout CounterRandom, signed: Bool) -> UInt16 {
        let draw = random.nextUInt64()
        let spread = 0.9 + 0.2 * Float(draw >> 40) * 0x1p-24
        return floatToFloat16(scale * spread) | (signed && draw & 1 == 1 ? 0x8000 : 0)
    }

    /// `d (q - 8)`: nibbles have mean 7.5, so the sign of `d` is drawn to bring the mean to 0.
    private static func appendQ4_0(_ deviation: Float, _ random: inout CounterRandom, to bytes: inout [UInt8]) {
        append(UInt64(blockScale(deviation / nibbleDeviation, &random, signed: true)), 2, to: &bytes)
        for _ in 0..<2 { append(nibbles(&random), 8, to: &bytes) }
    }

    /// Root mean square of whole numbers drawn uniformly from 32...63.
    private static let subscale: Float = 48.388

    /// `d s q - dmin m`, with m = s and dmin = 7.5 d: mean 0.
    private static func appendQ4_K(_ deviation: Float, _ random: inout CounterRandom, to bytes: inout [UInt8]) {
        let d = blockScale(deviation / (nibbleDeviation * subscale), &random, signed: false)
        append(UInt64(d), 2, to: &bytes)
        append(UInt64(floatToFloat16(7.5 * float16ToFloat(d))), 2, to: &bytes)
        // Eight 6-bit scales and minima: the low six bits of bytes 0–3 and 4–7 are those of sub-blocks 0–3; sub-blocks
        // 4–7 have their low nibbles in bytes 8–11 and their upper two bits on top of bytes 0–7.
        let draw = random.nextUInt64()
        let s = (0..<8).map { UInt8(32 + (draw >> UInt64(5 * $0)) & 31) }
        for _ in 0..<2 { for j in 0..<4 { bytes.append(s[j] | (s[j + 4] >> 4) << 6) } }
        for j in 0..<4 { bytes.append((s[j + 4] & 15) | (s[j + 4] & 15) << 4) }
        for _ in 0..<16 { append(nibbles(&random), 8, to: &bytes) }
    }

    /// `d s (q - 32)`: low four bits uniform, upper two binomial, mean 31.5; the sign of each `s` is drawn.
    private static func appendQ6_K(_ deviation: Float, _ random: inout CounterRandom, to bytes: inout [UInt8]) {
        for _ in 0..<16 { append(random.nextUInt64(), 8, to: &bytes) }
        let mask: UInt64 = 0x5555_5555_5555_5555
        for _ in 0..<8 {
            let (a, b) = (random.nextUInt64(), random.nextUInt64())
            append((a & mask) &+ ((a >> 1) & mask) &+ (b & mask), 8, to: &bytes)
        }
        let (sizes, signs) = (random.nextUInt64(), random.nextUInt64())
        for j in 0..<16 {
            let size = Int8(32 + Int((sizes >> UInt64(4 * j)) & 15) * 2 + Int((signs >> UInt64(16 + j)) & 1))
            bytes.append(UInt8(bitPattern: (signs >> UInt64(j)) & 1 == 1 ? -size : size))
        }
        // Variance of q: 16² · 3/4 + 255/12 = 213.25.
        append(UInt64(blockScale(deviation / (14.603_082 * subscale), &random, signed: false)), 2, to: &bytes)
    }
}
