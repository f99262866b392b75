internal import Audit
internal import Device
internal import Digest
internal import Foundation
internal import Seal
internal import Training

/// Stands between the trainer and the evidence: the guard looks before every update, events and chain rows follow it.
final class RunObserver: TrainingObserver {
    private let sealGuard: SealGuard
    private let faultGuard: FaultGuard
    private let events: RunEvents
    private let chain: AuditWriter
    private let checkpoints: RunCheckpoints
    private let checkpointEvery: Int?
    private let told: ToldSteps
    private let stop: StopRequest
    private let pacer: RunPacer
    private var memoryWatch: MemoryWatch
    /// How exactly the chain tells losses.
    private let losses: LossRecord
    /// Seconds of the last step that this process made, until they were told to the pacer.
    private var lastSeconds: Double?
    private(set) var steps: [StepRecord] = []
    private(set) var validations: [ValidationRecord] = []
    /// Sealed bytes checked by rolling checks, by step.
    private(set) var coverage: [(step: Int, checkedBytes: Int)] = []
    private(set) var peakResident = 0
    private(set) var peakAnonymous = 0
    /// Of this process alone, once it has made a step.
    private var ownPeakAnonymous = 0
    /// Processor seconds of the steps that this process made, without the guard's own.
    private(set) var stepSeconds = 0.0
    /// Processor time at which the step under way began.
    private var mark = ProcessorTime.process
    /// Outputs of frozen layers that the trainer keeps, and how many of them the guard has.
    private let keptOutputs: () -> [KeptOutput]
    private var coveredOutputs = 0
    private var lastSlice = 0
    private var rollingBytes = 0

    /// - Parameters:
    ///   - keptOutputs: what the trainer keeps of frozen layers by now, oldest first.
    ///   - history: what earlier processes of this run did.
    ///   - checkpointEvery: steps between checkpoints; nil writes none here.
    ///   - told: what the chain says already of steps that are computed again.
    init(
        sealGuard: SealGuard, faultGuard: FaultGuard, events: RunEvents, chain: AuditWriter,
        checkpoints: RunCheckpoints, checkpointEvery: Int?, stop: StopRequest, pacer: RunPacer,
        memoryWatch: MemoryWatch, history: RunHistory, told: ToldSteps, losses: LossRecord,
        keptOutputs: @escaping () -> [KeptOutput]
    ) {
        self.sealGuard = sealGuard
        self.faultGuard = faultGuard
        faultGuard.reached(step: history.steps.last?.step ?? 0)
        self.events = events
        self.chain = chain
        self.checkpoints = checkpoints
        self.checkpointEvery = checkpointEvery
        self.told = told
        self.stop = stop
        self.pacer = pacer
        self.memoryWatch = memoryWatch
        self.losses = losses
        self.keptOutputs = keptOutputs
        steps = history.steps
        validations = history.validations
        coverage = history.coverage
        peakResident = history.peakResident
        peakAnonymous = history.peakAnonymous
        rollingBytes = history.coverage.last?.checkedBytes ?? 0
    }

    func willBeginStep() throws {
        try pacer.waitForStep(after: steps.last?.step ?? 0, lasting: lastSeconds)
        lastSeconds = nil
        memoryWatch.look(peak: ownPeakAnonymous)
        // A rest is no part of the step after it.
        mark = ProcessorTime.process
    }

    var wantsPause: Bool { stop.signal != nil || pacer.pause != nil || memoryShortage != nil }

    /// Why the run is to end for want of memory; nil while it is not.
    var memoryShortage: MemoryShortage? { memoryWatch.shortage }

    /// Tells what it took to come here: the base is mapped, sealed and decoded, the first step is next.
    func willBegin(startupSeconds: Double) throws {
        let memory = MemoryProbe.sample()
        sampleMemory()
        try events.emit(
            "ready",
            [
                "startup_seconds": .measured(startupSeconds), "peak_memory_bytes": .count(memory?.peakResidentBytes),
                "anonymous_memory_bytes": .count(memory?.anonymousBytes),
            ])
    }

    func didCompleteStep(_ trainer: BoundaryTrainer) throws {
        defer { mark = ProcessorTime.process }
        guard let checkpointEvery, trainer.step % checkpointEvery == 0 else { return }
        try checkpoints.write(trainer)
    }

    func willUpdate(step: Int, secondsSoFar: Double) throws {
        let outputs = keptOutputs()
        try sealGuard.cover(outputs.dropFirst(coveredOutputs))
        coveredOutputs = outputs.count
        let spent = ProcessorTime.process - mark
        lastSlice = try sealGuard.rollingCheck(stepSeconds: spent)
        // The check itself is no part of the step that pays for it.
        stepSeconds += spent
        mark = ProcessorTime.process
        rollingBytes += lastSlice
        sampleMemory()
    }

    func didStep(_ record: StepRecord) throws {
        stepSeconds += ProcessorTime.process - mark
        let row: [String: JSONValue] = [
            "step": .exactly(record.step), "loss": .string(losses.digits(record.loss)),
            "grad_norm": .string(losses.digits(record.gradientNorm)), "seal_checked_bytes": .exactly(lastSlice),
            "seal_unchecked_steps": .exactly(sealGuard.longestUnchecked),
        ]
        try told.check(RowKind.step, record.step, row)
        steps.append(record)
        lastSeconds = record.seconds
        faultGuard.reached(step: record.step)
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
            ].merging(pacer.stepMembers()) { first, _ in first })
        try chain.append(kind: RowKind.step, body: row)
    }

    func didValidate(_ record: ValidationRecord) throws {
        mark = ProcessorTime.process
        let row: [String: JSONValue] = [
            "step": .exactly(record.step), "loss": .string(losses.digits(record.loss)), "best": .bool(record.isBest),
        ]
        try told.check(RowKind.validation, record.step, row)
        validations.append(record)
        sampleMemory()
        try events.emit(
            "validation",
            [
                "step": .exactly(record.step), "loss": .measured(record.loss),
                "perplexity": .measured(exp(record.loss)), "num_tokens": .exactly(record.countedTokens),
                "best": .bool(record.isBest),
            ])
        try chain.append(kind: RowKind.validation, body: row)
    }

    func didNote(_ note: TrainingNote) throws {
        try events.emit("note", ["message": .string(note.description)])
    }

    func sampleMemory() {
        guard let memory = MemoryProbe.sample() else { return }
        peakResident = max(peakResident, memory.peakResidentBytes)
        peakAnonymous = max(peakAnonymous, memory.anonymousBytes)
        if lastSeconds != nil { ownPeakAnonymous = max(ownPeakAnonymous, memory.anonymousBytes) }
    }

    /// The guard's processor time as a part of the steps' own.
    var sealCPUShare: Double { stepSeconds > 0 ? sealGuard.rollingCPUSeconds / stepSeconds : 0 }

    /// Tokens through forward and backward per second of training steps; validation is not counted.
    var tokensPerSecond: Double {
        let seconds = steps.reduce(0) { $0 + $1.seconds }
        return seconds > 0 ? Double(steps.reduce(0) { $0 + $1.tokens }) / seconds : 0
    }
}
