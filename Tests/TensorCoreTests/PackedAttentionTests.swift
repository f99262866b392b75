import TensorCore
import TestSupport
import Testing

/// Attention on activations in bfloat16, whose products CKernels computes, against the same in f32.
@Suite struct PackedAttentionTests {
    private func pass(
        _ format: ActivationFormat, tokens: Int, heads: Int, shared: Int, h: Int, workers: Workers
    ) throws -> [Matrix] {
        // Values that bfloat16 holds exactly, so that both see the same operands.
        func values(_ columns: Int, _ seed: UInt64) throws -> Matrix {
            let rounded = randomMatrix(tokens, columns, seed: seed)
            try stored(rounded, .bf16).load(into: rounded, workers: workers)
            return rounded
        }
        let q = try stored(try values(heads * h, 1), format)
        let (k, v) = (try stored(try values(shared * h, 2), format), try stored(try values(shared * h, 3), format))
        let o = try stored(Matrix(rows: tokens, columns: heads * h), format)
        let sums = Matrix(rows: heads, columns: tokens)
        attention(
            q: q, k: k, v: v, keyCount: tokens, headCount: heads, keyValueHeadCount: shared, into: o, logSumExp: sums,
            workers: workers)
        let gradients = AttentionGradients(
            tokens: tokens, queryLength: heads * h, keyValueLength: shared * h, in: try Arena(byteCount: 4 << 20))
        attentionBackward(
            try values(heads * h, 4), q: q, k: k, v: v, o: o, logSumExp: sums, headCount: heads,
            keyValueHeadCount: shared, into: gradients, workers: workers)
        let output = Matrix(rows: tokens, columns: heads * h)
        o.load(into: output, workers: workers)
        return [output, sums, gradients.dq, gradients.dk, gradients.dv]
    }

    @Test(arguments: [(1, 2, 1, 16), (67, 4, 2, 8), (130, 6, 2, 32), (64, 2, 2, 64), (200, 3, 1, 128)])
    func `in bfloat16 attention and its gradients stay near f32`(tokens: Int, heads: Int, shared: Int, h: Int) throws {
        let workers = Workers(count: 2)
        let exact = try pass(.f32, tokens: tokens, heads: heads, shared: shared, h: h, workers: workers)
        let fast = try pass(.bf16, tokens: tokens, heads: heads, shared: shared, h: h, workers: workers)
        for (index, (expected, found)) in zip(exact, fast).enumerated() {
            #expect(distance(found.values, expected.doubles) < 0.03, "\(index)")
        }
        let alone = try pass(.bf16, tokens: tokens, heads: heads, shared: shared, h: h, workers: Workers(count: 1))
        #expect(alone.map(\.bits) == fast.map(\.bits))
    }
}
