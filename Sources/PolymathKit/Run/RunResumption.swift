internal import Audit
internal import Bytes
internal import Conventions
public import Device
internal import Digest
public import Foundation
internal import GGUF
internal import Seal
internal import TensorCore
internal import Training

/// Goes on with an interrupted run, to the losses and the content id that it would have had undisturbed.
///
/// Order of things: nobody else may be at it; its record is the one that the chain knows; the base, hashed whole,
/// has the run's root; identity, corpus, kernel path and options are the run's. Only then is anything written.
public struct RunResumption {
    private let path: String
    private let listener: any RunListener
    private let stop: StopRequest
    /// Threads; nil takes those of the run's request. Changes no bit of the result.
    public var threads: Int?
    /// Most anonymous memory to hold; nil keeps the run's own.
    public var memoryBudget: Int?
    /// Steps between checkpoints; nil takes those of the run's request. Changes no bit of the result.
    public var checkpointEvery: Int?
    /// Pace, window, presence file and sensors; nil takes those of the run's request. They change no bit of the result.
    public var pace: PacingLimits.Preset?
    public var paceWindow: TimeWindow?
    public var presenceFile: String?
    public var sensorsPath: String?
    /// Whether the base is read into memory; nil means as the request says. Changes no bit of the result.
    public var sealStrict: Bool?
    /// Where the run learns how the device is; nil means as the request says.
    public var sensors: (any DeviceSensors)?
    /// Whether to go on where another processor or version may round otherwise; recorded in the chain.
    public var allowsOtherKernels = false
    /// When what the caller counts as the start-up began; see ``TrainingRun/began``.
    public var began: Date?

    /// - Parameter folder: the run's.
    public init(folder: String, listener: any RunListener, stop: StopRequest = StopRequest()) {
        path = folder
        self.listener = listener
        self.stop = stop
    }

    /// Trains what is left and returns what was made.
    ///
    /// - Throws: `ResumeError` where something is not what the run was started with, `RunStopped` at a pause, and
    ///   whatever ``TrainingRun/run()`` throws.
    public func run() throws -> RunSummary {
        do {
            return try goOn()
        } catch let error as BytesError where error.isOfDisk && error.path?.hasPrefix(path + "/") == true {
            throw RunDiskFailure(error, RunFolder(path: path, name: ""), step: nil)
        }
    }

