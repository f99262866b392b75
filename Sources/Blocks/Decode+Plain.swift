// 16-bit floats, and the types with one scale per block of 32. `d` scale, `m` minimum, `q` stored integer.

@unsafe
func decodeF16(_ from: Stored, _ to: Values, _ count: Int) {
    let raw = unsafe UnsafeRawPointer(from)
    for i in 0..<count {
        unsafe to[i] = float16ToFloat(
            UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)))
    }
}

@unsafe
func decodeBF16(_ from: Stored, _ to: Values, _ count: Int) {
    let raw = unsafe UnsafeRawPointer(from)
    for i in 0..<count {
        unsafe to[i] = bfloat16ToFloat(
            UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)))
    }
}

/// `d: f16, q: 16 x (low nibble: value j, high nibble: value j+16)`; value = (q - 8) d
@unsafe
func decodeQ4_0(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 18
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        for j in 0..<16 {
            let q = unsafe Int32(p[2 &+ j])
            unsafe x[j] = Float((q & 15) &- 8) * d
            unsafe x[j &+ 16] = Float((q >> 4) &- 8) * d
        }
    }
}

/// `d: f16, m: f16, q: 16 bytes as in Q4_0`; value = q d + m
@unsafe
func decodeQ4_1(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 20
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        let m = unsafe half(p + 2)
        for j in 0..<16 {
            let q = unsafe Int32(p[4 &+ j])
            unsafe x[j] = Float(q & 15) * d + m
            unsafe x[j &+ 16] = Float(q >> 4) * d + m
        }
    }
}

/// `d: f16, h: u32 (fifth bits), q: 16 bytes as in Q4_0`; value = (q - 16) d
@unsafe
func decodeQ5_0(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 22
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        let h = unsafe Int32(littleEndian: UnsafeRawPointer(p + 2).loadUnaligned(as: Int32.self))
        for j in 0..<16 {
            let q = unsafe Int32(p[6 &+ j])
            let shift = Int32(truncatingIfNeeded: j)
            unsafe x[j] = Float(((q & 15) | ((h &>> shift) << 4 & 16)) &- 16) * d
            unsafe x[j &+ 16] = Float(((q >> 4) | ((h &>> (shift &+ 12)) & 16)) &- 16) * d
        }
    }
}

/// `d: f16, m: f16, h: u32, q: 16 bytes`; value = q d + m
@unsafe
func decodeQ5_1(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 24
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        let m = unsafe half(p + 2)
        let h = unsafe Int32(littleEndian: UnsafeRawPointer(p + 4).loadUnaligned(as: Int32.self))
        for j in 0..<16 {
            let q = unsafe Int32(p[8 &+ j])
            let shift = Int32(truncatingIfNeeded: j)
            unsafe x[j] = Float((q & 15) | ((h &>> shift) << 4 & 16)) * d + m
            unsafe x[j &+ 16] = Float((q >> 4) | ((h &>> (shift &+ 12)) & 16)) * d + m
        }
    }
}

/// `d: f16, q: 32 x i8`; value = q d
@unsafe
func decodeQ8_0(_ from: Stored, _ to: Values, _ blocks: Int) {
    for block in 0..<blocks {
        let p = unsafe from + block &* 34
        let x = unsafe to + block &* 32
        let d = unsafe half(p)
        for j in 0..<32 {
            unsafe x[j] = Float(Int32(Int8(bitPattern: p[2 &+ j]))) * d
        }
    }
}
