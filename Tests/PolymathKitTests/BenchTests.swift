import Device
import GGUF
import Model
import PolymathKit
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct StepOperationTests {
    let shape: DecoderConfiguration

    init() throws { shape = try DecoderConfiguration(GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))) }

    /// The same count, one product after another.
    private func counted(_ shape: DecoderConfiguration, tokens: Int, layers: Int, pairWork: Int) -> Double {
        let (d, q, k, f) = (
            shape.embeddingLength, shape.queryLength, shape.keyValueLength, shape.feedForwardLength
        )
        var sum = 0
        for _ in 0..<layers {
            for (rows, columns) in [(q, d), (k, d), (k, d), (d, q), (f, d), (f, d), (d, f)] {
                sum += 2 * tokens * rows * columns
            }
            for query in 0..<tokens { sum += pairWork * (query + 1) * q }
        }
        return Double(sum + 2 * tokens * d * shape.vocabularySize)
    }

    @Test func `every product is counted once, forward and for the gradient of its input`() {
        let layers = shape.layerCount
        let norms = StepOperations(shape, scope: .norms, tokens: 7, batchSize: 3)
        #expect(norms.forward == 3 * counted(shape, tokens: 7, layers: layers, pairWork: 4))
        #expect(norms.activationGradients == 3 * counted(shape, tokens: 7, layers: layers, pairWork: 8))
        #expect(norms.weightGradients == 0)
        let pass = StepOperations(shape, scope: nil, tokens: 7)
        #expect(pass.total == counted(shape, tokens: 7, layers: layers, pairWork: 4))
        let tail = StepOperations(shape, scope: .tail, tokens: 7, prefixIsKept: true)
        #expect(tail.forward == counted(shape, tokens: 7, layers: 1, pairWork: 4))
        #expect(tail.activationGradients == counted(shape, tokens: 7, layers: 1, pairWork: 8))
        #expect(StepOperations(shape, scope: .tail, tokens: 7).forward == pass.forward)
        let boundary = StepOperations(shape, scope: .boundary, tokens: 7)
        #expect(boundary.weightGradients == counted(shape, tokens: 7, layers: 2, pairWork: 0))
    }

    @Test func `a spread has the middle of an odd count, and the mean of the middle two of an even one`() {
        #expect(Spread([3, 1, 2]).median == 2)
        #expect(Spread([4, 1, 2, 9]).median == 3)
        let one = Spread([5])
        #expect(one.min == 5 && one.median == 5 && one.max == 5)
    }
}

@Suite struct AnonymousMemoryTests {
    @Test func `memory that is gone again was seen`() throws {
        try #require(MemoryProbe.sample() != nil, "this system tells nothing of memory")
        let watch = AnonymousMemoryWatch()
        let before = watch.peakBytes
        #expect(before > 0)
        withExtendedLifetime([UInt8](repeating: 1, count: 64 << 20)) { _ in watch.look() }
        watch.stop()
        #expect(watch.peakBytes >= before + 60 << 20)
    }
}

@Suite struct KernelBenchmarkTests {
    private func rows(_ groups: [KernelBenchmark.Group]) throws -> [KernelBenchmark.Row] {
        var bench = KernelBenchmark()
        bench.shape = SyntheticShape(
            title: "tiny", layers: 1, width: 256, heads: 4, keyValueHeads: 2, feedForward: 512, vocabulary: 300,
            context: 64, rotaryBase: 1e4, epsilon: 1e-6)
        bench.groups = groups
        bench.tokens = [3, 8]
        bench.repeats = 2
        return try bench.run(workers: Workers(count: 2))
    }

    @Test func `every projection is timed both ways, in every type and arithmetic`() throws {
        let rows = try rows([.products])
        #expect(rows.count == 4 * 3 * Arithmetic.allCases.count * 2 * 2)
        #expect(Set(rows.map(\.kernel)) == ["forward", "input gradient"])
        for row in rows {
            #expect(row.seconds.min > 0 && row.rate > 0)
            #expect(row.shareOfPeak.map { $0 > 0 } ?? true)
        }
        let down = try #require(rows.first { $0.subject == "ffn_down, 256 × 512" && $0.tokens == 8 })
        guard case .operations(let count) = down.work else { throw NoOperations() }
        #expect(count == 2 * 8 * 256 * 512)
    }

    @Test func `head and attention are timed too, and what multiplies nothing has no peak`() throws {
        let rows = try rows([.head, .attention, .decode])
        #expect(rows.filter { $0.group == .head }.count == 2 * Arithmetic.allCases.count)
        let attention = rows.filter { $0.group == .attention }
        #expect(attention.map(\.kernel) == Array(repeating: ["forward", "gradient"], count: 4).flatMap(\.self))
        #expect(attention.map(\.arithmetic) == [.f32, .f32, .f32, .f32, .bf16, .bf16, .bf16, .bf16])
        for row in rows where row.group == .decode { #expect(row.peakGops == nil && row.arithmetic == nil) }
    }

    private struct NoOperations: Error {}
}
