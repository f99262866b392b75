import Foundation
import TensorCore
import Testing
import Training

@Suite struct ScheduleTests {
    private static func rates(
        _ kind: TrainingOptions.ScheduleKind, warmup: Int, steps: Int, peak: Double = 0.1
    ) -> [Double] {
        var options = TrainingOptions()
        options.schedule = kind
        options.warmup = warmup
        options.steps = steps
        options.learningRate = peak
        let schedule = Schedule(options)
        return (0..<steps).map { schedule.rate(at: $0) }
    }

    private static func expect(_ got: Double, _ wanted: Double, _ place: SourceLocation = #_sourceLocation) {
        #expect(abs(got - wanted) < 1e-12, "\(got) for \(wanted)", sourceLocation: place)
    }

    @Test(arguments: TrainingOptions.ScheduleKind.allCases)
    func `every schedule rises evenly through the warm-up to the peak`(kind: TrainingOptions.ScheduleKind) {
        let rates = Self.rates(kind, warmup: 4, steps: 10)
        for (step, wanted) in [0.025, 0.05, 0.075, 0.1].enumerated() { Self.expect(rates[step], wanted) }
        // The first step after it is at the peak too: the course begins there.
        Self.expect(rates[4], 0.1)
        #expect(rates.allSatisfy { $0 > 0 && $0 <= 0.1 })
    }

    @Test(arguments: TrainingOptions.ScheduleKind.allCases)
    func `without a warm-up the first step is at the peak`(kind: TrainingOptions.ScheduleKind) {
        Self.expect(Self.rates(kind, warmup: 0, steps: 1)[0], 0.1)
        Self.expect(Self.rates(kind, warmup: 0, steps: 8)[0], 0.1)
    }

    @Test func `constant stays, linear and cosine go down to their last steps' values`() {
        #expect(Self.rates(.constant, warmup: 4, steps: 10)[4...].allSatisfy { $0 == 0.1 })
        let linear = Self.rates(.linear, warmup: 4, steps: 10)
        Self.expect(linear[7], 0.05)
        Self.expect(linear[9], 0.1 / 6)
        let cosine = Self.rates(.cosine, warmup: 4, steps: 10)
        Self.expect(cosine[6], 0.1 * 0.75)
        Self.expect(cosine[7], 0.05)
        // cos(5π/6) = −√3/2.
        Self.expect(cosine[9], 0.1 * (1 - 3.0.squareRoot() / 2) / 2)
        for rates in [linear, cosine] { #expect(zip(rates[4...], rates[5...]).allSatisfy { $0 > $1 }) }
    }

    @Test(arguments: TrainingOptions.ScheduleKind.allCases)
    func `a warm-up longer than the run never passes the peak`(kind: TrainingOptions.ScheduleKind) {
        let rates = Self.rates(kind, warmup: 20, steps: 5)
        for (step, rate) in rates.enumerated() { Self.expect(rate, 0.1 * Double(step + 1) / 20) }
    }

    private static var refused: [(name: String, options: TrainingOptions)] {
        func changed<Value>(_ member: WritableKeyPath<TrainingOptions, Value>, _ value: Value) -> TrainingOptions {
            var options = TrainingOptions()
            options[keyPath: member] = value
            return options
        }
        return [
            ("moments", changed(\.moments, .int8)), ("steps", changed(\.steps, 0)),
            ("batch-size", changed(\.batchSize, 0)),
            ("learning-rate", changed(\.learningRate, -0.1)), ("learning-rate", changed(\.learningRate, .nan)),
            ("learning-rate", changed(\.learningRate, .infinity)), ("warmup", changed(\.warmup, -1)),
            ("weight-decay", changed(\.weightDecay, -1)), ("weight-decay", changed(\.weightDecay, .nan)),
            ("grad-clip", changed(\.gradientClip, -1)), ("grad-clip", changed(\.gradientClip, .infinity)),
            ("eval-every", changed(\.evaluateEvery, 0)), ("patience", changed(\.patience, -1)),
        ]
    }

    @Test func `an option outside its range is refused by name`() throws {
        try TrainingOptions().check()
        for (name, options) in Self.refused {
            let error = try #require(throws: TrainingError.self) { try options.check() }
            guard case .invalidOption(name, _, _) = error else { throw error }
            #expect(error.description.hasPrefix("--\(name) "))
        }
    }
}
