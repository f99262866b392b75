import TensorCore
import TestSupport
import Testing

/// Gradients of matrices in the forms in which a step keeps them, against the sums that they stand for.
@Suite struct TensorGradientTests {
    static let workers = Workers(count: 2)

    /// A gradient of `windows` windows, and the same summed up by the operation.
    private static func weight(
        _ outputs: Int, _ inputs: Int, windows: [Int], rows: Int, seed: UInt64, workers: Workers = workers
    ) -> (gradient: WeightGradient, sum: Matrix) {
        let gradient = WeightGradient(outputs: outputs, inputs: inputs, rows: rows)
        let sum = Matrix(rows: outputs, columns: inputs)
        for (index, tokens) in windows.enumerated() {
            let dy = randomMatrix(tokens, outputs, seed: seed + UInt64(2 * index))
            let x = randomMatrix(tokens, inputs, seed: seed + UInt64(2 * index + 1))
            gradient.add(dy, x, workers: workers)
            linearBackwardWeight(dy, x, into: sum, workers: workers)
        }
        return (gradient, sum)
    }

    private static func head(_ width: Int, vocabulary: Int, windows: [Int], seed: UInt64) -> HeadGradient {
        let weight = LinearWeight(dense: randomMatrix(vocabulary, width, seed: seed))
        let gradient = HeadGradient(weight: weight)
        for (index, rows) in windows.enumerated() {
            let hidden = randomMatrix(rows, width, seed: seed + UInt64(index + 1))
            let targets = randomTokens(rows, vocabulary: vocabulary, seed: seed + UInt64(index + 1))
            let result = headCrossEntropy(hidden, weight, targets: targets, workers: workers)
            gradient.add(hidden: hidden, targets: targets, logSumExp: result.logSumExp, scale: 0.25)
        }
        return gradient
    }

    /// Shapes that meet every edge of the tiles, and, with rows 0, 2 and enough, both forms.
    static let shapes: [(outputs: Int, inputs: Int, windows: [Int], rows: Int)] = [
        (1, 1, [1], 0), (3, 5, [7], 0), (130, 1030, [1], 2), (40, 300, [33, 31], 64), (256, 257, [5, 40, 2], 47),
        (20, 30, [9, 8], 17), (129, 64, [70], 100),
    ]

    @Test(arguments: shapes)
    func `factors and sums give one gradient`(shape: (outputs: Int, inputs: Int, windows: [Int], rows: Int)) {
        let (gradient, sum) = Self.weight(
            shape.outputs, shape.inputs, windows: shape.windows, rows: shape.rows, seed: 1)
        #expect(distance(TensorGradient.weight(gradient).values, sum.doubles) < float32Tolerance)
    }

    @Test(arguments: shapes)
    func `the norm from inner products is that of the gradient itself`(
        shape: (outputs: Int, inputs: Int, windows: [Int], rows: Int)
    ) {
        let (gradient, sum) = Self.weight(
            shape.outputs, shape.inputs, windows: shape.windows, rows: shape.rows, seed: 1)
        let wanted = sum.sumOfSquares()
        let got = TensorGradient.weight(gradient).sumOfSquares(workers: Self.workers)
        #expect(abs(got - wanted) < 1e-6 * wanted, "\(got) for \(wanted)")
    }

    @Test(arguments: [(3, 40, [1]), (24, 530, [4]), (40, 1100, [33, 9, 30]), (17, 2000, [65, 70])])
    func `the head's norm is that of its gradient`(width: Int, vocabulary: Int, windows: [Int]) {
        let gradient = TensorGradient.head(Self.head(width, vocabulary: vocabulary, windows: windows, seed: 3))
        let wanted = gradient.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        let got = gradient.sumOfSquares(workers: Self.workers)
        #expect(abs(got - wanted) < 2e-6 * wanted, "\(got) for \(wanted)")
    }

