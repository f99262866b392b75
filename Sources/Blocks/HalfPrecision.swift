// 16-bit floats by arithmetic alone: no table, no branch, no instruction set. Loops over these vectorise.

/// The value of an IEEE binary16, exactly, subnormals, infinities and NaN included.
@inlinable @inline(__always)
public func float16ToFloat(_ bits: UInt16) -> Float {
    let word = UInt32(bits) << 16
    let doubled = word &+ word
    // Normal: move the exponent to where 2^-112 brings it home. Subnormal: count in units of 2^-24 above 0.5.
    let normal = Float(bitPattern: (doubled >> 4) &+ (0xE0 << 23)) * 0x1p-112
    let subnormal = Float(bitPattern: (doubled >> 17) | (126 << 23)) - 0.5
    let magnitude = doubled < (1 << 27) ? subnormal.bitPattern : normal.bitPattern
    return Float(bitPattern: (word & 0x8000_0000) | magnitude)
}

/// The nearest IEEE binary16, ties to even; beyond its range, infinity.
@inlinable @inline(__always)
public func floatToFloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 makes the hardware round to multiples of 2^-24.
        let shifted = Float(bitPattern: magnitude) + 0.5
        return sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- 0x3F00_0000)
    }
    let rounded = magnitude &+ 0x0FFF &+ ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
}

/// The smallest finite binary16 not below `value`, which is not negative; nil when there is none.
public func floatToFloat16RoundedUp(_ value: Float) -> UInt16? {
    guard value >= 0, value <= 65504 else { return nil }
    let nearest = floatToFloat16(value)
    return float16ToFloat(nearest) < value ? nearest + 1 : nearest
}

/// The value of a bfloat16, exactly.
@inlinable @inline(__always)
public func bfloat16ToFloat(_ bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
}

/// The nearest bfloat16, ties to even; NaN stays NaN.
@inlinable @inline(__always)
public func floatToBFloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
    let rounded = bits &+ 0x7FFF &+ ((bits >> 16) & 1)
    return UInt16(truncatingIfNeeded: (isNaN ? bits | 0x0040_0000 : rounded) >> 16)
}
