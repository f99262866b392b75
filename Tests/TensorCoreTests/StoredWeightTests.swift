import Blocks
import Bytes
import TensorCore
import TestSupport
import Testing

/// Products on quantised weights against the same weights decoded.
@Suite struct StoredWeightTests {
    static let types = StorageType.allCases.filter(\.isDecodable)

    /// Seeded blocks of any type. Bytes below 0x40 keep every scale in them, of whatever float type, finite and small.
    static func stored(_ type: StorageType, outputs: Int, inputs: Int, seed: UInt64) throws -> LinearWeight {
        var generator = SeededGenerator(seed: seed)
        let count = try #require(type.byteCount(elements: outputs * inputs))
        let bytes = (0..<count).map { _ in UInt8.random(in: 0..<0x40, using: &generator) }
        return LinearWeight(stored: type, region: ByteRegion(bytes), outputs: outputs, inputs: inputs)
    }

    @Test(arguments: types)
    func `a product with stored weights is the product with the decoded ones`(type: StorageType) throws {
        let workers = Workers(count: 2)
        // Ragged on purpose: more than one tile each way, the last one cut, rows that are whole blocks.
        let (inputs, outputs) = (1_024 + 256, 141)
        let weight = try Self.stored(type, outputs: outputs, inputs: inputs, seed: 1)
        let values = weight.decoded().doubles
        for tokens in [1, 3] {
            let x = randomMatrix(tokens, inputs, seed: 2)
            let y = Matrix(rows: tokens, columns: outputs)
            linear(x, weight, bias: nil, into: y, workers: workers)
            let expected = Reference.linear(x.doubles, values, nil, outputs: outputs, inputs: inputs)
            #expect(distance(y.values, expected) < float32Tolerance)
            let dense = Matrix(rows: tokens, columns: outputs)
            linear(x, LinearWeight(dense: weight.decoded()), bias: nil, into: dense, workers: workers)
            #expect(dense.bits == y.bits)

            let (dx, denseDx) = (Matrix(rows: tokens, columns: inputs), Matrix(rows: tokens, columns: inputs))
            linearBackwardInput(y, weight, into: dx, workers: workers)
            linearBackwardInput(y, LinearWeight(dense: weight.decoded()), into: denseDx, workers: workers)
            #expect(dx.bits == denseDx.bits)
        }
    }

    @Test(arguments: types)
    func `a row is what the storage type decodes`(type: StorageType) throws {
        let weight = try Self.stored(type, outputs: 5, inputs: 512, seed: 3)
        let x = Matrix(rows: 3, columns: 512)
        embedding([4, 0, 4], weight, into: x)
        let values = weight.decoded().values
        #expect(x.values == Array(values[4 * 512..<5 * 512] + values[0..<512] + values[4 * 512..<5 * 512]))
    }

    @Test(arguments: [StorageType.f32, .q4_0])
    func `rows need not be multiples of 256`(type: StorageType) throws {
        let weight = try Self.stored(type, outputs: 9, inputs: 96, seed: 4)
        let dy = randomMatrix(2, 9, seed: 5)
        let (dx, dense) = (Matrix(rows: 2, columns: 96), Matrix(rows: 2, columns: 96))
        linearBackwardInput(dy, weight, into: dx, workers: Workers(count: 1))
        linearBackwardInput(dy, LinearWeight(dense: weight.decoded()), into: dense, workers: Workers(count: 1))
        #expect(dx.bits == dense.bits)
    }

    @Test(arguments: [StorageType.q4_0, .q4_K, .q6_K])
    func `the bits do not depend on the number of threads with stored weights either`(type: StorageType) throws {
        let weight = try Self.stored(type, outputs: 1_300, inputs: 512, seed: 6)
        let targets = randomTokens(5, vocabulary: 1_300, seed: 7)
        let results = [1, 2, 3].map { count -> [[UInt32]] in
            let workers = Workers(count: count)
            let x = randomMatrix(5, 512, seed: 8)
            let (y, dx) = (Matrix(rows: 5, columns: 1_300), Matrix(rows: 5, columns: 512))
            linear(x, weight, bias: nil, into: y, workers: workers)
            linearBackwardInput(y, weight, into: dx, workers: workers)
            let result = headCrossEntropyWithGradient(
                x, weight, targets: targets, scale: 1, into: dx, workers: workers)
            return [y.bits, dx.bits, result.losses.map(\.bitPattern)]
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }
}