    private func goOn() throws -> RunSummary {
        let started = began ?? Date()
        let recordPath = path + "/run.json"
        if let reason = RunFolder.whyNoRun(at: path) { throw RunError.notARun(folder: path, reason: reason) }
        guard let lock = try FileLock(path: recordPath) else { throw ResumeError.inUse(folder: path) }
        let record = try RunRecord(path: recordPath)
        let folder = RunFolder(path: path, name: record.run)
        var known = try readChain(record, folder)
        var request = record.request
        request.threads = threads ?? request.threads
        request.memoryBudget = memoryBudget ?? request.memoryBudget
        request.checkpointEvery = checkpointEvery ?? request.checkpointEvery
        request.sealStrict = sealStrict ?? request.sealStrict
        request.pace = pace ?? request.pace
        request.paceWindow = paceWindow ?? request.paceWindow
        request.presenceFile = presenceFile ?? request.presenceFile
        request.sensorsPath = sensorsPath ?? request.sensorsPath
        let sensors = try sensors ?? request.makeSensors()
        let identity = try checkIdentity(request, record)
        // `run.json` says who began the run, and the chain shows it.
        guard let identity, known.signer == identity.publicKey else {
            throw ResumeError.otherSigner(
                expected: known.signer.fingerprint, found: identity?.publicKey.fingerprint ?? "none")
        }
        if known.status == .closed { return try complete(record, folder, known, identity) }
        // A start that nobody signed could have been written by whoever can write here, with a record of their own.
        guard known.version >= 2 else { throw ResumeError.unsignedChain(folder: path) }
        if try FaultEntry.enterLocked(record, path, identity, "resume") != nil {
            known = try readChain(record, folder)
        }
        let interruption = Self.interruption(known)
        let secret = try Self.secret(record, folder, identity)
        let sealedAt = Date()
        let (manifest, hashed) = try checkBase(request, record, folder)
        let plan = try RunPlan(request, home: record.home, secret: secret, scratch: folder.path)
        guard plan.gguf.file?.identity == hashed?.identity, plan.gguf.file?.times == hashed?.times else {
            throw ResumeError.baseReplaced(path: plan.base.path)
        }
        try check(plan, manifest, record)

        let found = try RunCheckpoints.newest(in: folder, recipe: record.recipe.digest, chain: known)
        let step = found.checkpoint?.step ?? 0
        let told = try toldEvents(folder, known)
        let history = RunHistory(
            told.bytes, vouchedCount: told.vouchedCount, passedOver: known.unvouchedEvents,
            lastStep: found.checkpoint == nil ? -1 : step)
        let toldSteps = try ToldSteps(
            known.rows, vouchedCount: known.vouchedRowCount, after: step, last: plan.options.steps)
        folder.removeLeftovers(isClosed: false)
        let events = try RunEvents(path: folder.eventsFile, listener: listener, losses: request.lossRecord)
        var details: [String: JSONValue] = [
            "kernel_path": .string(plan.kernelPath),
            // What nobody had signed for when this process came: rows of the chain, and bytes of the events, which the
            // report passes over.
            "vouched_rows": .exactly(known.vouchedRowCount),
            "unvouched_rows": .exactly(known.rows.count - known.vouchedRowCount),
            "events_vouched_bytes": .exactly(told.vouchedCount),
            "events_unvouched_bytes": .exactly(max(0, events.byteCount - told.vouchedCount)),
        ]
        let remarks = JSONValue.array(found.remarks.map { .string($0) })
        if !found.remarks.isEmpty { details["remarks"] = remarks }
        if plan.kernelPath != record.kernelPath { details["other_kernels_allowed"] = true }
        let chain = try AuditWriter.resume(
            path: folder.auditFile, identity: plan.identity, from: step, checkpoint: found.checkpoint?.digest,
            details: details)
        var members = plan.startMembers(folder: folder, root: manifest.root, recipe: record.recipe.digest)
        members["step"] = .exactly(step)
        members["remarks"] = remarks
        members["after"] = .string(interruption)
        // Sensors from elsewhere need not have what the run's own had.
        let areOthers = self.sensors != nil || request.sensorsPath != record.request.sensorsPath
        let pacer = RunPacer(
            request, sensors: sensors, isPaced: true, events: events, stop: stop,
            earlier: areOthers ? [] : history.devices)
        members.merge(pacer.startMembers) { _, new in new }
        members["other_sensors"] = .bool(areOthers)
        try events.emit("resumed", members)
        let session = RunSession(
            plan: plan, folder: folder, lock: lock, events: events, manifest: manifest, sealedAt: sealedAt,
            faultGuard: try FaultGuard(plan.gguf, of: folder, output: listener.faultOutput), recipe: record.recipe,
            chain: chain, started: started, stop: stop, pacer: pacer, checkpoint: found.checkpoint, history: history,
            told: toldSteps, occasion: "resume")
        return try session.trainRecording()
    }

    /// What ended the process before this one, by its last rows: a signed pause, a seal violation, a failure that it
    /// could still tell of, or, where it could tell nothing, a kill.
    private static func interruption(_ chain: AuditChain) -> String {
        if case .paused = chain.status { return "pause" }
        switch chain.rows.last?.kind {
        case RowKind.sealViolation: return "violation"
        case RowKind.failure: return "failure"
        default: return "kill"
        }
    }

    /// The run's chain, checked whole.
    ///
    /// - Throws: `ResumeError.noChain` where it is missing or empty: without it `run.json` is nobody's word.
    private func readChain(_ record: RunRecord, _ folder: RunFolder) throws -> AuditChain {
        if InputPath.isMissing(folder.auditFile) { throw ResumeError.noChain(folder: path) }
        let chain: AuditChain
        do {
            chain = try AuditChain.read(path: folder.auditFile)
        } catch {
            throw error == .empty ? ResumeError.noChain(folder: path) : error
        }
        let recorded = chain.start["run_json_sha256"]?.asString ?? "nothing"
        guard recorded == record.digest.hex else {
            throw ResumeError.recordChanged(path: record.path, expected: recorded, found: record.digest)
        }
        return chain
    }

    /// The run's events, and how many of their bytes a signed row of the chain vouches for; none where there is no such row
    /// yet.
    private func toldEvents(_ folder: RunFolder, _ chain: AuditChain) throws -> (bytes: [UInt8], vouchedCount: Int) {
        guard let mark = chain.signedEventsMark else {
            return ((try? WholeFile.read(folder.eventsFile, limit: RunHistory.limit)) ?? [], 0)
        }
        let bytes = try WholeFile.read(folder.eventsFile, limit: RunHistory.limit)
        guard mark.holds(for: bytes) else {
            throw ResumeError.eventsChanged(path: folder.eventsFile, byteCount: mark.byteCount)
        }
        return (bytes, mark.byteCount)
    }

