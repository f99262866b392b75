public import Bytes

/// An array value; its elements stay where they are until someone asks.
public struct GGUFArray: Sendable, Equatable {
    public let elementType: GGUFValueType
    public let count: Int
    /// The elements as stored, after the count.
    public let payload: ByteRegion

    init(elementType: GGUFValueType, count: Int, payload: ByteRegion) {
        self.elementType = elementType
        self.count = count
        self.payload = payload
    }

    public init(bytes: [UInt8]) {
        self.init(elementType: .uint8, count: bytes.count, payload: ByteRegion(bytes))
    }

    public init(strings: [[UInt8]]) {
        var writer = ByteWriter()
        for text in strings {
            writer.append(UInt64(text.count))
            writer.append(text)
        }
        self.init(elementType: .string, count: strings.count, payload: ByteRegion(writer.bytes))
    }

    public init(int32 values: [Int32]) {
        var writer = ByteWriter(capacity: values.count * 4)
        for value in values { writer.append(value) }
        self.init(elementType: .int32, count: values.count, payload: ByteRegion(writer.bytes))
    }

    public init(float32 values: [Float]) {
        var writer = ByteWriter(capacity: values.count * 4)
        for value in values { writer.append(value) }
        self.init(elementType: .float32, count: values.count, payload: ByteRegion(writer.bytes))
    }

    public static func == (a: GGUFArray, b: GGUFArray) -> Bool {
        a.elementType == b.elementType && a.count == b.count && a.payload.hasSameBytes(as: b.payload)
    }

    /// The bytes of each string, which need not be UTF-8 (a token can be part of a character).
    public func strings() throws(GGUFError) -> [[UInt8]] {
        guard elementType == .string else { throw mismatch("strings") }
        var cursor = ByteCursor(payload)
        var all: [[UInt8]] = []
        all.reserveCapacity(count)
        for _ in 0..<count { all.append(try cursor.text().array) }
        return all
    }

    /// The bytes of all strings, one after the other, and where each ends: for tables of many short ones.
    public func joinedStrings() throws(GGUFError) -> (bytes: [UInt8], ends: [Int]) {
        guard elementType == .string else { throw mismatch("strings") }
        var cursor = ByteCursor(payload)
        var bytes: [UInt8] = []
        var ends: [Int] = []
        bytes.reserveCapacity(max(0, payload.byteCount - 8 * count))
        ends.reserveCapacity(count)
        for _ in 0..<count {
            try cursor.text().append(to: &bytes)
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    /// The elements of any integer type.
    public func integers() throws(GGUFError) -> [Int] {
        var all: [Int] = []
        all.reserveCapacity(count)
        try forEachScalar { (value) throws(GGUFError) in
            guard let integer = value.asInt else { throw mismatch("integers") }
            all.append(integer)
        }
        return all
    }

    /// The elements of a float type.
    public func floats() throws(GGUFError) -> [Float] {
        var all: [Float] = []
        all.reserveCapacity(count)
        try forEachScalar { (value) throws(GGUFError) in
            guard let float = value.asFloat else { throw mismatch("floats") }
            all.append(float)
        }
        return all
    }

    /// The elements of a u8 array.
    public func bytes() throws(GGUFError) -> [UInt8] {
        guard elementType == .uint8 else { throw mismatch("bytes") }
        return payload.array
    }

    private func forEachScalar(_ body: (GGUFValue) throws(GGUFError) -> Void) throws(GGUFError) {
        guard elementType.byteCount != nil else { throw mismatch("numbers") }
        var cursor = ByteCursor(payload)
        for _ in 0..<count { try body(try cursor.value(elementType, key: "", depth: 0)) }
    }

    private func mismatch(_ expected: String) -> GGUFError {
        .wrongElementType(expected: expected, got: "\(elementType)")
    }
}
