// From floats to stored blocks. A block's encoding depends on its own values alone.

/// How hard an encoder looks for the scales that lose least.
public enum EncodingEffort: Sendable {
    /// One pass: scales from the extremes.
    case fast
    /// Several candidate scales per sub-block, the one with the least squared error taken.
    case best
}

extension StorageType {
    /// Stores `source` in this type.
    /// - Throws: `BlocksError` for partial blocks, values that are not finite or too large, and types without an encoder.
    public func encode(_ source: Span<Float>, effort: EncodingEffort = .best) throws(BlocksError) -> [UInt8] {
        guard isEncodable else { throw .notEncodable(type: self) }
        guard let size = byteCount(elements: source.count) else {
            throw .notWholeBlocks(type: self, elements: source.count)
        }
        try check(source)
        let blocks = source.count / blockLength
        var bytes = [UInt8](repeating: 0, count: size)
        guard blocks > 0 else { return bytes }
        unsafe source.withUnsafeBufferPointer { values in
            unsafe bytes.withUnsafeMutableBufferPointer { output in
                let x = unsafe values.baseAddress.unsafelyUnwrapped
                let to = unsafe output.baseAddress.unsafelyUnwrapped
                for block in 0..<blocks {
                    unsafe encodeBlock(x + block &* blockLength, to + block &* blockByteCount, effort)
                }
            }
        }
        return bytes
    }

    /// F32, F16 and BF16 carry NaN and infinity; the block types refuse them, and values whose scale has no binary16.
    private func check(_ source: Span<Float>) throws(BlocksError) {
        guard blockLength > 1 else { return }
        let limit: Float =
            switch self {
            case .q4_0: 8 * 65504
            case .q8_0: 127 * 65504
            case .q4_K: 15 * 65504
            case .tq1_0, .tq2_0: 65504
            default: 31 * 65504
            }
        for i in 0..<source.count where !(abs(source[i]) <= limit) {
            throw source[i].isFinite
                ? .outOfRange(index: i, value: source[i], type: self) : .notFinite(index: i, type: self)
        }
    }

    @unsafe @inline(__always)
    private func encodeBlock(_ x: Given, _ to: Storing, _ effort: EncodingEffort) {
        switch self {
        case .f32: unsafe store32(x[0].bitPattern, to)
        case .f16: unsafe store16(floatToFloat16(x[0]), to)
        case .bf16: unsafe store16(floatToBFloat16(x[0]), to)
        case .q4_0: unsafe encodeQ4_0(x, to)
        case .q8_0: unsafe encodeQ8_0(x, to)
        case .q4_K: unsafe encodeQ4_K(x, to, effort)
        case .q6_K: unsafe encodeQ6_K(x, to, effort)
        case .tq1_0: unsafe encodeTQ1_0(x, to, effort)
        case .tq2_0: unsafe encodeTQ2_0(x, to, effort)
        default: break
        }
    }
}

typealias Given = UnsafePointer<Float>
typealias Storing = UnsafeMutablePointer<UInt8>

@unsafe @inline(__always)
func store16(_ bits: UInt16, _ to: Storing) {
    unsafe to[0] = UInt8(truncatingIfNeeded: bits)
    unsafe to[1] = UInt8(truncatingIfNeeded: bits >> 8)
}

@unsafe @inline(__always)
func store32(_ bits: UInt32, _ to: Storing) {
    unsafe store16(UInt16(truncatingIfNeeded: bits), to)
    unsafe store16(UInt16(truncatingIfNeeded: bits >> 16), to + 2)
}

/// The integer nearest to `value`, |value| < 2^22, ties to even: the low bits after adding 1.5 x 2^23.
@inline(__always)
func nearest(_ value: Float) -> Int32 {
    Int32(bitPattern: (value + 12_582_912).bitPattern & 0x007F_FFFF) &- 0x0040_0000
}

/// `nearest`, kept within `low ... high`.
@inline(__always)
func nearest(_ value: Float, _ low: Int32, _ high: Int32) -> Int32 {
    min(max(nearest(min(max(value, Float(low)), Float(high))), low), high)
}

@inline(__always)
func inverse(_ scale: Float) -> Float {
    let inverse = 1 / scale
    return inverse.isFinite ? inverse : 0
}

/// The value farthest from zero becomes exactly -8 d.
@unsafe
func encodeQ4_0(_ x: Given, _ to: Storing) {
    var extreme: Float = 0
    for j in 0..<32 where unsafe abs(x[j]) > abs(extreme) { unsafe extreme = x[j] }
    let bits = floatToFloat16(extreme / -8)
    unsafe store16(bits, to)
    let id = inverse(float16ToFloat(bits))
    for j in 0..<16 {
        let low = unsafe nearest(x[j] * id, -8, 7) &+ 8
        let high = unsafe nearest(x[j &+ 16] * id, -8, 7) &+ 8
        unsafe to[2 &+ j] = UInt8(truncatingIfNeeded: low | high << 4)
    }
}

/// The scale is rounded up, so that no value leaves -127 ... 127; halves round away from zero.
@unsafe
func encodeQ8_0(_ x: Given, _ to: Storing) {
    var extreme: Float = 0
    for j in 0..<32 { unsafe extreme = max(extreme, abs(x[j])) }
    let bits = floatToFloat16RoundedUp(extreme / 127) ?? 0x7BFF
    unsafe store16(bits, to)
    let d = float16ToFloat(bits)
    guard d > 0 else {
        for j in 0..<32 { unsafe to[2 &+ j] = 0 }
        return
    }
    for j in 0..<32 {
        let quotient = unsafe max(-127, min(127, x[j] / d))
        let even = nearest(quotient)
        // What is left is exact; where it is a half that went towards zero, one step away from zero.
        let left = quotient - Float(even)
        let up: Int32 = left == 0.5 && quotient > 0 ? 1 : 0
        let down: Int32 = left == -0.5 && quotient < 0 ? 1 : 0
        unsafe to[2 &+ j] = UInt8(truncatingIfNeeded: even &+ up &- down)
    }
}
