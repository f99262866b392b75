import Blocks
import Bytes
import GGUF
import TestSupport
import Testing

@Suite struct GGUFFileTests {
    static let realFiles = [
        Repository.reference("quants.gguf"), Repository.reference("qwen2-tied-f32.gguf"),
        Repository.reference("qwen2-tied-q4_k_m.gguf"), Repository.reference("qwen2-untied-q4_0.gguf"),
        Repository.checkpoint("nano-q4_k_m.gguf"),
    ]

    @Test(arguments: realFiles)
    func `a real file written again from its parts is the same file`(path: String) throws {
        let file = try GGUFFile(path: path)
        var writer = GGUFWriter()
        for record in file.records { writer.add(record) }
        for tensor in file.tensors {
            writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: file.region(of: tensor))
        }
        let folder = TemporaryFolder()
        try writer.write(to: folder.path("copy.gguf"))
        #expect(try MappedFile(path: folder.path("copy.gguf")).region.hasSameBytes(as: file.region))
        #expect(try writer.byteCount() == file.region.byteCount)
        #expect(folder.names == ["copy.gguf"])
    }

    static func sample() throws -> [UInt8] {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        writer.add("general.alignment", .uint32(64))
        writer.add("a.flag", .bool(true))
        writer.add("a.numbers", .array(GGUFArray(int32: [1, -2, 3])))
        writer.add("a.words", .array(GGUFArray(strings: [Array("ab".utf8), [0xFF]])))
        writer.add("a.real", .float32(0.5))
        writer.add(tensor: "x", .f32, [4, 2], bytes: [UInt8](repeating: 1, count: 32))
        writer.add(tensor: "y", .q4_0, [32], bytes: [UInt8](repeating: 2, count: 18))
        return try writer.serialized()
    }

    @Test func `values and tensors come back as written`() throws {
        let file = try GGUFFile(parsing: ByteRegion(Self.sample()))
        #expect(file.alignment == 64)
        #expect(file["a.flag"]?.asBool == true)
        #expect(file["a.real"]?.asFloat == 0.5)
        #expect(try file["a.numbers"]?.asArray?.integers() == [1, -2, 3])
        #expect(try file["a.words"]?.asArray?.strings() == [[97, 98], [0xFF]])
        #expect(throws: GGUFError.wrongElementType(expected: "bytes", got: "int32")) {
            try file["a.numbers"]?.asArray?.bytes()
        }
        let y = try #require(file.tensor(named: "y"))
        #expect(y.offset % 64 == 0 && file.region(of: y).array == [UInt8](repeating: 2, count: 18))
    }

    @Test func `every truncation is refused, never a crash`() throws {
        let whole = try Self.sample()
        let end = try GGUFFile(parsing: ByteRegion(whole)).tensorDataEnd
        for length in 0..<end {
            #expect(throws: GGUFError.self) { try GGUFFile(parsing: ByteRegion(Array(whole[..<length]))) }
        }
    }

    @Test func `four thousand seeded mutations parse or are refused`() throws {
        let whole = try Self.sample()
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<4_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                    [
                        0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &generator),
                    ].randomElement(using: &generator) ?? 0
            }
            guard let file = try? GGUFFile(parsing: ByteRegion(bytes)) else { continue }
            for tensor in file.tensors { #expect(file.region(of: tensor).byteCount == tensor.byteCount) }
            for record in file.records { _ = try? record.value.asArray?.strings() }
        }
    }

    struct BadFile: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let error: GGUFError
        let bytes: @Sendable () throws -> [UInt8]
    }

    /// A header with one tensor entry, whose data would be 32 zeros.
    static func header(
        version: UInt32 = 3, tensors: [(name: String, dimensions: [UInt64], type: UInt32, offset: UInt64)] = [],
        records: [(ByteWriter) -> ByteWriter] = [], counts: (UInt64, UInt64)? = nil
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(utf8: "GGUF")
        writer.append(version)
        writer.append(counts?.0 ?? UInt64(tensors.count))
        writer.append(counts?.1 ?? UInt64(records.count))
        for record in records { writer = record(writer) }
        for tensor in tensors {
            writer.append(UInt64(tensor.name.utf8.count))
            writer.append(utf8: tensor.name)
            writer.append(UInt32(tensor.dimensions.count))
            for length in tensor.dimensions { writer.append(length) }
            writer.append(tensor.type)
            writer.append(tensor.offset)
        }
        writer.pad(toMultipleOf: 32)
        writer.append([UInt8](repeating: 0, count: 64))
        return writer.bytes
    }

    static func record(_ key: String, type: UInt32, _ payload: [UInt8]) -> (ByteWriter) -> ByteWriter {
        {
            var writer = $0
            writer.append(UInt64(key.utf8.count))
            writer.append(utf8: key)
            writer.append(type)
            writer.append(payload)
            return writer
        }
    }

    static let badFiles: [BadFile] = [
        BadFile(testDescription: "empty", error: .notGGUF) { [] },
        BadFile(testDescription: "another format", error: .notGGUF) { Array("PK and more".utf8) },
        BadFile(testDescription: "big-endian", error: .bigEndian) { header(version: UInt32(3).byteSwapped) },
        BadFile(testDescription: "version 1", error: .unsupportedVersion(1)) { header(version: 1) },
        BadFile(testDescription: "version 4", error: .unsupportedVersion(4)) { header(version: 4) },
        BadFile(testDescription: "records", error: .implausibleCount(what: "records", count: .max, offset: 16)) {
            header(counts: (0, .max))
        },
        BadFile(testDescription: "tensors", error: .implausibleCount(what: "tensors", count: .max, offset: 8)) {
            header(counts: (.max, 0))
        },
        BadFile(testDescription: "value type", error: .unknownValueType(13, key: "k", offset: 33)) {
            header(records: [record("k", type: 13, [])])
        },
        BadFile(testDescription: "truth value", error: .invalidBool(2, offset: 37)) {
            header(records: [record("k", type: 7, [2])])
        },
        BadFile(testDescription: "key twice", error: .duplicateKey("k")) {
            header(records: [record("k", type: 7, [1]), record("k", type: 7, [1])])
        },
        BadFile(testDescription: "a key of marks", error: .tooManyMarks(offset: 24)) {
            header(records: [record("a" + String(repeating: "\u{301}\u{323}", count: 600), type: 7, [1])])
        },
        BadFile(testDescription: "alignment", error: .invalidAlignment("uint32(3)")) {
            header(records: [record("general.alignment", type: 4, [3, 0, 0, 0])])
        },
        BadFile(testDescription: "nested arrays", error: .nestedTooDeep(key: "k", offset: 85)) {
            let level: [UInt8] = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
            return header(records: [record("k", type: 9, level + level + level + level + level)])
        },
        BadFile(testDescription: "type 99", error: .unsupportedStorageType(number: 99, tensor: "t")) {
            header(tensors: [("t", [4], 99, 0)])
        },
        BadFile(testDescription: "no rows", error: .invalidDimensions(tensor: "t", reason: "has a dimension of 0")) {
            header(tensors: [("t", [4, 0], 0, 0)])
        },
        BadFile(
            testDescription: "five dimensions",
            error: .invalidDimensions(tensor: "t", reason: "has 5 dimensions, not 1 to 4")
        ) { header(tensors: [("t", [1, 1, 1, 1, 1], 0, 0)]) },
        BadFile(
            testDescription: "overflow",
            error: .invalidDimensions(tensor: "t", reason: "has too many elements to count")
        ) { header(tensors: [("t", [1 << 40, 1 << 40], 0, 0)]) },
        BadFile(testDescription: "tensor twice", error: .duplicateTensor("t")) {
            header(tensors: [("t", [4], 0, 0), ("t", [4], 0, 32)])
        },
        BadFile(testDescription: "misaligned", error: .misalignedTensor("t", offset: 4, alignment: 32)) {
            header(tensors: [("t", [4], 0, 4)])
        },
        BadFile(
            testDescription: "out of file",
            error: .tensorOutOfFile("t", offset: UInt64.max - 31, byteCount: 16, available: 64)
        ) { header(tensors: [("t", [4], 0, UInt64.max - 31)]) },
        BadFile(testDescription: "overlap", error: .overlappingTensors("t", "u")) {
            header(tensors: [("t", [12], 0, 0), ("u", [4], 0, 32)])
        },
    ]

    @Test(arguments: badFiles)
    func `a bad file is refused with its own error`(bad: BadFile) throws {
        #expect(throws: bad.error) { try GGUFFile(parsing: ByteRegion(bad.bytes())) }
    }
}
