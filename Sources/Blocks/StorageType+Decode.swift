// From stored blocks to floats: one checked entry, then one plain loop per type.

extension StorageType {
    /// Decodes whole blocks to the values GGML gives them, bit for bit.
    ///
    /// - Precondition: the type is decodable, `output` holds whole blocks, and `source` exactly their bytes.
    /// - Complexity: O(`output.count`); about 0.2 to 0.4 ns per value.
    public func decode(_ source: RawSpan, into output: inout MutableSpan<Float>) {
        precondition(
            isDecodable && byteCount(elements: output.count) == source.byteCount,
            "the bytes of a product's tile are whole blocks of a type that holds real values")
        let blocks = output.count / blockLength
        guard blocks > 0 else { return }
        unsafe source.withUnsafeBytes { bytes in
            unsafe output.withUnsafeMutableBufferPointer { floats in
                let from = unsafe bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
                unsafe decode(from, floats.baseAddress.unsafelyUnwrapped, blocks)
            }
        }
    }

    /// All values of `source` as an array.
    /// - Precondition: as `decode`.
    public func decoded(_ source: RawSpan) -> [Float] {
        let elements = source.byteCount / blockByteCount * blockLength
        return [Float](capacity: elements) { output in
            output.append(repeating: 0, count: elements)
            var span = output.mutableSpan
            decode(source, into: &span)
        }
    }

    @unsafe
    private func decode(_ from: Stored, _ to: Values, _ blocks: Int) {
        switch self {
        case .f32: unsafe UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: blocks * 4)
        case .f16: unsafe decodeF16(from, to, blocks)
        case .bf16: unsafe decodeBF16(from, to, blocks)
        case .q4_0: unsafe decodeQ4_0(from, to, blocks)
        case .q4_1: unsafe decodeQ4_1(from, to, blocks)
        case .q5_0: unsafe decodeQ5_0(from, to, blocks)
        case .q5_1: unsafe decodeQ5_1(from, to, blocks)
        case .q8_0: unsafe decodeQ8_0(from, to, blocks)
        case .q2_K: unsafe decodeQ2_K(from, to, blocks)
        case .q3_K: unsafe decodeQ3_K(from, to, blocks)
        case .q4_K: unsafe decodeQ4_K(from, to, blocks)
        case .q5_K: unsafe decodeQ5_K(from, to, blocks)
        case .q6_K: unsafe decodeQ6_K(from, to, blocks)
        case .iq4_nl: unsafe decodeIQ4_NL(from, to, blocks)
        case .iq4_xs: unsafe decodeIQ4_XS(from, to, blocks)
        case .tq1_0: unsafe decodeTQ1_0(from, to, blocks)
        case .tq2_0: unsafe decodeTQ2_0(from, to, blocks)
        case .i8, .i16, .i32, .i64, .f64: break
        }
    }
}

typealias Stored = UnsafePointer<UInt8>
typealias Values = UnsafeMutablePointer<Float>

/// The little-endian binary16 at `p`.
@unsafe @inline(__always)
func half(_ p: Stored) -> Float {
    unsafe float16ToFloat(UInt16(p[0]) | UInt16(p[1]) << 8)
}
