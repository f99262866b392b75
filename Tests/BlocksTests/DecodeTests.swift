import Blocks
import Bytes
import GGUF
import TestSupport
import Testing

@Suite struct DecodeTests {
    static let fixture = StorageType.allCases.filter { $0.isDecodable && $0 != .f32 }

    @Test func `the fixture covers every decodable type but F32`() throws {
        let file = try GGUFFile(path: Repository.reference("quants.gguf"))
        let names = Set(file.tensors.map(\.name).filter { $0.hasPrefix("raw.") })
        #expect(names == Set(Self.fixture.map { "raw.\($0.name)" }))
        #expect(Self.fixture.count == 16)
    }

    @Test(arguments: fixture)
    func `stored blocks decode to the reference values bit for bit`(type: StorageType) throws {
        let file = try GGUFFile(path: Repository.reference("quants.gguf"))
        let raw = try #require(file.tensor(named: "raw.\(type.name)"))
        let expected = try #require(file.tensor(named: "expected.\(type.name)"))
        #expect(raw.type == type)
        let got = file.region(of: raw).withBytes { type.decoded($0) }
        let wanted = file.region(of: expected).withBytes { StorageType.f32.decoded($0) }
        #expect(got.count == 16 * 256)
        #expect(got.map(\.bitPattern) == wanted.map(\.bitPattern))
    }

    @Test func `half precision is exact for all 65536 bit patterns`() {
        var wrong = 0
        for bits in UInt16.min...UInt16.max {
            let value = float16ToFloat(bits)
            let reference = Float(Float16(bitPattern: bits))
            if value.isNaN != reference.isNaN || (!value.isNaN && value.bitPattern != reference.bitPattern) {
                wrong += 1
            }
            if !value.isNaN, floatToFloat16(value) != bits { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func `rounding to half precision agrees with the hardware type`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
            if value.isNaN { continue }
            #expect(floatToFloat16(value) == Float16(value).bitPattern, "\(value)")
        }
    }

    @Test func `byte counts refuse partial blocks and overflow`() {
        #expect(StorageType.q4_K.byteCount(elements: 256) == 144)
        #expect(StorageType.q4_K.byteCount(elements: 255) == nil)
        #expect(StorageType.f32.byteCount(elements: Int.max) == nil)
        #expect(StorageType.f32.byteCount(elements: -1) == nil)
    }
}
