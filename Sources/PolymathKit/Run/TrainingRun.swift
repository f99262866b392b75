internal import Adapter
internal import Audit
internal import Bytes
internal import Conventions
public import Device
public import Digest
public import Foundation
internal import GGUF
internal import Seal
package import Training

/// One training from request to report: maps and seals the base, trains its boundary, exports and signs.
///
/// Order of things, and what stops it: options and corpus are checked before anything is written; the base is hashed
/// before the first step; before every update a slice of it is hashed again; before the export and after it the whole
/// base is. Any difference ends the run with `RunViolation` and nothing is exported.
public struct TrainingRun {
    private let request: TrainingRequest
    private let home: Home
    private let listener: any RunListener
    private let stop: StopRequest
    /// Where the run learns how the device is; nil means as the request says. An app that may not read the system's own
    /// files answers here.
    public var sensors: (any DeviceSensors)?
    /// Whether the request's pace is kept; a replay's is not.
    var isPaced = true
    /// When what the caller counts as the run's start-up began, such as its process; nil means the call of ``run()``.
    public var began: Date?
    /// The secret seed of a run that is made again; nil draws one where the request names no seed.
    var secret: SecretSeed?
    /// For tests: sees the trainer before the first step.
    package var willTrain: ((BoundaryTrainer) -> Void)?
    /// For tests: where, given the run's folder, scope `tail` keeps what it keeps; nil means as planned.
    package var prefixStorage: ((String) -> PrefixStorage)?

    /// - Parameter stop: asked between steps whether to end at a pause, from which ``RunResumption`` goes on.
    public init(
        _ request: TrainingRequest, home: Home, listener: any RunListener, stop: StopRequest = StopRequest()
    ) {
        self.request = request
        self.home = home
        self.listener = listener
        self.stop = stop
    }

    /// Trains and returns what was made.
    ///
    /// - Throws: `BaseError`, `GGUFError`, `ModelError`, `CorpusError`, `TrainingError`, `RunError` for input that cannot
    ///   be; `RunViolation` when the base changed; `BytesError` for the disk; `RunStopped` at a pause.
    public func run() throws -> RunSummary {
        let started = began ?? Date()
        if let out = request.out { try NewRunFolder.requireUsable(out) }
        let plan = try RunPlan(
            request, home: home, secret: secret,
            scratch: RunFolder.disk(for: request.out, telemetry: home.telemetry))
        try plan.checkSize()
        let sensors = try sensors ?? request.makeSensors()
        let sealedAt = Date()
        let sealed = try seal(plan)
        try plan.start?.verify(against: plan.gguf, sealed)
        // Everything is checked: from here on something is written.
        let making = try NewRunFolder(request.out, telemetry: home.telemetry)
        let session: RunSession
        do {
            session = try begin(plan, making, sealed, sealedAt, sensors, started)
        } catch {
            // A run that never began leaves nothing that would stand in the way of the next attempt.
            throw making.discard(for: error)
        }
        return try session.trainRecording()
    }

    /// Writes the run's first files, gives its folder its name, and opens what the run goes on writing.
    private func begin(
        _ plan: RunPlan, _ making: NewRunFolder, _ sealed: SealManifest, _ sealedAt: Date,
        _ sensors: any DeviceSensors, _ started: Date
    ) throws -> RunSession {
        let folder = making.folder
        try making.write(sealed.json.canonicalBytes + [0x0A], to: .seal)
        if let start = plan.start { try making.write(start.bytes, to: .start) }
        if let secret = plan.options.seed.secret {
            try making.write(RunSecret.encode(secret, run: folder.name, identity: plan.identity), to: .secret)
        }
        let recipe = plan.recipe(root: sealed.root)
        try making.write(RunRecord.encodeLocal(plan), to: .local)
        let record = RunRecord.encode(plan, sealed, recipe: recipe, folder: folder)
        try making.write(record, to: .run)
        try making.write([], to: .events)
        guard let lock = try FileLock(path: making.filling.runFile) else {
            throw ResumeError.inUse(folder: folder.path)
        }
        making.claim(.audit)
        let chain = try plan.startChain(
            sealed, recipe: recipe, folder: making.filling, record: SHA256Digest.of(record))
        try making.put()
        chain.follow(to: folder.auditFile)
        let events = try RunEvents(path: folder.eventsFile, listener: listener, losses: request.lossRecord)
        making.claim(.fault)
        let faultGuard = try FaultGuard(plan.gguf, of: folder, output: listener.faultOutput)
        let pacer = RunPacer(request, sensors: sensors, isPaced: isPaced, events: events, stop: stop)
        let members = plan.startMembers(folder: folder, root: sealed.root, recipe: recipe.digest)
        try events.emit("run_started", members.merging(pacer.startMembers) { first, _ in first })
        return RunSession(
            plan: plan, folder: folder, lock: lock, events: events, manifest: sealed, sealedAt: sealedAt,
            faultGuard: faultGuard, recipe: recipe, chain: chain, started: started, stop: stop, pacer: pacer,
            willTrain: willTrain, prefixStorage: prefixStorage?(folder.path))
    }

    /// What a run would do, without doing it: nothing is written.
    public func dryRun() throws -> [String: JSONValue] {
        let plan = try RunPlan(request, home: home)
        try plan.checkSize()
        _ = try sensors ?? request.makeSensors()
        return plan.planMembers
    }

    private func seal(_ plan: RunPlan) throws -> SealManifest {
        let faultGuard = try FaultGuard(hashing: plan.gguf, status: .failure, output: listener.faultOutput)
        let manifest = try withExtendedLifetime(faultGuard) {
            try Self.seal(plan.gguf, workers: plan.threads, listener)
        }
        try plan.base.checkRoot(manifest.root)
        return manifest
    }

    /// Hashes every tensor of a base.
    static func seal(_ gguf: GGUFFile, workers: Int, _ listener: any RunListener) throws -> SealManifest {
        let total = gguf.tensors.reduce(0) { $0 + $1.byteCount }
        let listener = ProgressRelay(listener)
        return try SealManifest.compute(gguf, workers: workers) { done in
            listener.progress("seal", done: done, of: total)
        }
    }

    /// One thread per core.
    static var defaultThreads: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

/// Passes progress from hashing threads to the listener, one at a time.
private final class ProgressRelay: @unchecked Sendable {
    // The lock is what makes it safe to share: the listener itself is called by one thread at a time.
    private let lock = NSLock()
    private let listener: any RunListener

    init(_ listener: any RunListener) { self.listener = listener }

    func progress(_ title: String, done: Int, of total: Int) {
        lock.withLock { listener.progress(title, done: done, of: total) }
    }
}
