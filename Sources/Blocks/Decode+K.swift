// The K types: super-blocks of 256 whose sub-blocks have small integer scales under a common half-precision one.

/// `s: 16 x (scale: 4 bits, minimum: 4 bits), q: 64 x 4 of 2 bits, d: f16, dmin: f16`; value = d s q - dmin m
@unsafe
func decodeQ2_K(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 84
        let d = unsafe half(p + 80)
        let dmin = unsafe half(p + 82)
        for part in 0..<16 {
            // Parts of 16 values: halves of 128, four bit pairs each, two runs of 16 per pair.
            let q = unsafe p + (16 &+ (part >> 3) &* 32 &+ (part & 1) &* 16)
            let shift = Int32(truncatingIfNeeded: (part & 7) & 6)
            let s = unsafe Int32(p[part])
            let scale = d * Float(s & 15)
            let minimum = dmin * Float(s >> 4)
            let x = unsafe to + (block &* 256 &+ part &* 16)
            for j in 0..<16 {
                unsafe x[j] = scale * Float((Int32(q[j]) &>> shift) & 3) - minimum
            }
        }
    }
}

/// `h: 32 bytes (third bits, set = no offset), q: 64 x 4 of 2 bits, s: 16 of 6 bits in 12 bytes, d: f16`;
/// value = d (s - 32) (q - (h ? 0 : 4))
@unsafe
func decodeQ3_K(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 110
        let scales = unsafe p + 96
        let d = unsafe half(p + 108)
        for part in 0..<16 {
            let low = unsafe part < 8 ? Int32(scales[part] & 15) : Int32(scales[part &- 8] >> 4)
            let high = unsafe Int32(scales[8 &+ (part & 3)] &>> UInt8(2 &* (part >> 2))) & 3
            let scale = d * Float((low | high << 4) &- 32)
            let h = unsafe p + (part & 1) &* 16
            let q = unsafe p + (32 &+ (part >> 3) &* 32 &+ (part & 1) &* 16)
            let shift = Int32(truncatingIfNeeded: (part & 7) & 6)
            let bit = Int32(truncatingIfNeeded: part >> 1)
            let x = unsafe to + (block &* 256 &+ part &* 16)
            for j in 0..<16 {
                let third = unsafe (Int32(h[j]) &>> bit & 1) << 2
                unsafe x[j] = scale * Float(((Int32(q[j]) &>> shift) & 3) &+ third &- 4)
            }
        }
    }
}

/// Scale and minimum of sub-block `j`, 6 bits each, from the 12 bytes that Q4_K and Q5_K share.
@unsafe @inline(__always)
func scaleAndMinimum(_ s: Stored, _ j: Int) -> (scale: Float, minimum: Float) {
    if j < 4 { return unsafe (Float(Int32(s[j] & 63)), Float(Int32(s[j &+ 4] & 63))) }
    let scale = unsafe (s[j &+ 4] & 15) | ((s[j &- 4] >> 6) << 4)
    let minimum = unsafe (s[j &+ 4] >> 4) | ((s[j] >> 6) << 4)
    return (Float(Int32(scale)), Float(Int32(minimum)))
}

/// `d: f16, dmin: f16, s: 12 bytes, q: 4 x 32 (low nibbles: sub-block 2i, high: 2i+1)`; value = d s q - dmin m
@unsafe
func decodeQ4_K(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 144
        let d = unsafe half(p)
        let dmin = unsafe half(p + 2)
        for pair in 0..<4 {
            let low = unsafe scaleAndMinimum(p + 4, 2 &* pair)
            let high = unsafe scaleAndMinimum(p + 4, 2 &* pair &+ 1)
            let (d1, m1, d2, m2) = (d * low.scale, dmin * low.minimum, d * high.scale, dmin * high.minimum)
            let q = unsafe p + (16 &+ pair &* 32)
            let x = unsafe to + (block &* 256 &+ pair &* 64)
            for j in 0..<32 {
                let byte = unsafe Int32(q[j])
                unsafe x[j] = d1 * Float(byte & 15) - m1
                unsafe x[j &+ 32] = d2 * Float(byte >> 4) - m2
            }
        }
    }
}

/// `d: f16, dmin: f16, s: 12 bytes, h: 32 bytes (bit i: sub-block i), q: as Q4_K`; value = d s q - dmin m
@unsafe
func decodeQ5_K(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 176
        let d = unsafe half(p)
        let dmin = unsafe half(p + 2)
        let h = unsafe p + 16
        for pair in 0..<4 {
            let low = unsafe scaleAndMinimum(p + 4, 2 &* pair)
            let high = unsafe scaleAndMinimum(p + 4, 2 &* pair &+ 1)
            let (d1, m1, d2, m2) = (d * low.scale, dmin * low.minimum, d * high.scale, dmin * high.minimum)
            let q = unsafe p + (48 &+ pair &* 32)
            let x = unsafe to + (block &* 256 &+ pair &* 64)
            let bit = Int32(truncatingIfNeeded: 2 &* pair)
            for j in 0..<32 {
                let byte = unsafe Int32(q[j])
                let fifth = unsafe Int32(h[j]) &>> bit
                unsafe x[j] = d1 * Float((byte & 15) | (fifth & 1) << 4) - m1
                unsafe x[j &+ 32] = d2 * Float((byte >> 4) | (fifth & 2) << 3) - m2
            }
        }
    }
}

/// `l: 128 x 2 of 4 bits, h: 64 x 4 of 2 bits, s: 16 x i8, d: f16`; value = d s (q - 32)
@unsafe
func decodeQ6_K(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 210
        let d = unsafe half(p + 208)
        for quarter in 0..<4 {
            // Each half of 128 values has two runs of 16 columns; a column holds four values, 32 apart.
            let (upper, run) = (quarter >> 1, quarter & 1)
            let l = unsafe p + (upper &* 64 &+ run &* 16)
            let h = unsafe p + (128 &+ upper &* 32 &+ run &* 16)
            let s = unsafe p + (192 &+ upper &* 8 &+ run)
            let s1 = unsafe d * Float(Int32(Int8(bitPattern: s[0])))
            let s2 = unsafe d * Float(Int32(Int8(bitPattern: s[2])))
            let s3 = unsafe d * Float(Int32(Int8(bitPattern: s[4])))
            let s4 = unsafe d * Float(Int32(Int8(bitPattern: s[6])))
            let x = unsafe to + (block &* 256 &+ upper &* 128 &+ run &* 16)
            for j in 0..<16 {
                let a = unsafe Int32(l[j])
                let b = unsafe Int32(l[j &+ 32])
                let c = unsafe Int32(h[j])
                unsafe x[j] = s1 * Float(((a & 15) | (c & 3) << 4) &- 32)
                unsafe x[j &+ 32] = s2 * Float(((b & 15) | (c & 12) << 2) &- 32)
                unsafe x[j &+ 64] = s3 * Float(((a >> 4) | (c & 48)) &- 32)
                unsafe x[j &+ 96] = s4 * Float(((b >> 4) | (c & 192) >> 2) &- 32)
            }
        }
    }
}
