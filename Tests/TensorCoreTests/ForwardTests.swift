import TensorCore
import TestSupport
import Testing

/// Every forward operation against the Double reference, over ragged shapes.
@Suite struct ForwardTests {
    let workers = Workers(count: 2)

    @Test(arguments: [(1, 7, 5), (1, 1300, 260), (3, 1024, 128), (5, 1, 1), (33, 1025, 129), (2, 300, 517)])
    func `a linear product is right`(tokens: Int, inputs: Int, outputs: Int) {
        let x = randomMatrix(tokens, inputs, seed: 1)
        let w = randomMatrix(outputs, inputs, seed: 2)
        let bias = randomMatrix(1, outputs, seed: 3)
        let y = Matrix(rows: tokens, columns: outputs)
        y.fill(.nan)
        linear(x, LinearWeight(dense: w), bias: bias, into: y, workers: workers)
        let expected = Reference.linear(x.doubles, w.doubles, bias.doubles, outputs: outputs, inputs: inputs)
        #expect(distance(y.values, expected) < float32Tolerance)
        y.fill(.nan)
        linear(x, LinearWeight(dense: w), bias: nil, into: y, workers: workers)
        let plain = Reference.linear(x.doubles, w.doubles, nil, outputs: outputs, inputs: inputs)
        #expect(distance(y.values, plain) < float32Tolerance)
    }

    @Test(arguments: [(1, 7, 5, 1), (33, 260, 12, 4), (5, 3, 700, 2)])
    func `a low-rank addition is right`(tokens: Int, inputs: Int, outputs: Int, rank: Int) {
        let (x, y) = (randomMatrix(tokens, inputs, seed: 1), randomMatrix(tokens, outputs, seed: 2))
        let (a, b) = (randomMatrix(rank, inputs, seed: 3), randomMatrix(outputs, rank, seed: 4))
        let added = Reference.lowRank(x.doubles, a.doubles, b.doubles, scale: 0.5, inputs: inputs, rank: rank)
        let expected = zip(y.doubles, added).map { $0 + $1 }
        lowRank(x, LowRank(down: a, up: b, scale: 0.5), into: y, workers: workers)
        #expect(distance(y.values, expected) < float32Tolerance)
    }

    @Test func `the head's losses under a token bias are those of biased logits`() {
        let (hidden, w) = (randomMatrix(3, 6, seed: 26), randomMatrix(9_000, 6, seed: 27))
        let targets: [Int32] = [0, 700, 8_999]
        let bias = TokenBias(tokens: [0, 1, 700, 5_000], scale: 2)
        bias.values.copy(from: Matrix(rows: 1, columns: 4, values: [1, -2, 3, 0.5]))
        let result = headCrossEntropy(hidden, LinearWeight(dense: w), targets: targets, bias: bias, workers: workers)
        let expected = Reference.headCrossEntropy(
            hidden.doubles, w.doubles, targets: targets, width: 6, bias: [(0, 2), (1, -4), (700, 6), (5_000, 1)])
        #expect(distance(result.losses, expected.losses) < float32Tolerance)
    }

    @Test(arguments: [(1, 1), (3, 7), (17, 100), (2, 1536)])
    func `rmsNorm is right`(tokens: Int, columns: Int) {
        let x = randomMatrix(tokens, columns, seed: 4)
        let gain = randomMatrix(1, columns, seed: 5)
        let y = Matrix(rows: tokens, columns: columns)
        rmsNorm(x, gain: gain, epsilon: 1e-6, into: y, workers: workers)
        let expected = Reference.rmsNorm(x.doubles, gain.doubles, epsilon: Double(Float(1e-6)))
        #expect(distance(y.values, expected) < float32Tolerance)
        rmsNorm(x, gain: gain, epsilon: 1e-6, into: x, workers: workers)
        #expect(x.bits == y.bits)
    }

    @Test(arguments: [(1, 3), (5, 17), (3, 6000)])
    func `swiGLU is right, far from zero too`(tokens: Int, columns: Int) {
        let gate = randomMatrix(tokens, columns, seed: 6, deviation: 20)
        let up = randomMatrix(tokens, columns, seed: 7)
        gate[0, 0] = -200
        gate[0, 1] = 200
        let a = Matrix(rows: tokens, columns: columns)
        swiGLU(gate: gate, up: up, into: a)
        #expect(distance(a.values, Reference.swiGLU(gate.doubles, up.doubles)) < float32Tolerance)
        #expect(a[0, 1] == 200 * up[0, 1])
    }