    /// The gradient of one window, whose norm comes with the losses. Rows repeat each other's targets; where `isLearned`,
    /// every row is all but sure of its target, so that what is left of 1 − p decides.
    private static func window(
        _ width: Int, vocabulary: Int, rows: Int, isLearned: Bool, arithmetic: Arithmetic = .f32, seed: UInt64,
        workers: Workers = workers
    ) -> TensorGradient {
        let table = randomMatrix(vocabulary, width, seed: seed)
        let hidden = randomMatrix(rows, width, seed: seed + 1)
        let targets = randomTokens(rows, vocabulary: max(vocabulary / 3, 1), seed: seed + 2)
        if isLearned {
            for (row, target) in targets.enumerated() {
                let length = (0..<width).reduce(Float(0)) { $0 + table[Int(target), $1] * table[Int(target), $1] }
                for column in 0..<width { hidden[row, column] = table[Int(target), column] * 20 / length }
            }
        }
        let weight = LinearWeight(dense: table, arithmetic: arithmetic)
        let gradient = HeadGradient(weight: weight, isOfOneWindow: true)
        _ = headCrossEntropyWithGradient(
            hidden, weight, targets: targets, scale: 0.25, into: Matrix(rows: rows, columns: width), dWeight: gradient,
            workers: workers)
        return .head(gradient)
    }

    @Test(arguments: [(1, 1, 1), (3, 40, 1), (24, 530, 4), (40, 6_000, 33), (17, 2_000, 135)], [false, true])
    func `the norm that comes with the losses is that of the gradient`(
        shape: (width: Int, vocabulary: Int, rows: Int), isLearned: Bool
    ) {
        for arithmetic in Arithmetic.allCases {
            let gradient = Self.window(
                shape.width, vocabulary: shape.vocabulary, rows: shape.rows, isLearned: isLearned,
                arithmetic: arithmetic, seed: 11)
            let wanted = gradient.values.reduce(0.0) { $0 + Double($1) * Double($1) }
            let got = gradient.sumOfSquares(workers: Self.workers)
            // Of a learned row the gradient itself is 1 − p of an f32 p, good to 6e-8 in all; the norm is the better one.
            let tolerance = isLearned ? 1e-4 * wanted + 1e-12 : 2e-6 * wanted
            #expect(abs(got - wanted) <= tolerance, "\(arithmetic): \(got) for \(wanted)")
        }
    }

    @Test func `the norm that comes with the losses has the same bits on any number of threads`() {
        func bits(_ workers: Workers) -> UInt64 {
            Self.window(24, vocabulary: 6_000, rows: 40, isLearned: false, seed: 5, workers: workers)
                .sumOfSquares(workers: workers).bitPattern
        }
        let expected = bits(Workers(count: 1))
        for threads in [2, 3, 7] { #expect(bits(Workers(count: threads)) == expected, "\(threads) threads") }
    }

    // A second window in a step that promised one, as validation never is: the walk is made after all.
    @Test func `two windows where one was announced still give their norm`() {
        let weight = LinearWeight(dense: randomMatrix(530, 6, seed: 1))
        let gradient = HeadGradient(weight: weight, isOfOneWindow: true)
        for seed in UInt64(2)...3 {
            _ = headCrossEntropyWithGradient(
                randomMatrix(4, 6, seed: seed), weight, targets: randomTokens(4, vocabulary: 530, seed: seed),
                scale: 0.25, into: Matrix(rows: 4, columns: 6), dWeight: gradient, workers: Self.workers)
        }
        let form = TensorGradient.head(gradient)
        let wanted = form.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(form.sumOfSquares(workers: Self.workers) - wanted) < 2e-6 * wanted)
    }

    // Central differences of the Double reference, as in GradientTests.
    @Test func `the head's gradient agrees with central differences`() {
        let (hidden, w) = (randomMatrix(4, 6, seed: 29), randomMatrix(530, 6, seed: 30))
        let targets = randomTokens(4, vocabulary: 530, seed: 31)
        let weight = LinearWeight(dense: w)
        let gradient = HeadGradient(weight: weight)
        let result = headCrossEntropy(hidden, weight, targets: targets, workers: Self.workers)
        gradient.add(hidden: hidden, targets: targets, logSumExp: result.logSumExp, scale: 2)
        let values = TensorGradient.head(gradient).values
        func loss(_ w: [Double]) -> Double {
            Reference.headCrossEntropy(hidden.doubles, w, targets: targets, width: 6).losses.reduce(0, +) * 2
        }
        var generator = SeededGenerator(seed: 99)
        let places =
            targets.map { Int($0) * 6 + 1 } + (0..<20).map { _ in Int.random(in: 0..<w.count, using: &generator) }
        var expected: [Double] = []
        for place in places {
            var point = w.doubles
            point[place] += GradientTests.step
            let above = loss(point)
            point[place] -= 2 * GradientTests.step
            expected.append((above - loss(point)) / (2 * GradientTests.step))
        }
        #expect(distance(places.map { values[$0] }, expected) < GradientTests.tolerance)
    }

