// Four bits that index a fixed table of values, and ternary digits.

/// What the sixteen codes of IQ4_NL and IQ4_XS stand for.
@inline(__always)
private func codebook() -> InlineArray<16, Float> {
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
}

/// `d: f16, q: 16 bytes as in Q4_0`; value = d table[q]
@unsafe
func decodeIQ4_NL(_ from: Stored, _ to: Values, _ blocks: Int) {
    let table = codebook()
    for block in 0..<blocks {
        let p = unsafe from + block &* 18
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        for j in 0..<16 {
            let q = unsafe Int(p[2 &+ j])
            unsafe x[j] = d * table[q & 15]
            unsafe x[j &+ 16] = d * table[q >> 4]
        }
    }
}

/// `d: f16, high: u16 (8 x 2 bits), low: 4 bytes (8 x 4 bits), q: 8 x 16 bytes`; value = d (s - 32) table[q]
@unsafe
func decodeIQ4_XS(_ from: Stored, _ to: Values, _ blocks: Int) {
    let table = codebook()
    for block in 0..<blocks {
        let p = unsafe from + block &* 136
        let d = unsafe half(p)
        let high = unsafe Int32(p[2]) | Int32(p[3]) << 8
        for part in 0..<8 {
            let low = unsafe Int32(p[4 &+ (part >> 1)] &>> UInt8(4 &* (part & 1))) & 15
            let scale = d * Float((low | (high &>> Int32(2 &* part) & 3) << 4) &- 32)
            let q = unsafe p + (8 &+ part &* 16)
            let x = unsafe to + (block &* 256 &+ part &* 32)
            for j in 0..<16 {
                let byte = unsafe Int(q[j])
                unsafe x[j] = scale * table[byte & 15]
                unsafe x[j &+ 16] = scale * table[byte >> 4]
            }
        }
    }
}

/// `q: 48 bytes, h: 4 bytes, d: f16`: a byte is a fraction of 256 whose leading ternary digits are the values + 1.
///
/// 32 bytes hold five digits each, then 16 bytes five each, then `h` four each; value = (digit - 1) d
@unsafe
func decodeTQ1_0(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 54
        let d = unsafe half(p + 52)
        var x = unsafe to + block &* 256
        for (start, width, digits) in [(0, 32, 5), (32, 16, 5), (48, 4, 4)] {
            var power: UInt8 = 1
            for _ in 0..<digits {
                for j in 0..<width {
                    let shifted = unsafe p[start &+ j] &* power
                    unsafe x[j] = Float(((Int32(shifted) &* 3) >> 8) &- 1) * d
                }
                power = power &* 3
                unsafe x += width
            }
        }
    }
}

/// `q: 64 x 4 of 2 bits, d: f16`; value = (q - 1) d
@unsafe
func decodeTQ2_0(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 66
        let d = unsafe half(p + 64)
        for part in 0..<8 {
            let q = unsafe p + (part >> 2) &* 32
            let shift = Int32(truncatingIfNeeded: 2 &* (part & 3))
            let x = unsafe to + (block &* 256 &+ part &* 32)
            for j in 0..<32 {
                unsafe x[j] = Float(((Int32(q[j]) &>> shift) & 3) &- 1) * d
            }
        }
    }
}