    @Test(arguments: [RotaryLayout.splitHalf, .interleaved], [0, 11])
    func `rotary turns by the angle of its position, and back`(layout: RotaryLayout, position: Int) {
        let x = randomMatrix(9, 3 * 10, seed: 8)
        let original = x.doubles
        let table = RotaryTable(headLength: 10, base: 10_000, positions: 20)
        rotary(x, table: table, headCount: 3, position: position, layout: layout, workers: workers)
        let expected = Reference.rotary(
            original, heads: 3, headLength: 10, base: 10_000, position: position, layout: layout)
        #expect(distance(x.values, expected) < float32Tolerance)
        rotaryBackward(x, table: table, headCount: 3, position: position, layout: layout, workers: workers)
        #expect(distance(x.values, original) < float32Tolerance)
    }

    @Test(arguments: [(1, 1, 1, 1), (1, 50, 4, 2), (7, 7, 6, 2), (70, 70, 2, 1), (130, 140, 3, 3), (64, 64, 2, 2)])
    func `attention is right`(tokens: Int, keyCount: Int, heads: Int, keyValueHeads: Int) throws {
        let h = 6
        let q = randomMatrix(tokens, heads * h, seed: 9, deviation: 2)
        let k = randomMatrix(keyCount + 3, keyValueHeads * h, seed: 10, deviation: 2)
        let v = randomMatrix(keyCount + 3, keyValueHeads * h, seed: 11)
        // Rows past keyCount are a cache's unfilled end: they must not be read.
        for row in keyCount..<keyCount + 3 { for c in 0..<k.columns { (k[row, c], v[row, c]) = (.nan, .nan) } }
        let o = Matrix(rows: tokens, columns: heads * h)
        o.fill(.nan)
        let logSumExp = Matrix(rows: heads, columns: tokens)
        try attention(
            q: q, k: k, v: v, keyCount: keyCount, headCount: heads, keyValueHeadCount: keyValueHeads, into: o,
            logSumExp: logSumExp, workers: workers)
        let expected = Reference.attention(
            q: q.doubles, k: k.doubles, v: v.doubles, keyCount: keyCount, heads: heads, keyValueHeads: keyValueHeads,
            headLength: h)
        #expect(distance(o.values, expected.o) < float32Tolerance)
        #expect(distance(logSumExp.values, expected.logSumExp) < float32Tolerance)
    }

    @Test func `an embedding copies the rows of its tokens`() {
        let w = randomMatrix(50, 13, seed: 12)
        let tokens = randomTokens(9, vocabulary: 50, seed: 13)
        let x = Matrix(rows: 9, columns: 13)
        embedding(tokens, LinearWeight(dense: w), into: x)
        #expect(x.doubles == Reference.embedding(tokens, w.doubles, width: 13))
    }

    @Test(arguments: [(1, 1, 3), (3, 5, 40), (7, 33, 1100), (2, 600, 3000), (3, 5, 40_000)])
    func `head and cross-entropy are right`(rows: Int, width: Int, vocabulary: Int) {
        let hidden = randomMatrix(rows, width, seed: 14)
        let w = randomMatrix(vocabulary, width, seed: 15)
        let targets = randomTokens(rows, vocabulary: vocabulary, seed: 16)
        let result = headCrossEntropy(hidden, LinearWeight(dense: w), targets: targets, workers: workers)
        let expected = Reference.headCrossEntropy(hidden.doubles, w.doubles, targets: targets, width: width)
        #expect(distance(result.losses, expected.losses) < float32Tolerance)
        #expect(distance(result.logSumExp, expected.logSumExp) < float32Tolerance)
        let dHidden = Matrix(rows: rows, columns: width)
        let second = headCrossEntropyWithGradient(
            hidden, LinearWeight(dense: w), targets: targets, scale: 1, into: dHidden, workers: workers)
        #expect(distance(second.losses, expected.losses) < float32Tolerance)
    }

    @Test func `a value that is not a number stays visible`() {
        let hidden = randomMatrix(2, 8, seed: 17)
        hidden[1, 3] = .nan
        let w = randomMatrix(40, 8, seed: 18)
        let result = headCrossEntropy(hidden, LinearWeight(dense: w), targets: [1, 2], workers: workers)
        #expect(result.losses[0].isFinite && result.losses[1].isNaN)
        let a = Matrix(rows: 2, columns: 8)
        swiGLU(gate: hidden, up: hidden, into: a)
        #expect(a[1, 3].isNaN)
    }

    @Test func `no rows are no work`() {
        let empty = Matrix(rows: 0, columns: 8)
        let weight = LinearWeight(dense: randomMatrix(8, 8, seed: 19))
        linear(empty, weight, bias: nil, into: Matrix(rows: 0, columns: 8), workers: workers)
        #expect(headCrossEntropy(empty, weight, targets: [], workers: workers).losses.isEmpty)
    }
}
