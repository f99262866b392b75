import TensorCore
import TestSupport
import Testing

/// One gradient to check: what a backward operation added to a matrix of ones, against central differences.
struct GradientCase: Sendable, CustomTestStringConvertible {
    let operation: String
    /// Per input: name, the gradient as the operation left it, and the projected output as a function of that input.
    let inputs: @Sendable () throws -> [(name: String, gradient: Matrix, at: [Double], loss: ([Double]) -> Double)]
    var testDescription: String { operation }
}

/// Central differences are taken of the Double reference, not of the f32 operation: with a step of 1e-5 they are good
/// to about 1e-9, so that the tolerance need only cover what the f32 operation itself rounds. Each output is projected
/// on seeded random weights, which stand for dy.
@Suite struct GradientTests {
    static let step = 1e-5
    static let tolerance = 2e-5
    static let workers = Workers(count: 2)

    /// Whether the operation replaces its gradient instead of adding to it.
    static let inPlace: Set<String> = ["rotaryBackward"]

    @Test(arguments: gradientCases)
    func `a backward operation agrees with central differences`(gradientCase: GradientCase) throws {
        var generator = SeededGenerator(seed: 99)
        let before: Double = Self.inPlace.contains(gradientCase.operation) ? 0 : 1
        for input in try gradientCase.inputs() {
            #expect(input.gradient.count == input.at.count)
            var actual = [Float]()
            var expected = [Double]()
            for _ in 0..<min(24, input.at.count) {
                let index = Int.random(in: 0..<input.at.count, using: &generator)
                var point = input.at
                point[index] = input.at[index] + Self.step
                let above = input.loss(point)
                point[index] = input.at[index] - Self.step
                expected.append((above - input.loss(point)) / (2 * Self.step) + before)
                actual.append(input.gradient.values[index])
            }
            let worst = distance(actual, expected)
            #expect(worst < Self.tolerance, "\(gradientCase.operation), gradient of \(input.name): \(worst)")
        }
    }
}

private func ones(like matrix: Matrix) -> Matrix {
    let result = Matrix(rows: matrix.rows, columns: matrix.columns)
    result.fill(1)
    return result
}

private func project(_ y: [Double], _ weights: [Double]) -> Double {
    zip(y, weights).reduce(0) { $0 + $1.0 * $1.1 }
}

