/// Collects little-endian values into an array of bytes.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    public var byteCount: Int { bytes.count }

    public mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        var rest = value
        for _ in 0..<Value.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = Value.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    public mutating func append(_ value: Float) { append(value.bitPattern) }
    public mutating func append(_ value: Double) { append(value.bitPattern) }
    public mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    public mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }
    public mutating func append(utf8 text: String) { bytes.append(contentsOf: text.utf8) }

    public mutating func append(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    public mutating func append(_ region: ByteRegion) {
        region.withBytes { append($0) }
    }

    /// Appends zeros until the count is a multiple of `alignment`.
    /// - Precondition: `alignment` is positive.
    public mutating func pad(toMultipleOf alignment: Int) {
        precondition(alignment > 0, "an alignment is positive")
        let excess = bytes.count % alignment
        if excess != 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - excess)) }
    }
}
