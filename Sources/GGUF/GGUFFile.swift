// GGUF, versions 2 and 3, little-endian:
//
//   "GGUF" | u32 version | u64 tensor count | u64 record count
//   records:  string key | u32 value type | value            (string: u64 length, bytes)
//   tensors:  string name | u32 dimension count | u64 each | u32 storage type | u64 data offset
//   zeros up to a multiple of general.alignment (32 when absent), then the tensors' data
//
// The whole of it is checked before anything is handed out.

public import Blocks
public import Bytes

/// A metadata entry, and the bytes it was read from (key length, key, type, value).
public struct GGUFRecord: Sendable {
    public let key: String
    public let value: GGUFValue
    public let rawBytes: ByteRegion
}

/// Where a tensor lies and how it is stored.
public struct GGUFTensor: Sendable, Equatable {
    public let name: String
    public let type: StorageType
    /// In file order: the length of a row first.
    public let dimensions: [Int]
    /// Of the first byte, in the file.
    public let offset: Int
    public let byteCount: Int
    public let elementCount: Int
}

/// A parsed container over mapped bytes.
public struct GGUFFile: Sendable {
    public static let deepestArray = 4

    /// The mapped file, when it came from a path.
    public let file: MappedFile?
    /// All bytes of the container.
    public let region: ByteRegion
    public let version: UInt32
    public let alignment: Int
    public let dataOffset: Int
    public let records: [GGUFRecord]
    public let tensors: [GGUFTensor]
    private let recordIndex: [String: Int]
    private let tensorIndex: [String: Int]

    /// - Parameter copying: whether to hold the file in memory of this process alone instead of mapping it.
    /// - Throws: `BytesError` when the file cannot be mapped, `GGUFError` when it is not a sound container.
    public init(path: String, copying: Bool = false) throws {
        let file = try MappedFile(path: path, copying: copying)
        do {
            try self.init(file: file, region: file.region)
        } catch {
            try file.checkWhole()
            throw error
        }
        try file.checkWhole()
    }

    /// - Throws: `BytesError.cut` where the file was cut while it was mapped; see ``MappedFile/checkWhole()``.
    public func checkWhole() throws(BytesError) { try file?.checkWhole() }

    public init(parsing region: ByteRegion) throws(GGUFError) {
        try self.init(file: nil, region: region)
    }

    private init(file: MappedFile?, region: ByteRegion) throws(GGUFError) {
        self.file = file
        self.region = region
        var cursor = ByteCursor(region)
        guard region.byteCount >= 4, try cursor.take(4).array == Array("GGUF".utf8) else { throw .notGGUF }
        version = try cursor.number()
        if version & 0xFFFF == 0, version != 0 { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .unsupportedVersion(version) }
        let tensorCount: UInt64 = try cursor.number()
        let recordCount: UInt64 = try cursor.number()
        // The least a record takes is 14 bytes, a tensor's entry 33.
        guard recordCount <= UInt64(cursor.remaining / 14) else {
            throw .implausibleCount(what: "records", count: recordCount, offset: 16)
        }
        guard tensorCount <= UInt64(cursor.remaining / 33) else {
            throw .implausibleCount(what: "tensors", count: tensorCount, offset: 8)
        }
        (records, recordIndex) = try Self.records(&cursor, Int(recordCount))
        alignment = try Self.alignment(recordIndex["general.alignment"].map { [records] in records[$0].value })
        let entries = try TensorEntry.read(&cursor, Int(tensorCount))
        let (padded, overflow) = cursor.offset.addingReportingOverflow(alignment - 1)
        dataOffset = overflow ? Int.max : padded & ~(alignment - 1)
        (tensors, tensorIndex) = try TensorEntry.place(
            entries, alignment: alignment, dataOffset: dataOffset, fileByteCount: region.byteCount)
    }

    public subscript(key: String) -> GGUFValue? { recordIndex[key].map { records[$0].value } }

    public func tensor(named name: String) -> GGUFTensor? { tensorIndex[name].map { tensors[$0] } }

    /// The tensor's stored bytes.
    /// - Precondition: `tensor` is one of this file's.
    public func region(of tensor: GGUFTensor) -> ByteRegion {
        guard let bytes = try? region.subregion(offset: tensor.offset, byteCount: tensor.byteCount) else {
            preconditionFailure("the tensor belongs to another file")
        }
        return bytes
    }

    /// Everything before the tensors' data: all records, whether sealed or not, and the table of tensors.
    public var header: ByteRegion {
        (try? region.subregion(offset: 0, byteCount: min(dataOffset, region.byteCount))) ?? region
    }

    /// Where the last tensor's data ends, before any padding; `dataOffset` when there are none.
    public var tensorDataEnd: Int { tensors.map { $0.offset + $0.byteCount }.max() ?? dataOffset }

    private static func records(
        _ cursor: inout ByteCursor, _ count: Int
    ) throws(GGUFError) -> ([GGUFRecord], [String: Int]) {
        var records: [GGUFRecord] = []
        var index: [String: Int] = [:]
        for position in 0..<count {
            let start = cursor
            let key = try cursor.name()
            let value = try cursor.value(try cursor.valueType(key: key), key: key, depth: 0)
            var whole = start
            let raw = try whole.take(cursor.offset - start.offset)
            guard index.updateValue(position, forKey: key) == nil else { throw .duplicateKey(key) }
            records.append(GGUFRecord(key: key, value: value, rawBytes: raw))
        }
        return (records, index)
    }

    /// The alignment that the record's value states; 32 without one.
    static func alignment(_ value: GGUFValue?) throws(GGUFError) -> Int {
        guard let value else { return 32 }
        guard case .uint32(let stated) = value, stated > 0, stated & (stated - 1) == 0 else {
            throw .invalidAlignment("\(value)")
        }
        return Int(stated)
    }
}