let gradientCases: [GradientCase] = [
    GradientCase(operation: "linearBackwardInput") {
        let (x, w, dy) = (randomMatrix(4, 300, seed: 1), randomMatrix(37, 300, seed: 2), randomMatrix(4, 37, seed: 3))
        let dx = ones(like: x)
        linearBackwardInput(dy, LinearWeight(dense: w), into: dx, workers: GradientTests.workers)
        return [
            (
                "x", dx, x.doubles,
                { project(Reference.linear($0, w.doubles, nil, outputs: 37, inputs: 300), dy.doubles) }
            )
        ]
    },
    GradientCase(operation: "linearBackwardWeight") {
        let (x, w, dy) = (randomMatrix(5, 40, seed: 4), randomMatrix(131, 40, seed: 5), randomMatrix(5, 131, seed: 6))
        let dW = ones(like: w)
        linearBackwardWeight(dy, x, into: dW, workers: GradientTests.workers)
        return [
            (
                "W", dW, w.doubles,
                { project(Reference.linear(x.doubles, $0, nil, outputs: 131, inputs: 40), dy.doubles) }
            )
        ]
    },
    GradientCase(operation: "linearBackwardBias") {
        let (x, w, dy) = (randomMatrix(5, 8, seed: 7), randomMatrix(19, 8, seed: 8), randomMatrix(5, 19, seed: 9))
        let bias = randomMatrix(1, 19, seed: 10)
        let dBias = ones(like: bias)
        linearBackwardBias(dy, into: dBias)
        return [
            (
                "b", dBias, bias.doubles,
                {
                    project(Reference.linear(x.doubles, w.doubles, $0, outputs: 19, inputs: 8), dy.doubles)
                }
            )
        ]
    },
    GradientCase(operation: "lowRankBackward") {
        // Three tiles of tokens, two of features on either side.
        let (tokens, inputs, outputs, rank) = (67, 260, 300, 3)
        let (x, dy) = (randomMatrix(tokens, inputs, seed: 31), randomMatrix(tokens, outputs, seed: 32))
        let (a, b) = (randomMatrix(rank, inputs, seed: 33), randomMatrix(outputs, rank, seed: 34))
        let (dx, dA, dB) = (ones(like: x), ones(like: a), ones(like: b))
        lowRankBackward(
            dy, x: x, LowRank(down: a, up: b, scale: 0.5), dDown: dA, dUp: dB, into: dx,
            workers: GradientTests.workers)
        let loss = { (x: [Double], a: [Double], b: [Double]) in
            project(Reference.lowRank(x, a, b, scale: 0.5, inputs: inputs, rank: rank), dy.doubles)
        }
        return [
            ("x", dx, x.doubles, { loss($0, a.doubles, b.doubles) }),
            ("A", dA, a.doubles, { loss(x.doubles, $0, b.doubles) }),
            ("B", dB, b.doubles, { loss(x.doubles, a.doubles, $0) }),
        ]
    },
    GradientCase(operation: "headCrossEntropyWithGradient under a token bias") {
        let (hidden, w) = (randomMatrix(3, 6, seed: 35), randomMatrix(9_000, 6, seed: 36))
        // A target of its own, neighbours, both ends, and tokens in chunks of several parts.
        let targets: [Int32] = [700, 4_711, 8_999]
        let bias = TokenBias(tokens: [0, 1, 700, 2_500, 4_710, 8_998, 8_999], scale: 3)
        bias.values.copy(from: randomMatrix(1, 7, seed: 37))
        bias.gradient.fill(1)
        let dHidden = ones(like: hidden)
        _ = headCrossEntropyWithGradient(
            hidden, LinearWeight(dense: w), targets: targets, scale: 0.5, into: dHidden, bias: bias,
            workers: GradientTests.workers)
        let loss = { (hidden: [Double], values: [Double]) in
            let sparse = zip(bias.tokens, values).map { (Int($0), 3 * $1) }
            return Reference.headCrossEntropy(hidden, w.doubles, targets: targets, width: 6, bias: sparse)
                .losses.reduce(0, +) * 0.5
        }
        return [
            ("hidden", dHidden, hidden.doubles, { loss($0, bias.values.doubles) }),
            ("bias", bias.gradient, bias.values.doubles, { loss(hidden.doubles, $0) }),
        ]
    },
    GradientCase(operation: "rmsNormBackward") {
        let (x, gain, dy) = (
            randomMatrix(5, 37, seed: 11), randomMatrix(1, 37, seed: 12), randomMatrix(5, 37, seed: 13)
        )
        let (dx, dGain) = (ones(like: x), ones(like: gain))
        rmsNormBackward(dy, x: x, gain: gain, epsilon: 0.01, into: dx, dGain: dGain, workers: GradientTests.workers)
        let epsilon = Double(Float(0.01))
        return [
            ("x", dx, x.doubles, { project(Reference.rmsNorm($0, gain.doubles, epsilon: epsilon), dy.doubles) }),
            ("gain", dGain, gain.doubles, { project(Reference.rmsNorm(x.doubles, $0, epsilon: epsilon), dy.doubles) }),
        ]
    },
    GradientCase(operation: "gatedBackward") {
        let (tokens, d, f) = (3, 5, 21)
        let (gate, up) = (randomMatrix(tokens, f, seed: 14, deviation: 3), randomMatrix(tokens, f, seed: 15))
        let (down, dy) = (randomMatrix(d, f, seed: 16), randomMatrix(tokens, d, seed: 17))
        let arena = try Arena(byteCount: 1 << 20)
        let saved = GatedActivations(tokens: tokens, featureCount: f, format: .f32, in: arena)
        saved.gate.store(gate, workers: GradientTests.workers)
        saved.up.store(up, workers: GradientTests.workers)
        let rows = PackedRows(rows: tokens, inner: d, arithmetic: .f32, in: arena)
        rows.pack(dy, workers: GradientTests.workers)
        let weight = LinearWeight(dense: randomMatrix(f, d, seed: 18))
        let (dGate, dUp, a) = (ones(like: gate), ones(like: gate), ones(like: gate))
        gatedBackward(
            rows, GatedWeights(gate: weight, up: weight, down: LinearWeight(dense: down)), from: .saved(saved),
            into: PackedRows(rows: tokens, inner: f, arithmetic: .f32, in: arena),
            dUp: PackedRows(rows: tokens, inner: f, arithmetic: .f32, in: arena), values: (dGate, dUp, a),
            workers: GradientTests.workers)
        // What a case's gradients are added to; these are assigned.
        for gradient in [dGate, dUp] { gradient.add(ones(like: gate)) }
        let loss = { (gate: [Double], up: [Double]) in
            project(Reference.linear(Reference.swiGLU(gate, up), down.doubles, nil, outputs: d, inputs: f), dy.doubles)
        }
        return [
            ("gate", dGate, gate.doubles, { loss($0, up.doubles) }),
            ("up", dUp, up.doubles, { loss(gate.doubles, $0) }),
        ]
    },
    GradientCase(operation: "rotaryBackward") {
        let (x, dy) = (randomMatrix(5, 16, seed: 17), randomMatrix(5, 16, seed: 18))
        let table = RotaryTable(headLength: 8, base: 100, positions: 9)
        let dx = Matrix(rows: 5, columns: 16, values: dy.values)
        rotaryBackward(dx, table: table, headCount: 2, position: 3, layout: .splitHalf, workers: GradientTests.workers)
        return [
            (
                "x", dx, x.doubles,
                {
                    let y = Reference.rotary($0, heads: 2, headLength: 8, base: 100, position: 3, layout: .splitHalf)
                    return project(y, dy.doubles)
                }
            )
        ]
    },
    GradientCase(operation: "attentionBackward") {
        let (tokens, heads, shared, h) = (67, 4, 2, 4)
        let q = randomMatrix(tokens, heads * h, seed: 19)
        let (k, v) = (randomMatrix(tokens, shared * h, seed: 20), randomMatrix(tokens, shared * h, seed: 21))
        let dO = randomMatrix(tokens, heads * h, seed: 22)
        let (o, sums) = (Matrix(rows: tokens, columns: heads * h), Matrix(rows: heads, columns: tokens))
        try attention(
            q: q, k: k, v: v, keyCount: tokens, headCount: heads, keyValueHeadCount: shared, into: o, logSumExp: sums,
            workers: GradientTests.workers)
        let (dq, dk, dv) = (ones(like: q), ones(like: k), ones(like: v))
        try attentionBackward(
            dO, q: q, k: k, v: v, o: o, logSumExp: sums, headCount: heads, keyValueHeadCount: shared, into: dq, dk: dk,
            dv: dv, workers: GradientTests.workers)
        let loss = { (q: [Double], k: [Double], v: [Double]) in
            project(
                Reference.attention(
                    q: q, k: k, v: v, keyCount: tokens, heads: heads, keyValueHeads: shared, headLength: h
                ).o, dO.doubles)
        }
        return [
            ("q", dq, q.doubles, { loss($0, k.doubles, v.doubles) }),
            ("k", dk, k.doubles, { loss(q.doubles, $0, v.doubles) }),
            ("v", dv, v.doubles, { loss(q.doubles, k.doubles, $0) }),
        ]
    },
    GradientCase(operation: "embeddingBackward") {
        let (w, dx) = (randomMatrix(6, 5, seed: 23), randomMatrix(9, 5, seed: 24))
        let tokens = randomTokens(9, vocabulary: 6, seed: 25)
        let dW = ones(like: w)
        embeddingBackward(dx, tokens: tokens, into: dW)
        return [("W", dW, w.doubles, { project(Reference.embedding(tokens, $0, width: 5), dx.doubles) })]
    },
    GradientCase(operation: "headCrossEntropyWithGradient") {
        // Eighteen chunks in eight parts: running sums are rescaled when a later chunk holds a larger logit.
        let (hidden, w) = (randomMatrix(3, 6, seed: 26), randomMatrix(9_000, 6, seed: 27))
        let targets = randomTokens(3, vocabulary: 9_000, seed: 28)
        let dHidden = ones(like: hidden)
        _ = headCrossEntropyWithGradient(
            hidden, LinearWeight(dense: w), targets: targets, scale: 0.5, into: dHidden, workers: GradientTests.workers)
        return [
            (
                "hidden", dHidden, hidden.doubles,
                {
                    Reference.headCrossEntropy($0, w.doubles, targets: targets, width: 6).losses.reduce(0, +) * 0.5
                }
            )
        ]
    },
]
