internal import Adapter
internal import Audit
internal import Bytes
internal import Corpus
internal import Digest
internal import Foundation
internal import GGUF
internal import Model
internal import Seal
internal import TensorCore
internal import Training

/// A run whose base is sealed and whose chain is open: trains, exports, closes.
final class RunSession {
    private let plan: RunPlan
    private let folder: RunFolder
    /// Keeps other processes away from the run while this one is at it.
    private let lock: FileLock
    private let events: RunEvents
    private let manifest: SealManifest
    private let sealedAt: Date
    private let faultGuard: FaultGuard
    private let recipe: Recipe
    private let chain: AuditWriter
    private let started: Date
    private let stop: StopRequest
    private let pacer: RunPacer
    private let checkpoint: Checkpoint?
    private let history: RunHistory
    private let told: ToldSteps
    private let occasion: String
    private let willTrain: ((BoundaryTrainer) -> Void)?
    private let prefixStorage: PrefixStorage
    private var step = 0

    /// - Parameters:
    ///   - checkpoint: the state to go on from; nil starts at step 0.
    ///   - history: what was told of the steps up to it.
    ///   - told: what the chain says of steps after it, which are computed again.
    ///   - sealedAt: when the complete check began that `manifest` was just computed by.
    ///   - occasion: of that check.
    ///   - willTrain: a test's look at the trainer before the first step.
    ///   - prefixStorage: where scope `tail` keeps what it keeps; nil means memory as planned, then
    ///     the run's folder.
    init(
        plan: RunPlan, folder: RunFolder, lock: FileLock, events: RunEvents, manifest: SealManifest, sealedAt: Date,
        faultGuard: FaultGuard, recipe: Recipe, chain: AuditWriter, started: Date, stop: StopRequest, pacer: RunPacer,
        checkpoint: Checkpoint? = nil,
        history: RunHistory = RunHistory(), told: ToldSteps = ToldSteps(),
        occasion: String = "start", willTrain: ((BoundaryTrainer) -> Void)? = nil,
        prefixStorage: PrefixStorage? = nil
    ) {
        self.plan = plan
        self.folder = folder
        self.lock = lock
        self.events = events
        self.manifest = manifest
        self.sealedAt = sealedAt
        self.faultGuard = faultGuard
        self.recipe = recipe
        self.chain = chain
        self.started = started
        self.stop = stop
        self.pacer = pacer
        self.checkpoint = checkpoint
        self.history = history
        self.told = told
        self.occasion = occasion
        self.willTrain = willTrain
        self.prefixStorage =
            prefixStorage ?? PrefixStorage(memoryLimit: plan.memory.keptOutputLimit, folder: folder.path)
    }

    /// Trains, exports and closes; what stops it short is put on record before it is thrown on.
    func trainRecording() throws -> RunSummary {
        do {
            return try train()
        } catch let violation as SealViolation {
            throw try record(violation)
        } catch let error as ResumeError {
            guard case .otherStep = error else { throw error }
            try chain.append(
                kind: RowKind.failure, body: ["step": .exactly(step), "reason": .string(error.description)])
            try chain.sync()
            throw error
        } catch let error as BytesError where error.isOfDisk {
            // Where a whole checkpoint does not fit, a row of the chain still may.
            try? chain.append(
                kind: RowKind.failure,
                body: ["step": .exactly(step), "reason": .string(error.placeless)])
            try? chain.sync()
            throw RunDiskFailure(error, folder, step: step)
        }
    }

