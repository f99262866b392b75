import Blocks
import TestSupport
import Testing

@Suite struct EncodeTests {
    static func normals(_ count: Int, seed: UInt64, spread: Float = 0.02) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in generator.normal() * spread }
    }

    static func relativeError(_ type: StorageType, _ effort: EncodingEffort) throws -> Float {
        let values = normals(256 * 64, seed: 7)
        let stored = try type.encode(values.span, effort: effort)
        let back = stored.withUnsafeBytes { type.decoded($0.bytes) }
        let error = zip(values, back).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (error / values.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }

    /// Bounds a little above what normal values give; a bit less in the scales would break them.
    @Test(
        arguments: [
            (StorageType.f32, 0), (.f16, 0.0004), (.bf16, 0.003), (.q8_0, 0.007), (.q6_K, 0.02), (.q4_K, 0.08),
            (.q4_0, 0.1),
        ] as [(StorageType, Float)])
    func `encoding loses no more than the type must`(type: StorageType, bound: Float) throws {
        let best = try Self.relativeError(type, .best)
        #expect(best <= bound, "\(type.name): \(best)")
        #expect(try Self.relativeError(type, .fast) <= bound * 1.3 + 0.0001)
        #expect(try best <= Self.relativeError(type, .fast))
    }

    @Test(arguments: [StorageType.f32, .f16, .bf16, .q4_0, .q8_0, .tq1_0, .tq2_0])
    func `encoding what was decoded changes nothing`(type: StorageType) throws {
        // Q4_0 only where its scale is a normal binary16: below, the extreme no longer lands on -8 and a second
        // encoding picks another scale.
        for spread in type == .q4_0 ? [Float(0.02), 100] : [1e-7, 0.02, 100] {
            let first = try type.encode(Self.normals(4096, seed: 11, spread: spread).span)
            let values = first.withUnsafeBytes { type.decoded($0.bytes) }
            let second = try type.encode(values.span)
            let again = second.withUnsafeBytes { type.decoded($0.bytes) }
            let changed = zip(values, again).count { $0 != $1 }
            #expect(changed == 0)
            if spread > 1e-6 { #expect((first == second) as Bool) }
        }
    }

    @Test(arguments: StorageType.allCases.filter(\.isEncodable))
    func `zeros stay zeros`(type: StorageType) throws {
        let zeros = [Float](repeating: 0, count: 256)
        #expect(try type.encode(zeros.span).withUnsafeBytes { type.decoded($0.bytes) } == zeros)
    }

    @Test func `values that cannot be stored are named`() {
        var values = [Float](repeating: 1, count: 256)
        values[9] = .nan
        #expect(throws: BlocksError.notFinite(index: 9, type: .q4_K)) { try StorageType.q4_K.encode(values.span) }
        values[9] = 1e9
        #expect(throws: BlocksError.outOfRange(index: 9, value: 1e9, type: .q6_K)) {
            try StorageType.q6_K.encode(values.span)
        }
        #expect(throws: BlocksError.notEncodable(type: .q2_K)) { try StorageType.q2_K.encode(values.span) }
        let few = [Float](repeating: 1, count: 33)
        #expect(throws: BlocksError.notWholeBlocks(type: .q8_0, elements: 33)) { try StorageType.q8_0.encode(few.span) }
    }
}
