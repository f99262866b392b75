extension ByteRegion {
    /// Reads little-endian f32 values into `output`.
    ///
    /// - Returns: the index of the first value that is infinite or no number; nil when all are finite.
    /// - Precondition: the region holds exactly four bytes for each element of `output`.
    @discardableResult
    public func readFloats(into output: inout MutableSpan<Float>) -> Int? {
        precondition(byteCount == output.count * 4, "\(byteCount) bytes for \(output.count) floats")
        return withBytes { bytes in
            var bad: Int?
            for index in 0..<output.count {
                let bits = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* 4, as: UInt32.self)
                let value = Float(bitPattern: UInt32(littleEndian: bits))
                if !value.isFinite, bad == nil { bad = index }
                output[index] = value
            }
            return bad
        }
    }

    /// The index of the first little-endian f32 value that is infinite or no number; nil when all are finite.
    ///
    /// - Precondition: the region holds a whole number of values.
    public var firstNonFiniteFloat: Int? {
        precondition(byteCount % 4 == 0, "\(byteCount) bytes are no whole number of floats")
        return withBytes { bytes in
            (0..<byteCount / 4).first { index in
                let bits = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index &* 4, as: UInt32.self)
                return !Float(bitPattern: UInt32(littleEndian: bits)).isFinite
            }
        }
    }
}

extension FileSink {
    /// Writes f32 values, little-endian.
    public func write(_ values: Span<Float>) throws(BytesError) {
        #if _endian(little)
            try unsafe write(values.bytes)
        #else
            var writer = ByteWriter(capacity: values.count * 4)
            for index in 0..<values.count { writer.append(values[index]) }
            try write(writer.bytes)
        #endif
    }
}

extension ByteWriter {
    /// Appends f32 values, little-endian.
    public mutating func append(_ values: Span<Float>) {
        #if _endian(little)
            unsafe append(values.bytes)
        #else
            for index in 0..<values.count { append(values[index]) }
        #endif
    }
}