    private func train() throws -> RunSummary {
        let sealGuard = try SealGuard(
            manifest: manifest, gguf: plan.gguf, workers: plan.threads, sealedAt: sealedAt,
            promisedBound: plan.coverageBound, lease: FileLease(path: plan.base.path))
        // A resume hashed the file; a copy of it is other bytes.
        if occasion == "resume", plan.request.sealStrict { try sealGuard.fullCheck() }
        try recordCheck(occasion, sealGuard)
        let decoder = try Decoder(
            plan.gguf, workers: Workers(count: plan.threads), arithmetic: plan.arithmetic)
        let trainer = try BoundaryTrainer(
            decoder: decoder,
            data: TrainingData(training: plan.corpus.training, validation: plan.corpus.validation),
            options: plan.options, exists: { self.plan.gguf.tensor(named: $0) != nil },
            prefixStorage: prefixStorage, keptFolder: folder.path)
        try decoder.reserve(plan.memory.pass)
        try plan.start?.put(into: trainer, base: plan.gguf)
        if let checkpoint { try trainer.restore(checkpoint) }
        try sealGuard.cover(trainer, positions: plan.sequenceLength)
        willTrain?(trainer)
        let checkpoints = RunCheckpoints(
            folder: folder, recipe: recipe.digest, sealGuard: sealGuard, events: events, chain: chain,
            resumedStep: checkpoint?.step,
            good: RunCheckpoints.goodSteps((try? AuditChain.read(path: folder.auditFile))?.rows ?? []))
        try checkpoints.removeSuperseded()
        let observer = RunObserver(
            sealGuard: sealGuard, faultGuard: faultGuard, events: events, chain: chain,
            checkpoints: checkpoints, checkpointEvery: plan.request.checkpointEvery, stop: stop, pacer: pacer,
            memoryWatch: MemoryWatch(planned: plan.memory.total), history: history, told: told,
            losses: plan.request.lossRecord, keptOutputs: { trainer.keptOutputs })
        let startupSeconds = Date().timeIntervalSince(started)
        try observer.willBegin(startupSeconds: startupSeconds)
        let result: TrainingResult
        do {
            result = try sealGuard.judging { try trainer.run(observer: observer) }
        } catch {
            step = trainer.step
            if let error = error as? TrainingError { try keepLastState(trainer, checkpoints, after: error) }
            throw error
        }
        step = result.lastStep
        if result.end == .paused { throw try pause(trainer, checkpoints, observer.memoryShortage) }
        try sealGuard.fullCheck()
        try recordCheck("export", sealGuard)
        let export = RunExport(
            gguf: plan.gguf, root: manifest.root, recipe: recipe.digest, identity: plan.identity, folder: folder,
            encoding: plan.request.encoding, secret: plan.options.seed.secret)
        // What no closed chain vouches for must not lie about.
        defer { if (try? AuditChain.read(path: folder.auditFile))?.status != .closed { removeExports() } }
        let exported = try export.export(trainer)
        let after = try measureAfter(trainer, observer: observer, sealGuard: sealGuard, exported: exported)
        guard after.firstBatch.isFinite, after.validation?.isFinite ?? true else {
            throw RunError.unusableResult(step: result.bestStep)
        }
        try chain.export(
            file: exported.file, contentID: exported.contentID, byteCount: exported.byteCount,
            details: ["best_step": .exactly(result.bestStep), "trained": updates(trainer)])
        let seconds = Date().timeIntervalSince(started)
        let figures = RunFigures(
            end: result.end.rawValue, steps: result.lastStep, bestStep: result.bestStep,
            validationBefore: result.validationBefore, validationAfter: after.validation,
            validationLast: result.validationLast, firstBatchLossAfter: after.firstBatch,
            frozenTensors: plan.frozenTensorCount, sealedTensors: manifest.tensors.count,
            coverageBound: sealGuard.coverageBound, sealCPUShare: observer.sealCPUShare,
            tokensPerSecond: observer.tokensPerSecond,
            peakMemoryBytes: observer.peakResident, anonymousMemoryBytes: observer.peakAnonymous,
            startupSeconds: startupSeconds, seconds: seconds)
        let recorded = figures.recorded(plan.request.lossRecord)
        try chain.append(kind: RowKind.result, body: recorded.members.merging(try events.mark()) { first, _ in first })
        // Read from the folder, and yet what this process wrote: the chain by its head, the record by the chain.
        let written = try AuditChain.read(path: folder.auditFile, head: chain.head)
        let record = try RunRecord(path: folder.runFile)
        guard written.start["run_json_sha256"]?.asString == record.digest.hex else {
            throw ResumeError.recordChanged(
                path: record.path, expected: written.start["run_json_sha256"]?.asString ?? "nothing",
                found: record.digest)
        }
        let completion = try RunCompletion(record, folder, written)
        // The last line of the events too is one that the close vouches for.
        try completion.announce(in: events)
        let state: [String: JSONValue] = [
            "end": .string(result.end.rawValue), "content_id": .string(exported.contentID.hex),
        ]
        let head = try chain.close(
            step: result.lastStep, state: state.merging(try events.mark()) { first, _ in first })
        return try completion.finish(plan.identity, events, head: head, measured: figures)
    }

