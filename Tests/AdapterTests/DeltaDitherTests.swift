import Adapter
import Bytes
import Digest
import GGUF
import TestSupport
import Testing

@Suite struct DeltaDitherTests {
    private let seed: SecretSeed

    init() throws { seed = try #require(SecretSeed(bytes: [UInt8](repeating: 7, count: 32))) }

    private func values(_ count: Int = 96, amplitude: Float = 0.3) -> [Float] {
        var random = SeededGenerator(seed: 5)
        return (0..<count).map { $0 % 32 == 5 ? amplitude : random.float(in: -amplitude...amplitude) }
    }

    /// Through a signed file and back.
    private func coded(_ values: [Float], _ encoding: DeltaEncoding = .q8_0) throws -> (bytes: [UInt8], back: [Float]) {
        let names = AdapterScope.tail.tensorNames(layerCount: 2)
        let file = try NormAdapter.encode(
            architecture: "qwen2", scope: .tail, encoding: encoding, layerCount: 2, baseRoot: Fixture.root,
            recipe: Fixture.recipe, deltas: names.map { NormDelta(name: $0, values: values) },
            identity: Fixture.identity())
        return (file, try #require(try NormAdapter.decode(file).deltas.last).values)
    }

    @Test(arguments: [1e-6, 1e-3, 0.3, 40] as [Float])
    func `what is stored is within a step and a half, and on average what was learned`(amplitude: Float) throws {
        let exact = values(amplitude: amplitude)
        let step = max(amplitude / 127 * (1 + 0x1p-10), 0x1p-24)
        let draws = 400
        var sums = [Double](repeating: 0, count: exact.count)
        for draw in 0..<draws {
            let bytes = (0..<32).map { UInt8(truncatingIfNeeded: $0 &* draw &+ draw >> 3) }
            let dither = DeltaDither(try #require(SecretSeed(bytes: bytes)))
            let (_, back) = try coded(dither.dithered(exact, tensor: "output_norm.weight", limit: 100))
            for (index, value) in back.enumerated() {
                // The scale is found from dithered values: it may be larger by a step in 127.
                #expect(abs(value - exact[index]) <= step * 1.52, "draw \(draw), value \(index)")
                sums[index] += Double(value)
            }
        }
        // Triangular noise and rounding have a variance of a quarter of a step's square; five standard errors.
        let tolerance = 5 * Double(step) * 0.5 / Double(draws).squareRoot()
        for (sum, value) in zip(sums, exact) { #expect(abs(sum / Double(draws) - Double(value)) <= tolerance) }
    }

    @Test func `the same secret gives the same bytes, another one others, and each tensor has its own numbers`() throws
    {
        let exact = values()
        let other = try #require(SecretSeed(bytes: [UInt8](repeating: 8, count: 32)))
        func bytes(_ seed: SecretSeed, _ tensor: String = "output_norm.weight") throws -> [UInt8] {
            try coded(DeltaDither(seed).dithered(exact, tensor: tensor, limit: 1)).bytes
        }
        let first = try bytes(seed)
        #expect(try bytes(seed) == first)
        #expect(try bytes(other) != first && bytes(seed, "blk.0.attn_norm.weight") != first)
    }

    @Test func `steps and scales are both others than plain rounding's, in F32 too`() throws {
        let exact = values(256)
        let dithered = DeltaDither(seed).dithered(exact, tensor: "output_norm.weight", limit: 1)
        func stored(_ values: [Float]) throws -> (scales: [[UInt8]], steps: [UInt8]) {
            let container = try GGUFFile(parsing: ByteRegion(try coded(values).bytes))
            let bytes = container.region(of: try #require(container.tensors.last)).array
            let blocks = stride(from: 0, to: bytes.count, by: 34)
            return (blocks.map { Array(bytes[$0..<$0 + 2]) }, blocks.flatMap { Array(bytes[$0 + 2..<$0 + 34]) })
        }
        let (plain, noisy) = (try stored(exact), try stored(dithered))
        let scales = zip(plain.scales, noisy.scales).count { $0 != $1 }
        let steps = zip(plain.steps, noisy.steps).count { $0 != $1 }
        #expect(scales >= 7, "of 8 scales \(scales) are hidden")
        #expect(steps > 85, "of 256 steps \(steps) differ")
        #expect(!noisy.steps.contains(0x80))
        #expect(try zip(coded(dithered, .f32).back, exact).allSatisfy { $0 != $1 })
    }

    @Test func `no value passes the limit, and what is zero stays zero`() {
        let limit: Float = 0.3 * (1 - 0x1p-9)
        let exact = [Float](repeating: limit, count: 64) + [Float](repeating: 0, count: 32)
        let dithered = DeltaDither(seed).dithered(exact, tensor: "output_norm.weight", limit: limit)
        #expect(dithered.prefix(64).allSatisfy { abs($0) <= limit } && dithered.prefix(64).contains { $0 < limit })
        #expect(dithered.suffix(32).allSatisfy { $0 == 0 })
    }
}
