import Bytes

/// The types a value or an array's elements can have; raw values are the format's.
public enum GGUFValueType: UInt32, Sendable, CaseIterable {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// Stored bytes of one value; nil for strings and arrays, whose size varies.
    public var byteCount: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}

/// One metadata value.
public enum GGUFValue: Equatable, Sendable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)

    public var type: GGUFValueType {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        case .string: .string
        case .array: .array
        case .uint64: .uint64
        case .int64: .int64
        case .float64: .float64
        }
    }

    /// The value of any integer type, when it fits an `Int`.
    public var asInt: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(value)
        default: nil
        }
    }

    /// The value of a float type.
    public var asFloat: Float? {
        switch self {
        case .float32(let value): value
        case .float64(let value): Float(value)
        default: nil
        }
    }

    public var asString: String? { if case .string(let value) = self { value } else { nil } }
    public var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var asArray: GGUFArray? { if case .array(let value) = self { value } else { nil } }

    /// Appends the value as stored, without its type.
    func append(to writer: inout ByteWriter) {
        switch self {
        case .uint8(let value): writer.append(value)
        case .int8(let value): writer.append(value)
        case .uint16(let value): writer.append(value)
        case .int16(let value): writer.append(value)
        case .uint32(let value): writer.append(value)
        case .int32(let value): writer.append(value)
        case .uint64(let value): writer.append(value)
        case .int64(let value): writer.append(value)
        case .float32(let value): writer.append(value)
        case .float64(let value): writer.append(value)
        case .bool(let value): writer.append(UInt8(value ? 1 : 0))
        case .string(let text):
            writer.append(UInt64(text.utf8.count))
            writer.append(utf8: text)
        case .array(let array):
            writer.append(array.elementType.rawValue)
            writer.append(UInt64(array.count))
            writer.append(array.payload)
        }
    }
}
