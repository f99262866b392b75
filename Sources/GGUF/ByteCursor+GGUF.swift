import Bytes

extension ByteCursor {
    mutating func number<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(GGUFError) -> Value {
        do throws(BytesError) { return try read() } catch { throw GGUFError(error) }
    }

    mutating func take(_ count: Int) throws(GGUFError) -> ByteRegion {
        do throws(BytesError) { return try readRegion(count) } catch { throw GGUFError(error) }
    }

    /// The bytes of a length-prefixed string.
    mutating func text() throws(GGUFError) -> ByteRegion {
        try take(try textLength())
    }

    mutating func skipText() throws(GGUFError) {
        let length = try textLength()
        do throws(BytesError) { try skip(length) } catch { throw GGUFError(error) }
    }

    private mutating func textLength() throws(GGUFError) -> Int {
        let length: UInt64 = try number()
        guard length <= UInt64(remaining) else {
            throw .truncated(offset: offset, needed: Int(clamping: length), available: remaining)
        }
        return Int(length)
    }

    /// A length-prefixed string that must be UTF-8.
    mutating func validText() throws(GGUFError) -> String {
        let start = offset
        guard let text = String(validating: try text().array, as: UTF8.self) else { throw .invalidText(offset: start) }
        guard !CombiningMarks.areTooMany(in: text) else { throw .tooManyMarks(offset: start) }
        return text
    }

    mutating func name() throws(GGUFError) -> String {
        let start = offset
        let name = try validText()
        guard !name.isEmpty else { throw .emptyName(offset: start) }
        return name
    }

    mutating func valueType(key: String) throws(GGUFError) -> GGUFValueType {
        let start = offset
        let raw: UInt32 = try number()
        guard let type = GGUFValueType(rawValue: raw) else { throw .unknownValueType(raw, key: key, offset: start) }
        return type
    }

    mutating func value(_ type: GGUFValueType, key: String, depth: Int) throws(GGUFError) -> GGUFValue {
        switch type {
        case .uint8: return .uint8(try number())
        case .int8: return .int8(try number())
        case .uint16: return .uint16(try number())
        case .int16: return .int16(try number())
        case .uint32: return .uint32(try number())
        case .int32: return .int32(try number())
        case .uint64: return .uint64(try number())
        case .int64: return .int64(try number())
        case .float32: return .float32(Float(bitPattern: try number()))
        case .float64: return .float64(Double(bitPattern: try number()))
        case .string: return .string(try validText())
        case .array: return .array(try array(key: key, depth: depth))
        case .bool:
            let byte: UInt8 = try number()
            guard byte <= 1 else { throw .invalidBool(byte, offset: offset - 1) }
            return .bool(byte == 1)
        }
    }

    private mutating func array(key: String, depth: Int) throws(GGUFError) -> GGUFArray {
        guard depth < GGUFFile.deepestArray else { throw .nestedTooDeep(key: key, offset: offset) }
        let type = try valueType(key: key)
        let countOffset = offset
        let rawCount: UInt64 = try number()
        // A string takes at least 8 bytes, an array 12.
        let least = type.byteCount ?? (type == .string ? 8 : 12)
        guard rawCount <= UInt64(remaining / least) else {
            throw .implausibleCount(what: "elements of key '\(escaped(key))'", count: rawCount, offset: countOffset)
        }
        let count = Int(rawCount)
        var walker = self
        if let width = type.byteCount {
            _ = try walker.take(count * width)
        } else {
            for _ in 0..<count {
                if type == .string { try walker.skipText() } else { _ = try walker.array(key: key, depth: depth + 1) }
            }
        }
        return GGUFArray(elementType: type, count: count, payload: try take(walker.offset - offset))
    }
}
