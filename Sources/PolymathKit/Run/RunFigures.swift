internal import Digest
internal import Seal

/// What a run measured, as its chain's `result` row holds it: the report shows these and no others.
struct RunFigures {
    let end: String
    let steps: Int
    let bestStep: Int
    private(set) var validationBefore: Double?
    private(set) var validationAfter: Double?
    private(set) var validationLast: Double?
    private(set) var firstBatchLossAfter: Double
    let frozenTensors: Int
    let sealedTensors: Int
    /// Steps within which the rolling checks cover the whole base.
    let coverageBound: Int
    let sealCPUShare: Double
    let tokensPerSecond: Double
    let peakMemoryBytes: Int
    let anonymousMemoryBytes: Int
    /// From the start of the process, or of the run inside one, to the first step.
    let startupSeconds: Double
    let seconds: Double

    /// With losses as the run's folder tells them.
    func recorded(_ losses: LossRecord) -> RunFigures {
        var figures = self
        figures.validationBefore = losses.recorded(validationBefore)
        figures.validationAfter = losses.recorded(validationAfter)
        figures.validationLast = losses.recorded(validationLast)
        figures.firstBatchLossAfter = losses.recorded(firstBatchLossAfter)
        return figures
    }

    /// Fractions are strings of the digits that read back to the same bits, as everywhere in the chain.
    var members: [String: JSONValue] {
        [
            "end": .string(end), "steps": .exactly(steps), "best_step": .exactly(bestStep),
            "validation_loss_before": .digits(validationBefore), "validation_loss_after": .digits(validationAfter),
            "validation_loss_last": .digits(validationLast), "first_batch_loss_after": .digits(firstBatchLossAfter),
            "frozen_tensors": .exactly(frozenTensors), "frozen_changes": 0, "sealed_tensors": .exactly(sealedTensors),
            "seal_coverage_bound_steps": .exactly(coverageBound), "seal_cpu_share": .digits(sealCPUShare),
            "tokens_per_second": .digits(tokensPerSecond), "peak_memory_bytes": .exactly(peakMemoryBytes),
            "anonymous_memory_bytes": .exactly(anonymousMemoryBytes),
            "startup_seconds": .digits(startupSeconds), "seconds": .digits(seconds),
        ]
    }
}

extension RunFigures {
    /// Reads the body of a `result` row; nil where it lacks a figure that every run has.
    init?(_ body: JSONValue) {
        func digits(_ name: String) -> Double? { body[name]?.asString.flatMap(Double.init) }
        guard let end = body["end"]?.asString, let steps = body["steps"]?.asInt,
            let bestStep = body["best_step"]?.asInt, let firstBatchLossAfter = digits("first_batch_loss_after"),
            let frozenTensors = body["frozen_tensors"]?.asInt, let sealedTensors = body["sealed_tensors"]?.asInt
        else { return nil }
        self.init(
            end: end, steps: steps, bestStep: bestStep, validationBefore: digits("validation_loss_before"),
            validationAfter: digits("validation_loss_after"), validationLast: digits("validation_loss_last"),
            firstBatchLossAfter: firstBatchLossAfter, frozenTensors: frozenTensors, sealedTensors: sealedTensors,
            coverageBound: body["seal_coverage_bound_steps"]?.asInt ?? 0, sealCPUShare: digits("seal_cpu_share") ?? 0,
            tokensPerSecond: digits("tokens_per_second") ?? 0, peakMemoryBytes: body["peak_memory_bytes"]?.asInt ?? 0,
            anonymousMemoryBytes: body["anonymous_memory_bytes"]?.asInt ?? 0,
            startupSeconds: digits("startup_seconds") ?? 0, seconds: digits("seconds") ?? 0)
    }
}

extension JSONValue {
    fileprivate static func digits(_ value: Double?) -> JSONValue { value.map { .string("\($0)") } ?? .null }
}

extension SealViolation {
    /// The violation as members of a row or an event.
    var recordedMembers: [String: JSONValue] { json.asObject ?? [:] }
}
