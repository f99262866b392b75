import TensorCore
import Testing

@Suite struct OperationTimesTests {
    /// Waits until the clock shows that `milliseconds` have passed.
    private func spend(milliseconds: Int) {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(milliseconds) {}
    }

    @Test func `time goes to the innermost kind that has begun, and the kinds add up`() {
        let clock = ContinuousClock.now
        let times = OperationTimes()
        times.begin(.head)
        spend(milliseconds: 3)
        times.begin(.products)
        spend(milliseconds: 2)
        times.end()
        times.end()
        spend(milliseconds: 1)
        let seconds = times.seconds
        #expect(seconds[.head] ?? 0 >= 0.003)
        #expect(seconds[.products] ?? 0 >= 0.002)
        #expect(seconds[.other] ?? 0 >= 0.001)
        #expect(seconds[.attention] == 0)
        let (whole, part) = (ContinuousClock.now - clock).components
        #expect(seconds.values.reduce(0, +) <= Double(whole) + Double(part) * 1e-18)
    }

    @Test func `a restart forgets, and what is running goes on`() {
        let times = OperationTimes()
        times.begin(.attention)
        spend(milliseconds: 2)
        times.restart()
        #expect(times.seconds[.other] == 0)
        spend(milliseconds: 1)
        times.end()
        #expect(times.seconds[.attention] ?? 0 >= 0.001)
        // One end too many is no crash: the clock stays with the outermost.
        times.end()
        times.end()
        #expect(times.seconds.count == OperationKind.allCases.count)
    }

    @Test func `operations tell the workers' clock their kind`() {
        let times = OperationTimes()
        let workers = Workers(count: 2, times: times)
        let x = randomMatrix(8, 64, seed: 1)
        let weight = LinearWeight(dense: randomMatrix(64, 64, seed: 2))
        linear(x, weight, bias: nil, into: Matrix(rows: 8, columns: 64), workers: workers)
        linearBackwardInput(x, weight, into: Matrix(rows: 8, columns: 64), workers: workers)
        rmsNorm(x, gain: randomMatrix(1, 64, seed: 3), epsilon: 1e-6, into: x, workers: workers)
        let seconds = times.seconds
        for kind in [OperationKind.products, .inputGradients, .elementwise] { #expect(seconds[kind] ?? 0 > 0) }
        for kind in [OperationKind.head, .attention, .weightGradients] { #expect(seconds[kind] == 0) }
    }
}
