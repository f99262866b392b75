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
        let plan = try RunPlan(
            request, home: home, scratch: RunFolder.disk(for: request.out, telemetry: home.telemetry))
        try plan.checkSize()
        let sensors = try sensors ?? request.makeSensors()
        let folder = try RunFolder(creating: request.out, telemetry: home.telemetry)
        let session: RunSession
        do {
            session = try begin(plan, folder, sensors, started)
        } catch {
            // A run that never began leaves nothing that would stand in the way of the next attempt.
            folder.discard()
            throw error
        }
        return try session.trainRecording()
    }

    /// Seals the base and opens the run's files.
    private func begin(
        _ plan: RunPlan, _ folder: RunFolder, _ sensors: any DeviceSensors, _ started: Date
    ) throws -> RunSession {
        let events = try RunEvents(path: folder.eventsFile, listener: listener)
        let sealedAt = Date()
        let sealed = try seal(plan, folder: folder, events: events)
        try plan.start?.verify(against: plan.gguf, sealed)
        if let start = plan.start { try AtomicFile.write(start.bytes, to: folder.startFile, mode: 0o600) }
        let recipe = plan.recipe(root: sealed.root)
        try AtomicFile.write(RunRecord.encodeLocal(plan), to: folder.localFile, mode: 0o600)
        let record = RunRecord.encode(plan, sealed, recipe: recipe, folder: folder)
        try AtomicFile.write(record, to: folder.runFile, mode: 0o600)
        guard let lock = try FileLock(path: folder.runFile) else { throw ResumeError.inUse(folder: folder.path) }
        let chain = try plan.startChain(sealed, recipe: recipe, folder: folder, record: SHA256Digest.of(record))
        let pacer = RunPacer(request, sensors: sensors, isPaced: isPaced, events: events, stop: stop)
        let members = plan.startMembers(folder: folder, root: sealed.root, recipe: recipe.digest)
        try events.emit("run_started", members.merging(pacer.startMembers) { first, _ in first })
        return RunSession(
            plan: plan, folder: folder, lock: lock, events: events, manifest: sealed, sealedAt: sealedAt,
            faultGuard: try FaultGuard(plan.gguf, of: folder, output: listener.faultOutput), recipe: recipe,
            chain: chain, started: started, stop: stop, pacer: pacer, willTrain: willTrain,
            prefixStorage: prefixStorage?(folder.path))
    }

    /// What a run would do, without doing it: nothing is written.
    public func dryRun() throws -> [String: JSONValue] {
        let plan = try RunPlan(request, home: home)
        try plan.checkSize()
        _ = try sensors ?? request.makeSensors()
        return plan.planMembers
    }

    private func seal(_ plan: RunPlan, folder: RunFolder, events: RunEvents) throws -> SealManifest {
        let faultGuard = try FaultGuard(
            hashing: plan.gguf, status: .failure, output: listener.faultOutput, unfinished: [folder.eventsFile])
        let manifest = try withExtendedLifetime(faultGuard) {
            try Self.seal(plan.gguf, workers: plan.threads, listener)
        }
        try plan.base.checkRoot(manifest.root)
        try AtomicFile.write(manifest.json.canonicalBytes + [0x0A], to: folder.sealFile, mode: 0o600)
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
