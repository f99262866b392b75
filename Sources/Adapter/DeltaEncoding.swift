// How a tensor of deltas becomes bytes. Plain, exact and the same on every machine: no SIMD, no fast maths.

internal import Blocks
internal import Bytes

/// The two encodings of an adapter's deltas.
///
/// `q8_0` stores blocks of 32 values in 34 bytes: a scale (IEEE half, little-endian), then 32 signed bytes.
/// With `amax` the largest magnitude of a block, `scale` is the smallest half that is not below `amax / 127`, and
/// `q = round-half-away(x / scale)`. Rounding the scale up keeps every |q| at or under 127, so nothing is clipped;
/// and since the smallest half is 2⁻²⁴, a block whose `amax` is 10⁻⁶ still spans about 17 steps.
public enum DeltaEncoding: String, CaseIterable, Sendable {
    // Named as GGML names the block.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0
    case f32

    var storage: StorageType {
        switch self {
        case .q8_0: .q8_0
        case .f32: .f32
        }
    }

    /// Bytes of `count` values, or `nil` where they do not fill whole blocks.
    public func byteCount(elements count: Int) -> Int? {
        switch self {
        case .q8_0: count % 32 == 0 ? count / 32 * 34 : nil
        case .f32: count * 4
        }
    }

    /// The bytes of one tensor of deltas.
    func encode(_ values: [Float], tensor: String) throws(AdapterError) -> [UInt8] {
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw .nonFinite(tensor: tensor, index: index)
        }
        guard let byteCount = byteCount(elements: values.count) else {
            throw .notWholeBlocks(tensor: tensor, elements: values.count)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        switch self {
        case .f32:
            for value in values { bytes.append(littleEndian: value.bitPattern) }
        case .q8_0:
            for start in stride(from: 0, to: values.count, by: 32) {
                let block = values[start..<start + 32]
                let amax = block.reduce(Float(0)) { max($0, abs($1)) }
                guard let bits = halfRoundedUp(Double(amax) / 127) else {
                    throw .tooLargeForScale(tensor: tensor, magnitude: amax)
                }
                let scale = halfValue(bits)
                bytes.append(littleEndian: bits)
                for value in block {
                    let quotient = scale == 0 ? 0 : Double(value) / scale
                    bytes.append(UInt8(bitPattern: Int8(quotient.rounded(.toNearestOrAwayFromZero))))
                }
            }
        }
        return bytes
    }

    /// The values of one tensor of deltas: `f32(q · scale)`.
    ///
    /// Refuses what no encoder of this format writes: a negative or non-finite scale, `q = -128`, and steps under a
    /// scale of zero.
    func decode(_ bytes: ArraySlice<UInt8>, tensor: String) throws(AdapterError) -> [Float] {
        var values: [Float] = []
        switch self {
        case .f32:
            values.reserveCapacity(bytes.count / 4)
            var at = bytes.startIndex
            while at + 4 <= bytes.endIndex {
                let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
                let value = Float(bitPattern: bits)
                guard value.isFinite else { throw .nonFinite(tensor: tensor, index: values.count) }
                values.append(value)
                at += 4
            }
        case .q8_0:
            values.reserveCapacity(bytes.count / 34 * 32)
            var at = bytes.startIndex
            while at + 34 <= bytes.endIndex {
                let block = (at - bytes.startIndex) / 34
                let bits = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
                guard bits & 0x7C00 != 0x7C00 else { throw .nonFinite(tensor: tensor, index: block * 32) }
                guard bits & 0x8000 == 0 else { throw .malformedBlock(tensor: tensor, block: block) }
                let scale = halfValue(bits)
                for index in at + 2..<at + 34 {
                    let step = Int8(bitPattern: bytes[index])
                    guard step != -128, bits != 0 || step == 0 else {
                        throw .malformedBlock(tensor: tensor, block: block)
                    }
                    // 8 bits times 11 bits: exact in a float, so no rounding is left to differ.
                    values.append(Float(Double(step) * scale))
                }
                at += 34
            }
        }
        return values
    }
}

/// The smallest IEEE half that is not below `value`, or `nil` above 65,504. `value` is finite and not negative.
func halfRoundedUp(_ value: Double) -> UInt16? {
    guard value > 0 else { return 0 }
    guard value <= 65_504 else { return nil }
    // Below 2^-14 halves are subnormal: all share the quantum 2^-24.
    let exponent = max(Int(value.exponent), -14)
    let quanta = (value / Double(sign: .plus, exponent: exponent - 10, significand: 1)).rounded(.up)
    // 1,024 subnormal quanta are the first normal half, and 2,048 quanta the next power of two: the sum carries over.
    let base = value < 0x1p-14 ? 0 : ((exponent + 15) << 10) - 1024
    return UInt16(base + Int(quanta))
}

/// The value of a finite, non-negative IEEE half, exact.
func halfValue(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Double(bits & 0x3FF)
    return exponent == 0
        ? fraction * 0x1p-24
        : (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
}

extension [UInt8] {
    /// Appends an integer in little-endian order.
    mutating func append(littleEndian value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
