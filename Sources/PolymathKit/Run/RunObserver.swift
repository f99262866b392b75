internal import Audit
internal import Device
internal import Digest
internal import Foundation
internal import Seal
internal import Training

/// Stands between the trainer and the evidence: the guard looks before every update, events and chain rows follow it.
final class RunObserver: TrainingObserver {
    private let sealGuard: SealGuard
    private let events: RunEvents
    private let chain: AuditWriter
    private let threads: Int
    private(set) var steps: [StepRecord] = []
    private(set) var validations: [ValidationRecord] = []
    /// Sealed bytes checked by rolling checks, by step.
    private(set) var coverage: [(step: Int, checkedBytes: Int)] = []
    private(set) var peakResident = 0
    private(set) var peakAnonymous = 0
    private var lastSlice = 0
    private var rollingBytes = 0

    init(sealGuard: SealGuard, events: RunEvents, chain: AuditWriter, threads: Int) {
        self.sealGuard = sealGuard
        self.events = events
        self.chain = chain
        self.threads = threads
    }

    var wantsPause: Bool { false }

    func willUpdate(step: Int, secondsSoFar: Double) throws {
        lastSlice = try sealGuard.rollingCheck(stepSeconds: secondsSoFar * Double(threads))
        rollingBytes += lastSlice
        sampleMemory()
    }

    func didStep(_ record: StepRecord) throws {
        steps.append(record)
        coverage.append((record.step, rollingBytes))
        sampleMemory()
        try events.emit(
            "step",
            [
                "step": .exactly(record.step), "loss": .measured(record.loss),
                "learning_rate": .measured(record.learningRate), "grad_norm": .measured(record.gradientNorm),
                "num_tokens": .exactly(record.totalTokens),
                "tokens_per_second": .measured(Double(record.tokens) / record.seconds),
                "peak_memory_bytes": .exactly(peakResident), "anonymous_memory_bytes": .exactly(peakAnonymous),
                "seal_checked_bytes": .exactly(lastSlice),
            ])
        try chain.append(
            kind: "step",
            body: [
                "step": .exactly(record.step), "loss": .string("\(record.loss)"),
                "grad_norm": .string("\(record.gradientNorm)"), "seal_checked_bytes": .exactly(lastSlice),
            ])
    }

    func didValidate(_ record: ValidationRecord) throws {
        validations.append(record)
        sampleMemory()
        try events.emit(
            "validation",
            [
                "step": .exactly(record.step), "loss": .measured(record.loss),
                "perplexity": .measured(exp(record.loss)), "num_tokens": .exactly(record.countedTokens),
                "best": .bool(record.isBest),
            ])
        try chain.append(
            kind: "validation",
            body: [
                "step": .exactly(record.step), "loss": .string("\(record.loss)"), "best": .bool(record.isBest),
            ])
    }

    func sampleMemory() {
        guard let memory = MemoryProbe.sample() else { return }
        peakResident = max(peakResident, memory.peakResidentBytes)
        peakAnonymous = max(peakAnonymous, memory.anonymousBytes)
    }

    /// Tokens through forward and backward per second of training steps; validation is not counted.
    var tokensPerSecond: Double {
        let seconds = steps.reduce(0) { $0 + $1.seconds }
        return seconds > 0 ? Double(steps.reduce(0) { $0 + $1.tokens }) / seconds : 0
    }
}
