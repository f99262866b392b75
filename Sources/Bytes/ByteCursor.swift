/// Reads little-endian values from bytes that nobody trusts; each read is checked against the end.
public struct ByteCursor: Sendable {
    public let region: ByteRegion
    /// Offset of the next byte, in `region`: 0 ... `region.byteCount`.
    public private(set) var offset = 0

    public init(_ region: ByteRegion) {
        self.region = region
    }

    public var remaining: Int { region.byteCount - offset }

    /// Takes `count` bytes as a region, without copying them.
    public mutating func readRegion(_ count: Int) throws(BytesError) -> ByteRegion {
        let taken = try region.subregion(offset: offset, byteCount: count)
        offset += count
        return taken
    }

    public mutating func readBytes(_ count: Int) throws(BytesError) -> [UInt8] {
        try readRegion(count).array
    }

    public mutating func skip(_ count: Int) throws(BytesError) {
        guard count >= 0, count <= remaining else {
            throw .outOfBounds(offset: offset, count: count, available: remaining)
        }
        offset += count
    }

    /// A fixed-width integer, little-endian, at any alignment.
    public mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(BytesError) -> Value {
        let width = MemoryLayout<Value>.size
        guard width <= remaining else { throw .outOfBounds(offset: offset, count: width, available: remaining) }
        let start = offset
        offset += width
        return region.withBytes { bytes in
            Value(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: Value.self))
        }
    }

    public mutating func readUInt8() throws(BytesError) -> UInt8 { try read() }
    public mutating func readUInt16() throws(BytesError) -> UInt16 { try read() }
    public mutating func readUInt32() throws(BytesError) -> UInt32 { try read() }
    public mutating func readUInt64() throws(BytesError) -> UInt64 { try read() }
    public mutating func readInt8() throws(BytesError) -> Int8 { try read() }
    public mutating func readInt16() throws(BytesError) -> Int16 { try read() }
    public mutating func readInt32() throws(BytesError) -> Int32 { try read() }
    public mutating func readInt64() throws(BytesError) -> Int64 { try read() }
    public mutating func readFloat32() throws(BytesError) -> Float { Float(bitPattern: try read()) }
    public mutating func readFloat64() throws(BytesError) -> Double { Double(bitPattern: try read()) }
}