    /// Puts a violation on record; the chain stays open, so nothing can be mistaken for a finished run.
    ///
    /// - Returns: what the run ends with.
    private func record(_ violation: SealViolation) throws -> RunViolation {
        removeExports()
        let rows = (try? AuditChain.read(path: folder.auditFile))?.rows ?? []
        let good = RunCheckpoints.newestGood(in: folder, rows)
        var body = violation.recordedMembers
        body["step"] = .exactly(step)
        body["good_checkpoint"] = .count(good)
        do {
            try chain.append(
                kind: RowKind.sealViolation, body: body.merging(try events.mark()) { first, _ in first })
            try chain.sync()
            try events.emit("seal_violation", body)
        } catch {
            // No room to tell of it; what the violation is about is told all the same.
        }
        // The violation is what the run ends with, whether or not a page of it can be written.
        try? RunReportBuilder(runFolder: folder.path).write(to: folder.reportFile)
        return RunViolation(violation: violation, folder: folder.path, step: step, goodCheckpoint: good)
    }

    private func removeExports() {
        for file in [folder.adapterFile, folder.boundaryFile] { try? FileManager.default.removeItem(atPath: file) }
    }

    /// Writes the state, signs the pause, and returns what the run ends with.
    private func pause(
        _ trainer: BoundaryTrainer, _ checkpoints: RunCheckpoints, _ shortage: MemoryShortage?
    ) throws -> RunStopped {
        var state: [String: JSONValue] = ["signal": .exactly(Int(stop.signal ?? 0))]
        var cause = RunStopped.Cause.signal(stop.signal ?? 0)
        // A signal during a rest is what ends the run.
        if stop.signal == nil, let reason = pacer.pause {
            cause = .pace(reason)
            state = pacer.members(of: reason)
        } else if stop.signal == nil, let shortage {
            cause = .memory(shortage)
            state = shortage.members
        }
        try checkpoints.write(trainer)
        var members = state
        members["step"] = .exactly(trainer.step)
        members["device"] = pacer.device
        try events.write("paused", members)
        try chain.pause(step: trainer.step, state: state.merging(try events.mark()) { first, _ in first })
        events.tell("paused", members)
        return RunStopped(folder: folder.path, step: trainer.step, cause: cause)
    }

    /// Writes the state of the last whole step and says in the chain why there is no further one.
    private func keepLastState(
        _ trainer: BoundaryTrainer, _ checkpoints: RunCheckpoints, after error: TrainingError
    ) throws {
        var body: [String: JSONValue] = [
            "step": .exactly(trainer.step), "reason": .string(error.description),
        ]
        do {
            try checkpoints.write(trainer)
        } catch let unusable as CheckpointError {
            // The update itself left values that are no numbers: an older checkpoint is the last good state.
            body["checkpoint"] = .string(unusable.placeless)
        }
        try chain.append(kind: RowKind.failure, body: body)
        try chain.sync()
    }

    private func recordCheck(_ occasion: String, _ sealGuard: SealGuard) throws {
        try chain.append(
            kind: RowKind.sealCheck,
            body: [
                "occasion": .string(occasion), "tensors": .exactly(manifest.tensors.count),
                "bytes": .exactly(sealGuard.sealedByteCount), "root": .string(manifest.root.hex), "changed": 0,
            ].merging(sealGuard.standing) { first, _ in first })
        try chain.sync()
    }

    /// Figures that are called "after": the decoder already holds what was read back from disk.
    private func measureAfter(
        _ trainer: BoundaryTrainer, observer: RunObserver, sealGuard: SealGuard, exported: Exported
    ) throws -> (validation: Double?, firstBatch: Double) {
        let total = plan.corpus.validation?.count ?? 0
        let (validation, firstBatch) = try sealGuard.judging {
            (
                try trainer.evaluateValidation { self.events.progress("validation", done: $0, of: total) }?.value,
                try trainer.firstBatchLoss()
            )
        }
        observer.sampleMemory()
        try sealGuard.fullCheck()
        try recordCheck("end", sealGuard)
        return (validation, firstBatch)
    }

    /// Per trained tensor its shape, and the L2 norms of its change, as read back from the export, and of the base's
    /// values.
    private func updates(_ trainer: BoundaryTrainer) -> JSONValue {
        .array(
            trainer.parameters.map { parameter in
                var change = 0.0
                var norm = 0.0
                parameter.value.withSpan { new in
                    BaseValues(gguf: plan.gguf).forEachRow(of: parameter.name) { row, old in
                        let start = row * old.count
                        for index in old.indices {
                            let difference = Double(new[start + index]) - Double(old[index])
                            change += difference * difference
                            norm += Double(old[index]) * Double(old[index])
                        }
                    }
                }
                return [
                    "tensor": .string(parameter.name), "shape": .array(parameter.fileDimensions.map { .exactly($0) }),
                    "update_norm": .string("\(change.squareRoot())"), "base_norm": .string("\(norm.squareRoot())"),
                ]
            })
    }
}
