// Encoders of TQ1_0 and TQ2_0: one scale for 256 values, each of which becomes -1, 0 or 1 times it.

/// The scale of 256 values for x = scale q, q in -1, 0, 1; never negative.
///
/// `fast` takes the largest value, as GGML's own encoder does: right for weights that were trained ternary. `best` is
/// exact least squares: if the k largest |x| become non-zero, the best scale is their mean and explains
/// (sum of them)^2 / k of the squares, so the k that explains most is the one.
@unsafe
private func fitTernary(_ x: Given, _ effort: EncodingEffort) -> Float {
    var extreme: Float = 0
    for j in 0..<256 { unsafe extreme = max(extreme, abs(x[j])) }
    guard effort == .best, extreme > 0 else { return extreme }
    var magnitudes: [Float] = []
    magnitudes.reserveCapacity(256)
    for j in 0..<256 { unsafe magnitudes.append(abs(x[j])) }
    magnitudes.sort(by: >)
    var (sum, mostExplained, best) = (0.0, -1.0, 0.0)
    for (index, magnitude) in magnitudes.enumerated() where magnitude > 0 {
        sum += Double(magnitude)
        let mean = sum / Double(index + 1)
        if sum * mean > mostExplained {
            mostExplained = sum * mean
            best = mean
        }
    }
    return Float(best)
}

/// -1, 0 or 1, halves towards 0, plus one.
@unsafe @inline(__always)
private func ternaryDigit(_ x: Given, _ index: Int, _ id: Float) -> Int32 {
    unsafe nearest(x[index] * id, -1, 1) &+ 1
}

/// The layout stands with `decodeTQ2_0`.
@unsafe
func encodeTQ2_0(_ x: Given, _ to: Storing, _ effort: EncodingEffort) {
    let bits = unsafe floatToFloat16(fitTernary(x, effort))
    unsafe store16(bits, to + 64)
    let id = inverse(float16ToFloat(bits))
    for j in 0..<64 { unsafe to[j] = 0 }
    for part in 0..<8 {
        let q = unsafe to + (part >> 2) &* 32
        let shift = Int32(truncatingIfNeeded: 2 &* (part & 3))
        for j in 0..<32 {
            let digit = unsafe ternaryDigit(x, part &* 32 &+ j, id)
            unsafe q[j] |= UInt8(truncatingIfNeeded: digit &<< shift)
        }
    }
}

/// The layout stands with `decodeTQ1_0`: five digits make a number below 243, stored as the least byte whose fraction of
/// 256 is not below the number's of 243, so that every digit comes back whole.
@unsafe
func encodeTQ1_0(_ x: Given, _ to: Storing, _ effort: EncodingEffort) {
    let bits = unsafe floatToFloat16(fitTernary(x, effort))
    unsafe store16(bits, to + 52)
    let id = inverse(float16ToFloat(bits))
    var from = 0
    for (start, width, digits) in [(0, 32, 5), (32, 16, 5), (48, 4, 4)] {
        for j in 0..<width {
            var number: Int32 = 0
            for digit in 0..<digits { unsafe number = number &* 3 &+ ternaryDigit(x, from &+ digit &* width &+ j, id) }
            // Four digits stand where the first four of five would.
            if digits == 4 { number = number &* 3 }
            unsafe to[start &+ j] = UInt8(truncatingIfNeeded: (number &* 256 &+ 242) / 243)
        }
        from &+= width &* digits
    }
}
