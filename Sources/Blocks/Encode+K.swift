// Encoders of Q4_K and Q6_K: first each sub-block's own scale, then its integer under the super-block's,
// then the values against the scale that is really stored.

/// Scale and minimum of 32 values for x = scale q - minimum, q in 0 ... 15, both not negative.
///
/// Candidates around the range's own scale are each refitted by least squares; the least squared error wins.
@unsafe
private func fit4(_ x: Given, _ effort: EncodingEffort) -> (scale: Float, minimum: Float) {
    var low: Float = 0
    var high = unsafe x[0]
    for j in 0..<32 {
        unsafe low = min(low, x[j])
        unsafe high = max(high, x[j])
    }
    guard high > low else { return (0, -low) }
    let range = high - low
    var best = (scale: range / 15, minimum: -low)
    guard effort == .best else { return best }
    var leastError = Float.infinity
    for step in 0...12 {
        let id = (14 + 0.2 * Float(step)) / range
        var (sumQ, sumQQ, sumX, sumXQ): (Float, Float, Float, Float) = (0, 0, 0, 0)
        for j in 0..<32 {
            let q = unsafe Float(nearest((x[j] - low) * id, 0, 15))
            sumQ += q
            sumQQ += q * q
            unsafe sumX += x[j]
            unsafe sumXQ += x[j] * q
        }
        let determinant = 32 * sumQQ - sumQ * sumQ
        guard determinant > 0 else { continue }
        var scale = (32 * sumXQ - sumX * sumQ) / determinant
        var minimum = (sumQ * sumXQ - sumQQ * sumX) / determinant
        if minimum < 0 {
            minimum = 0
            scale = sumXQ / sumQQ
        }
        guard scale > 0, scale.isFinite, minimum.isFinite else { continue }
        var error: Float = 0
        let refined = inverse(scale)
        for j in 0..<32 {
            let q = unsafe Float(nearest((x[j] + minimum) * refined, 0, 15))
            let miss = unsafe scale * q - minimum - x[j]
            error += miss * miss
        }
        if error < leastError {
            leastError = error
            best = (scale, minimum)
        }
    }
    return best
}

@unsafe
func encodeQ4_K(_ x: Given, _ to: Storing, _ effort: EncodingEffort) {
    var scales = InlineArray<8, Float>(repeating: 0)
    var minima = InlineArray<8, Float>(repeating: 0)
    var (largestScale, largestMinimum): (Float, Float) = (0, 0)
    for part in 0..<8 {
        let fit = unsafe fit4(x + part &* 32, effort)
        scales[part] = fit.scale
        minima[part] = fit.minimum
        largestScale = max(largestScale, fit.scale)
        largestMinimum = max(largestMinimum, fit.minimum)
    }
    let dBits = floatToFloat16(largestScale / 63)
    let minBits = floatToFloat16(largestMinimum / 63)
    unsafe store16(dBits, to)
    unsafe store16(minBits, to + 2)
    let (d, dmin) = (float16ToFloat(dBits), float16ToFloat(minBits))
    let s = unsafe to + 4
    for j in 0..<12 { unsafe s[j] = 0 }
    for part in 0..<8 {
        let scale = nearest(scales[part] * inverse(d), 0, 63)
        let minimum = nearest(minima[part] * inverse(dmin), 0, 63)
        let (s8, m8) = (UInt8(truncatingIfNeeded: scale), UInt8(truncatingIfNeeded: minimum))
        if part < 4 {
            unsafe s[part] = s8
            unsafe s[part &+ 4] = m8
        } else {
            unsafe s[part &+ 4] = (s8 & 15) | (m8 & 15) << 4
            unsafe s[part &- 4] |= (s8 >> 4) << 6
            unsafe s[part] |= (m8 >> 4) << 6
        }
        let id = inverse(d * Float(scale))
        let m = dmin * Float(minimum)
        let values = unsafe x + part &* 32
        let q = unsafe to + (16 &+ (part >> 1) &* 32)
        let shift: Int32 = (part & 1) == 0 ? 0 : 4
        if shift == 0 { for j in 0..<32 { unsafe q[j] = 0 } }
        for j in 0..<32 {
            let code = unsafe nearest((values[j] + m) * id, 0, 15)
            unsafe q[j] |= UInt8(truncatingIfNeeded: code &<< shift)
        }
    }
}

/// Scale of 16 values for x = scale q, q in -32 ... 31; negative where the extreme value is positive.
@unsafe
private func fit6(_ x: Given, _ effort: EncodingEffort) -> Float {
    var extreme: Float = 0
    for j in 0..<16 where unsafe abs(x[j]) > abs(extreme) { unsafe extreme = x[j] }
    guard abs(extreme) > .leastNormalMagnitude * 1024 else { return 0 }
    var best = extreme / -32
    guard effort == .best else { return best }
    var mostExplained = -Float.infinity
    for step in -4...4 {
        let id = -(32 + 0.2 * Float(step)) / extreme
        var (sumXQ, sumQQ): (Float, Float) = (0, 0)
        for j in 0..<16 {
            let q = unsafe Float(nearest(x[j] * id, -32, 31))
            unsafe sumXQ += x[j] * q
            sumQQ += q * q
        }
        // With the best scale for these codes the squared error is |x|^2 - (x.q)^2 / |q|^2.
        guard sumQQ > 0 else { continue }
        let explained = sumXQ * (sumXQ / sumQQ)
        if explained > mostExplained {
            mostExplained = explained
            best = sumXQ / sumQQ
        }
    }
    return best
}

@unsafe
func encodeQ6_K(_ x: Given, _ to: Storing, _ effort: EncodingEffort) {
    var scales = InlineArray<16, Float>(repeating: 0)
    var extreme: Float = 0
    for part in 0..<16 {
        let scale = unsafe fit6(x + part &* 16, effort)
        scales[part] = scale
        if abs(scale) > abs(extreme) { extreme = scale }
    }
    let bits = floatToFloat16(extreme / -128)
    unsafe store16(bits, to + 208)
    let d = float16ToFloat(bits)
    for j in 0..<192 { unsafe to[j] = 0 }
    for part in 0..<16 {
        let scale = nearest(scales[part] * inverse(d), -128, 127)
        unsafe to[192 &+ part] = UInt8(truncatingIfNeeded: scale)
        let id = inverse(d * Float(scale))
        let (upper, group, run) = (part >> 3, (part >> 1) & 3, part & 1)
        let values = unsafe x + part &* 16
        let l = unsafe to + (upper &* 64 &+ (group & 1) &* 32 &+ run &* 16)
        let h = unsafe to + (128 &+ upper &* 32 &+ run &* 16)
        let (lowShift, highShift) = (Int32(4 &* (group >> 1)), Int32(2 &* group))
        for j in 0..<16 {
            let code = unsafe nearest(values[j] * id, -32, 31) &+ 32
            unsafe l[j] |= UInt8(truncatingIfNeeded: (code & 15) &<< lowShift)
            unsafe h[j] |= UInt8(truncatingIfNeeded: (code >> 4) &<< highShift)
        }
    }
}