    @Test func `a cleared gradient is zero, and is filled anew`() {
        for rows in [10, 1000] {
            let (gradient, _) = Self.weight(30, 40, windows: [5], rows: rows, seed: 1)
            let form = TensorGradient.weight(gradient)
            let first = form.values
            form.clear()
            #expect(form.values.allSatisfy { $0 == 0 } && form.sumOfSquares(workers: Self.workers) == 0)
            gradient.add(randomMatrix(5, 30, seed: 1), randomMatrix(5, 40, seed: 2), workers: Self.workers)
            #expect(form.values == first)
        }
        let head = Self.head(6, vocabulary: 100, windows: [4], seed: 1)
        let form = TensorGradient.head(head)
        head.clear()
        #expect(form.values == [Float](repeating: 0, count: 600) && form.sumOfSquares(workers: Self.workers) == 0)
    }

    @Test func `norms and values have the same bits on any number of threads`() {
        func bits(_ workers: Workers) -> [UInt64] {
            let gradients: [TensorGradient] = [
                .weight(Self.weight(200, 1100, windows: [40, 30], rows: 70, seed: 1, workers: workers).gradient),
                .weight(Self.weight(20, 30, windows: [40, 30], rows: 70, seed: 1, workers: workers).gradient),
                .head(Self.head(24, vocabulary: 5000, windows: [40, 30], seed: 1)),
            ]
            let value = Matrix(rows: 5000, columns: 24)
            applyUpdate(
                .descent(rate: 1, keep: 1), of: gradients[2], scale: 1, to: value, workers: workers)
            return gradients.map { $0.sumOfSquares(workers: workers).bitPattern } + value.bits.map(UInt64.init)
        }
        let expected = bits(Workers(count: 1))
        for threads in [2, 3, 7] { #expect(bits(Workers(count: threads)) == expected, "\(threads) threads") }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `one value that is no finite number makes the norm none`(bad: Float) {
        for rows in [10, 1000] {
            let gradient = WeightGradient(outputs: 30, inputs: 40, rows: rows)
            let dy = randomMatrix(5, 30, seed: 1)
            dy[3, 7] = bad
            gradient.add(dy, randomMatrix(5, 40, seed: 2), workers: Self.workers)
            #expect(!TensorGradient.weight(gradient).sumOfSquares(workers: Self.workers).isFinite)
        }
        let head = Self.head(6, vocabulary: 100, windows: [4], seed: 1)
        let hidden = randomMatrix(3, 6, seed: 5)
        hidden[1, 2] = bad
        head.add(hidden: hidden, targets: [1, 2, 3], logSumExp: [4, 4, 4], scale: 0.25)
        #expect(!TensorGradient.head(head).sumOfSquares(workers: Self.workers).isFinite)
    }

    @Test func `factors that cancel leave no norm below zero`() {
        let gradient = WeightGradient(outputs: 30, inputs: 40, rows: 10)
        let (dy, x) = (randomMatrix(5, 30, seed: 1), randomMatrix(5, 40, seed: 2))
        gradient.add(dy, x, workers: Self.workers)
        let opposite = Matrix(rows: 5, columns: 30)
        opposite.add(dy, scale: -1)
        let length = TensorGradient.weight(gradient).sumOfSquares(workers: Self.workers)
        gradient.add(opposite, x, workers: Self.workers)
        let rest = TensorGradient.weight(gradient).sumOfSquares(workers: Self.workers)
        #expect(rest >= 0 && rest < 1e-6 * length)
    }
}
