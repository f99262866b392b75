import Blocks
import TestSupport
import Testing

@Suite struct EncodeTernaryTests {
    static let types: [StorageType] = [.tq1_0, .tq2_0]

    static func decoded(_ type: StorageType, _ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { type.decoded($0.bytes) }
    }

    /// The least relative error that any scale and any digits reach, by trying many scales.
    static func leastError(_ values: [Float]) -> Double {
        let squares = values.reduce(0) { $0 + Double($1) * Double($1) }
        let extreme = Double(values.map(abs).max() ?? 0)
        let errors = (1...2_000).map { step in
            let scale = extreme * Double(step) / 2_000
            return values.reduce(0) { sum, value in
                let miss = abs(Double(value)) > scale / 2 ? abs(Double(value)) - scale : Double(value)
                return sum + miss * miss
            }
        }
        return ((errors.min() ?? 0) / squares).squareRoot()
    }

    @Test(arguments: types, [1, 7, 12, 99] as [UInt64])
    func `no scale would have lost less`(type: StorageType, seed: UInt64) throws {
        let values = EncodeTests.normals(256, seed: seed)
        let back = Self.decoded(type, try type.encode(values.span))
        let squares = values.reduce(0) { $0 + Double($1) * Double($1) }
        let error = zip(values, back).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        // The scale is rounded to binary16: a little above the best.
        #expect((error / squares).squareRoot() <= Self.leastError(values) * 1.001)
    }

    @Test(arguments: types, [EncodingEffort.best, .fast])
    func `every combination of five digits comes back`(type: StorageType, effort: EncodingEffort) throws {
        // TQ1_0 keeps digits of one byte 32, 16 or 4 values apart; every number of five digits meets every group.
        for shift in 0..<32 {
            var values = [Float](repeating: 0, count: 256)
            for (start, width, digits) in [(0, 32, 5), (160, 16, 5), (240, 4, 4)] {
                for j in 0..<width {
                    var number = (j + width * shift) % (digits == 5 ? 243 : 81)
                    for digit in (0..<digits).reversed() {
                        values[start + digit * width + j] = Float(number % 3 - 1) * 0.5
                        number /= 3
                    }
                }
            }
            #expect(Self.decoded(type, try type.encode(values.span, effort: effort)) == values)
        }
    }

    @Test func `both types hold the same values`() throws {
        let values = EncodeTests.normals(256 * 16, seed: 3)
        let decoded = try Self.types.map { Self.decoded($0, try $0.encode(values.span)) }
        #expect((decoded[0] == decoded[1]) as Bool)
    }

    @Test(arguments: types) func `a lone value decides the scale and comes back`(type: StorageType) throws {
        // One non-zero value decides the scale; least squares finds the same.
        var values = [Float](repeating: 0, count: 256)
        values[200] = -0.25
        for effort in [EncodingEffort.fast, .best] {
            #expect(Self.decoded(type, try type.encode(values.span, effort: effort)) == values)
        }
    }

    @Test func `a value without a binary16 scale is refused`() throws {
        var values = [Float](repeating: 1, count: 256)
        values[3] = 70_000
        #expect(throws: BlocksError.outOfRange(index: 3, value: 70_000, type: .tq2_0)) {
            try StorageType.tq2_0.encode(values.span)
        }
    }
}
