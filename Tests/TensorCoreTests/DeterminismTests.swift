import TensorCore
import TestSupport
import Testing

/// One operation, run with given workers; everything it writes.
struct DeterminismCase: Sendable, CustomTestStringConvertible {
    let operation: String
    let run: @Sendable (Workers) throws -> [Matrix]
    var testDescription: String { operation }
}

@Suite struct DeterminismTests {
    @Test(arguments: determinismCases)
    func `the bits do not depend on the number of threads`(determinismCase: DeterminismCase) throws {
        let expected = try determinismCase.run(Workers(count: 1)).map(\.bits)
        for threads in [2, 3, 7] {
            for _ in 0..<3 {
                let same = try determinismCase.run(Workers(count: threads)).map(\.bits) == expected
                #expect(same, "\(determinismCase.operation) on \(threads) threads")
            }
        }
    }
}

private func vector(_ values: [Float]) -> Matrix { Matrix(rows: 1, columns: values.count, values: values) }

let determinismCases: [DeterminismCase] = [
    DeterminismCase(operation: "linear") { workers in
        let y = Matrix(rows: 5, columns: 700)
        let w = LinearWeight(dense: randomMatrix(700, 1100, seed: 2))
        linear(randomMatrix(5, 1100, seed: 1), w, bias: randomMatrix(1, 700, seed: 3), into: y, workers: workers)
        return [y]
    },
    DeterminismCase(operation: "linearBackwardInput") { workers in
        let dx = randomMatrix(5, 1100, seed: 4)
        let w = LinearWeight(dense: randomMatrix(700, 1100, seed: 2))
        linearBackwardInput(randomMatrix(5, 700, seed: 1), w, into: dx, workers: workers)
        return [dx]
    },
    DeterminismCase(operation: "linearBackwardWeight") { workers in
        let dW = randomMatrix(300, 1100, seed: 4)
        linearBackwardWeight(
            randomMatrix(5, 300, seed: 1), randomMatrix(5, 1100, seed: 2), into: dW, workers: workers)
        return [dW]
    },
    DeterminismCase(operation: "linearBackwardBias") { _ in
        let dBias = randomMatrix(1, 300, seed: 4)
        linearBackwardBias(randomMatrix(5, 300, seed: 1), into: dBias)
        return [dBias]
    },
    DeterminismCase(operation: "lowRank") { workers in
        let y = randomMatrix(150, 300, seed: 4)
        let factors = LowRank(down: randomMatrix(4, 700, seed: 2), up: randomMatrix(300, 4, seed: 3), scale: 2)
        lowRank(randomMatrix(150, 700, seed: 1), factors, into: y, workers: workers)
        return [y]
    },
    DeterminismCase(operation: "lowRankBackward") { workers in
        let factors = LowRank(down: randomMatrix(4, 700, seed: 2), up: randomMatrix(300, 4, seed: 3), scale: 2)
        let (dA, dB) = (randomMatrix(4, 700, seed: 6), randomMatrix(300, 4, seed: 7))
        let dx = randomMatrix(150, 700, seed: 5)
        lowRankBackward(
            randomMatrix(150, 300, seed: 4), x: randomMatrix(150, 700, seed: 1), factors, dDown: dA, dUp: dB,
            into: dx, workers: workers)
        return [dx, dA, dB]
    },
    DeterminismCase(operation: "rmsNorm") { workers in
        let y = Matrix(rows: 50, columns: 70)
        let gain = randomMatrix(1, 70, seed: 2)
        rmsNorm(randomMatrix(50, 70, seed: 1), gain: gain, epsilon: 1e-6, into: y, workers: workers)
        return [y]
    },
    DeterminismCase(operation: "rmsNormBackward") { workers in
        let (dx, dGain) = (Matrix(rows: 50, columns: 700), Matrix(rows: 1, columns: 700))
        rmsNormBackward(
            randomMatrix(50, 700, seed: 1), x: randomMatrix(50, 700, seed: 2), gain: randomMatrix(1, 700, seed: 3),
            epsilon: 1e-6, into: dx, dGain: dGain, workers: workers)
        return [dx, dGain]
    },
    DeterminismCase(operation: "gatedForward") { workers in
        let pass = try GatedPass(arithmetic: .bf16, keeps: true, workers: workers)
        return pass.forward
    },
    DeterminismCase(operation: "gatedBackward") { workers in
        let pass = try GatedPass(arithmetic: .bf16, keeps: true, workers: workers)
        return pass.gradients
    },
    DeterminismCase(operation: "rotary") { workers in
        let x = randomMatrix(9, 32, seed: 1)
        let table = RotaryTable(headLength: 16, base: 1e6, positions: 9)
        rotary(x, table: table, headCount: 2, position: 0, layout: .splitHalf, workers: workers)
        return [x]
    },
    DeterminismCase(operation: "rotaryBackward") { workers in
        let x = randomMatrix(9, 32, seed: 1)
        let table = RotaryTable(headLength: 16, base: 1e6, positions: 9)
        rotaryBackward(x, table: table, headCount: 2, position: 0, layout: .splitHalf, workers: workers)
        return [x]
    },
    DeterminismCase(operation: "attention") { workers in try attended(workers).forward },
    DeterminismCase(operation: "attentionBackward") { workers in try attended(workers).gradients },
    DeterminismCase(operation: "embedding") { _ in
        let x = Matrix(rows: 9, columns: 13)
        let tokens = randomTokens(9, vocabulary: 50, seed: 1)
        embedding(tokens, LinearWeight(dense: randomMatrix(50, 13, seed: 2)), into: x)
        return [x]
    },
    DeterminismCase(operation: "embeddingBackward") { _ in
        let dW = Matrix(rows: 50, columns: 13)
        embeddingBackward(
            randomMatrix(9, 13, seed: 1), tokens: randomTokens(9, vocabulary: 50, seed: 1), into: dW)
        return [dW]
    },
    DeterminismCase(operation: "headCrossEntropy") { workers in
        let weight = LinearWeight(dense: randomMatrix(5000, 40, seed: 1))
        let targets = randomTokens(6, vocabulary: 5000, seed: 2)
        let result = headCrossEntropy(randomMatrix(6, 40, seed: 3), weight, targets: targets, workers: workers)
        return [vector(result.losses), vector(result.logSumExp)]
    },
    DeterminismCase(operation: "headCrossEntropyWithGradient") { workers in
        let weight = LinearWeight(dense: randomMatrix(5000, 40, seed: 1))
        let targets = randomTokens(6, vocabulary: 5000, seed: 2)
        let dHidden = Matrix(rows: 6, columns: 40)
        let result = headCrossEntropyWithGradient(
            randomMatrix(6, 40, seed: 3), weight, targets: targets, scale: 0.25, into: dHidden, workers: workers)
        return [vector(result.losses), vector(result.logSumExp), dHidden]
    },
    DeterminismCase(operation: "headCrossEntropyWithGradient under a token bias") { workers in
        let weight = LinearWeight(dense: randomMatrix(5000, 40, seed: 1))
        let bias = TokenBias(tokens: stride(from: 3, to: 5000, by: 11).map { $0 })
        bias.values.copy(from: randomMatrix(1, bias.tokens.count, seed: 4))
        let dHidden = Matrix(rows: 6, columns: 40)
        let result = headCrossEntropyWithGradient(
            randomMatrix(6, 40, seed: 3), weight, targets: randomTokens(6, vocabulary: 5000, seed: 2), scale: 0.25,
            into: dHidden, bias: bias, workers: workers)
        return [vector(result.losses), dHidden, bias.gradient]
    },
    DeterminismCase(operation: "applyUpdate") { workers in
        let value = randomMatrix(300, 1100, seed: 5)
        let (m, v) = (
            Moments(rows: 300, columns: 1100, form: .f32, order: .first),
            Moments(rows: 300, columns: 1100, form: .f32, order: .second)
        )
        let gradient = WeightGradient(outputs: 300, inputs: 1100, rows: 5)
        gradient.add(randomMatrix(5, 300, seed: 1), randomMatrix(5, 1100, seed: 2), workers: workers)
        let step = AdamWStep(beta1: 0.9, beta2: 0.99, rate: 0.1, root: 0.1, epsilon: 1e-8, keep: 0.9)
        applyUpdate(
            .adamW(step, first: m, second: v), of: .weight(gradient), scale: 0.5, to: value, workers: workers)
        return [value, m.words, v.words]
    },
]

private func attended(_ workers: Workers) throws -> (forward: [Matrix], gradients: [Matrix]) {
    let (tokens, heads, shared, h) = (150, 6, 2, 16)
    let q = randomMatrix(tokens, heads * h, seed: 1)
    let (k, v) = (randomMatrix(tokens, shared * h, seed: 2), randomMatrix(tokens, shared * h, seed: 3))
    let (o, sums) = (Matrix(rows: tokens, columns: heads * h), Matrix(rows: heads, columns: tokens))
    try attention(
        q: q, k: k, v: v, keyCount: tokens, headCount: heads, keyValueHeadCount: shared, into: o, logSumExp: sums,
        workers: workers)
    let dq = Matrix(rows: tokens, columns: heads * h)
    let (dk, dv) = (Matrix(rows: tokens, columns: shared * h), Matrix(rows: tokens, columns: shared * h))
    try attentionBackward(
        randomMatrix(tokens, heads * h, seed: 4), q: q, k: k, v: v, o: o, logSumExp: sums, headCount: heads,
        keyValueHeadCount: shared, into: dq, dk: dk, dv: dv, workers: workers)
    return ([o, sums], [dq, dk, dv])
}
