import Model
import TensorCore
import Testing
import Training

/// Updates against values worked out by hand from the formulas in the optimisers' comments.
@Suite struct OptimizerTests {
    /// One parameter of each kind, all 1, with the given gradient.
    private static func parameters(_ gradient: Float) -> [Parameter] {
        [Parameter.Kind.gain, .bias, .matrix].map { kind in
            let form: TensorGradient =
                kind == .matrix
                ? .weight(WeightGradient(outputs: 1, inputs: 1, rows: 0)) : .vector(Matrix(rows: 1, columns: 1))
            let parameter = Parameter(
                name: "\(kind)", kind: kind, value: Matrix(rows: 1, columns: 1, values: [1]), gradient: form)
            set(parameter, gradient)
            return parameter
        }
    }

    private static let workers = Workers(count: 1)

    private static func set(_ parameter: Parameter, _ gradient: Float) {
        parameter.gradient.clear()
        switch parameter.gradient {
        case .vector(let sum): sum[0, 0] = gradient
        case .weight(let weight):
            let one = Matrix(rows: 1, columns: 1, values: [1])
            weight.add(Matrix(rows: 1, columns: 1, values: [gradient]), one, workers: workers)
        case .head: Issue.record("no head here")
        }
    }

    private static func values(_ parameters: [Parameter]) -> [Float] { parameters.map { $0.value[0, 0] } }

    private static func expect(_ got: [Float], _ wanted: [Float], _ place: SourceLocation = #_sourceLocation) {
        for (got, wanted) in zip(got, wanted) {
            #expect(abs(got - wanted) <= 1e-6, "\(got) for \(wanted)", sourceLocation: place)
        }
    }

    @Test func `two steps of AdamW are those worked out by hand`() {
        let parameters = Self.parameters(0.5)
        let adam = AdamW(parameters, weightDecay: 0)
        adam.update(parameters, rate: 0.1, gradientScale: 1, workers: Self.workers)
        // m = 0.05, v = 0.00025; corrected 0.5 and 0.25: the first step is the rate, whatever the gradient.
        Self.expect(Self.values(parameters), [0.9, 0.9, 0.9])
        for parameter in parameters { Self.set(parameter, -0.25) }
        adam.update(parameters, rate: 0.1, gradientScale: 1, workers: Self.workers)
        // m = 0.02, v = 0.00031225; corrected 0.02/0.19 = 0.10526316 and 0.00031225/0.001999 = 0.15620310;
        // 0.9 − 0.1 · 0.10526316/0.39522538.
        Self.expect(Self.values(parameters), [0.87336629, 0.87336629, 0.87336629])
        #expect(adam.updateCount == 2)
        Self.expect(adam.moments.map { $0.values[0] }, [0.02, 0.02, 0.02, 0.00031225, 0.00031225, 0.00031225])
    }

    @Test func `AdamW decays matrices by rate times decay, and neither gains nor biases`() {
        let parameters = Self.parameters(0.5)
        AdamW(parameters, weightDecay: 0.2).update(parameters, rate: 0.1, gradientScale: 1, workers: Self.workers)
        Self.expect(Self.values(parameters), [0.9, 0.9, 0.88])
    }

    @Test func `AdamW keeps still where the gradient is nothing`() {
        let parameters = Self.parameters(0)
        AdamW(parameters, weightDecay: 0).update(parameters, rate: 0.1, gradientScale: 1, workers: Self.workers)
        #expect(Self.values(parameters) == [1, 1, 1])
    }

    @Test func `SGD goes against the gradient, and decays matrices alone`() {
        let parameters = Self.parameters(0.5)
        let descent = SGD(weightDecay: 0)
        descent.update(parameters, rate: 0.1, gradientScale: 1, workers: Self.workers)
        Self.expect(Self.values(parameters), [0.95, 0.95, 0.95])
        descent.update(parameters, rate: 0.2, gradientScale: 1, workers: Self.workers)
        Self.expect(Self.values(parameters), [0.85, 0.85, 0.85])
        #expect(descent.moments.isEmpty && descent.updateCount == 2)
        let decayed = Self.parameters(0.5)
        SGD(weightDecay: 0.2).update(decayed, rate: 0.1, gradientScale: 1, workers: Self.workers)
        Self.expect(Self.values(decayed), [0.95, 0.95, 0.93])
    }

    @Test func `the gradient's scale is the same as a smaller gradient`() {
        let (scaled, small) = (Self.parameters(0.5), Self.parameters(0.125))
        let (first, second) = (AdamW(scaled, weightDecay: 0.1), AdamW(small, weightDecay: 0.1))
        for _ in 0..<3 {
            first.update(scaled, rate: 0.1, gradientScale: 0.25, workers: Self.workers)
            second.update(small, rate: 0.1, gradientScale: 1, workers: Self.workers)
        }
        #expect(Self.values(scaled) == Self.values(small))
        #expect(first.moments.map(\.values) == second.moments.map(\.values))
        let (plain, clipped) = (Self.parameters(0.125), Self.parameters(0.5))
        SGD(weightDecay: 0).update(plain, rate: 0.1, gradientScale: 1, workers: Self.workers)
        SGD(weightDecay: 0).update(clipped, rate: 0.1, gradientScale: 0.25, workers: Self.workers)
        #expect(Self.values(plain) == Self.values(clipped))
    }
}
