import Adapter
import Blocks
import Bytes
import Digest
import GGUF
import TestSupport
import Testing

/// What Q8_0 does to a delta, in numbers; `Documentation/CODEC.md` derives them.
@Suite struct `The 8-bit encoding of deltas` {
    /// Deltas of one block of 32 in each tensor, through a signed file and back; and the scales that lie in it.
    private func coded(_ block: [Float]) throws -> (values: [Float], scale: Float) {
        let deltas = AdapterScope.tail.tensorNames(layerCount: 2).map { NormDelta(name: $0, values: block) }
        let file = try NormAdapter.encode(
            architecture: "qwen2", scope: .tail, layerCount: 2, baseRoot: Fixture.root, recipe: Fixture.recipe,
            deltas: deltas, identity: Fixture.identity())
        let container = try GGUFFile(parsing: ByteRegion(file))
        let stored = container.region(of: try #require(container.tensors.last)).array
        let adapter = try NormAdapter.decode(file)
        return (
            try #require(adapter.deltas.last).values, float16ToFloat(UInt16(stored[0]) | UInt16(stored[1]) << 8)
        )
    }

    private func noise(_ amplitude: Float, seed: UInt64 = 11) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<32).map { $0 == 5 ? -amplitude : random.float(in: -amplitude...amplitude) }
    }

    // From below half the smallest half, 2^-25, to the largest that a scale can hold.
    @Test(arguments: [0x1p-26, 0x1p-25, 1e-7, 1e-6, 7.5e-6, 7.7e-6, 1e-4, 0.01, 0.3, 1, 40, 8e6] as [Float])
    func `errs by at most half a scale, and the scale is the next half above amax / 127`(amplitude: Float) throws {
        let block = noise(amplitude)
        let (values, scale) = try coded(block)
        let exact = Double(amplitude) / 127
        // The distance to the next half: 2^-24 where halves are subnormal, at most 2^-10 of the value above.
        let quantum: Double = exact < 0x1p-14 ? 0x1p-24 : exact * 0x1p-10
        #expect(Double(scale) >= exact)
        #expect(Double(scale) <= exact + quantum)
        let bound = Double(scale) / 2
        for (meant, found) in zip(block, values) {
            let error: Double = abs(Double(meant) - Double(found))
            #expect(error <= bound)
        }
    }

    @Test func `keeps an amax of 1e-6 in 17 steps of 2^-24`() throws {
        let (values, scale) = try coded([1e-6, -1e-6, 5e-7, 3.1e-8] + [Float](repeating: 0, count: 28))
        #expect(scale == 0x1p-24)
        let steps = values.prefix(4).map { $0 / scale }
        #expect(steps == [17, -17, 8, 1])
    }

    @Test func `loses only what is below 2^-25, which a gain of 1 cannot show either`() throws {
        let (values, scale) = try coded(
            [0x1p-25, -0x1p-25, Float(0x1p-25).nextDown] + [Float](repeating: 0, count: 29))
        #expect(scale == 0x1p-24)
        #expect(values.prefix(3).map { $0 / scale } == [1, -1, 0])
        #expect(NormAdapter.effectiveGain(base: 1, delta: Float(0x1p-25).nextDown) == 1)
    }

    @Test func `moves an effective gain near 1 by no more than one unit in the last place`() throws {
        let block = noise(1e-6)
        let values = try coded(block).values
        var random = SeededGenerator(seed: 12)
        for (exact, found) in zip(block, values) {
            let gain = random.float(in: 0.5...0.999)
            let apart =
                NormAdapter.effectiveGain(base: gain, delta: exact)
                - NormAdapter.effectiveGain(base: gain, delta: found)
            #expect(abs(apart) <= 0x1p-24)
        }
    }

    @Test func `errs less on deltas than on whole gains by as much as gains are larger`() throws {
        let deltas = noise(0.02)
        let gains = deltas.map { 1 + $0 }
        let type = StorageType.q8_0
        let rounded = ByteRegion(try type.encode(gains.span)).withBytes { type.decoded($0) }
        func error(_ one: [Float], _ other: [Float]) -> Double {
            zip(one, other).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
        }
        let ratio = try error(gains, rounded) / error(deltas, coded(deltas).values)
        // 1.02 / 0.02 = 51, give or take the luck of 32 roundings.
        #expect((30...90).contains(ratio))
    }
}