    /// Writes what a run whose chain is closed still lacks, because its process was ended first.
    private func complete(
        _ record: RunRecord, _ folder: RunFolder, _ chain: AuditChain, _ identity: Identity
    ) throws -> RunSummary {
        let completion = try RunCompletion(record, folder, chain)
        folder.removeLeftovers(isClosed: true)
        guard !completion.isComplete else { throw ResumeError.closed(folder: path) }
        // What is signed for here must hold without that signature.
        let verdict = AuditVerification.verify(runFolder: path, trust: SignerTrust(only: identity.publicKey))
        if let failed = verdict.checks.first(where: { $0.result == .failed && $0.name != "attestation" }) {
            throw ResumeError.evidence(folder: path, reason: failed.sentence)
        }
        return try completion.finish(
            identity, RunEvents(path: folder.eventsFile, listener: listener, losses: record.request.lossRecord),
            head: chain.head)
    }

    /// The run's secret seed; nil where its seed is public.
    private static func secret(_ record: RunRecord, _ folder: RunFolder, _ identity: Identity?) throws -> SecretSeed? {
        guard let commitment = record.recipe.seedCommitment else { return nil }
        guard let identity else { throw IdentityError.noConfigurationFolder }
        return try RunSecret.read(folder, identity: identity, commitment: commitment)
    }

    /// Before the corpus is read under a key of the identity: a new one must not be made for an old run.
    private func checkIdentity(_ request: TrainingRequest, _ record: RunRecord) throws -> Identity? {
        guard let path = request.identityPath else { return nil }
        let identity = try Identity.load(path: path)
        let signer = identity.publicKey.fingerprint
        guard signer == record.signer else { throw ResumeError.otherSigner(expected: record.signer, found: signer) }
        return identity
    }

    /// Hashes the base whole; this is the seal's full check at resume.
    private func checkBase(
        _ request: TrainingRequest, _ record: RunRecord, _ folder: RunFolder
    ) throws -> (SealManifest, MappedFile?) {
        let recorded = try? SealManifest(
            json: JSONValue.parse(WholeFile.read(folder.sealFile, limit: SealManifest.byteLimit)))
        let base: ResolvedBase
        let gguf: GGUFFile
        do {
            base = try BaseReference.resolve(request.base, home: record.home)
            gguf = try GGUFFile(path: base.path)
        } catch  where ExitStatus(for: error) == .failure {
            // It could be read when the run was started.
            throw Self.unreadable(request.base, recorded, error)
        }
        let faultGuard = try FaultGuard(hashing: gguf, status: .mismatch, output: listener.faultOutput)
        let manifest = try withExtendedLifetime(faultGuard) {
            try TrainingRun.seal(gguf, workers: request.threads ?? TrainingRun.defaultThreads, listener)
        }
        guard manifest.root == record.baseRoot else {
            let digests = Dictionary(
                (recorded?.tensors ?? []).map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
            let differing = manifest.tensors.first { tensor in digests[tensor.name].map { $0 != tensor.digest } ?? false
            }
            throw ResumeError.otherBase(
                path: base.path, expected: record.baseRoot, found: manifest.root, tensor: differing?.name)
        }
        return (manifest, gguf.file)
    }

    private static func unreadable(_ path: String, _ recorded: SealManifest?, _ error: any Error) -> ResumeError {
        let byteCount = (try? FileIdentity(ofFileAt: path))?.byteCount
        let lost = byteCount.flatMap { size in
            recorded?.tensors.sorted { $0.offset < $1.offset }.first { $0.offset + $0.byteCount > size }
        }
        return .unreadableBase(path: path, reason: "\(error)", lostTensor: lost?.name)
    }

    private func check(_ plan: RunPlan, _ manifest: SealManifest, _ record: RunRecord) throws {
        let signer = plan.identity.publicKey.fingerprint
        guard signer == record.signer else { throw ResumeError.otherSigner(expected: record.signer, found: signer) }
        try plan.start?.verify(against: plan.gguf, manifest)
        guard plan.corpus.id == record.corpusID else {
            throw ResumeError.otherCorpus(
                name: plan.corpus.name, expected: record.corpusID, found: plan.corpus.id)
        }
        guard plan.kernelPath == record.kernelPath || allowsOtherKernels else {
            throw ResumeError.otherKernels(expected: record.kernelPath, found: plan.kernelPath)
        }
        let recipe = plan.recipe(root: manifest.root, kernelPath: record.kernelPath)
        guard recipe.digest == record.recipe.digest else {
            throw ResumeError.otherRecipe(expected: record.recipe.digest, found: recipe.digest)
        }
    }
}
