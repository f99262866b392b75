internal import Audit
internal import Bytes
internal import Digest
internal import Seal
internal import Training

/// A run's checkpoints and what the chain knows of them.
///
/// A checkpoint's row is written only after a complete check of the base that began after the checkpoint was written:
/// one with a row is good (design, section 5), and the last two good ones are kept.
final class RunCheckpoints {
    private let store: CheckpointStore
    private let recipe: SHA256Digest
    private let sealGuard: SealGuard
    private let events: RunEvents
    private let chain: AuditWriter
    /// Steps whose checkpoints have a row in the chain.
    private var good: Set<Int>
    /// Step of the newest checkpoint that this process wrote or took up.
    private(set) var lastStep: Int?

    init(
        folder: RunFolder, recipe: SHA256Digest, sealGuard: SealGuard, events: RunEvents, chain: AuditWriter,
        resumedStep: Int?, good: Set<Int> = []
    ) {
        // A newer one that the resume passed over is damaged: it does not count among those that are kept.
        self.good = good.filter { $0 <= resumedStep ?? 0 }.union(resumedStep.map { [$0] } ?? [])
        store = CheckpointStore(folder: folder.checkpointsFolder)
        self.recipe = recipe
        self.sealGuard = sealGuard
        self.events = events
        self.chain = chain
        lastStep = resumedStep
    }

    /// Writes the trainer's state unless its step has a checkpoint already.
    ///
    /// - Throws: `BytesError` for the disk, `CheckpointError.notFinite`, `SealViolation`.
    func write(_ trainer: BoundaryTrainer) throws {
        guard trainer.step != lastStep else { return }
        let record = try store.write(trainer, recipe: recipe)
        try sealGuard.fullCheck()
        // A resume takes what it tells of earlier steps from the events, so they must not fall behind.
        try events.sync()
        var body = Self.body(step: record.step, digest: record.digest, path: record.path)
        body["bytes"] = .exactly(record.byteCount)
        try chain.append(kind: RowKind.checkpoint, body: body)
        try chain.sync()
        lastStep = record.step
        good.insert(record.step)
        // One that was written and never checked gives way too: a resume would not take it.
        try store.prune(good: good)
        try events.emit("checkpoint", body)
    }

    /// Removes good ones older than the last two: what a process that was killed right after writing one had no time for.
    func removeSuperseded() throws {
        for step in store.steps.filter(good.contains).dropLast(2) { try AtomicFolder.remove(store.path(ofStep: step)) }
    }

    /// Removes what was written and never checked, when that cannot be told in the chain.
    static func removeUnchecked(in folder: RunFolder, _ rows: [AuditRow]) {
        try? CheckpointStore(folder: folder.checkpointsFolder).prune(good: goodSteps(rows))
    }

    /// Step of the newest checkpoint that is there and has a row in the chain; nil when none is good.
    static func newestGood(in folder: RunFolder, _ rows: [AuditRow]) -> Int? {
        let good = goodSteps(rows)
        return CheckpointStore(folder: folder.checkpointsFolder).steps.last { good.contains($0) }
    }

    static func goodSteps(_ rows: [AuditRow]) -> Set<Int> {
        Set(rows.lazy.filter { $0.kind == RowKind.checkpoint }.compactMap { $0.body["step"]?.asInt })
    }

    /// What a resume goes on from; no checkpoint means from step 0.
    struct Found {
        let checkpoint: Checkpoint?
        /// Whether the chain has a row of it; a run may be killed between the two.
        let isRecorded: Bool
        let remarks: [String]
    }

    /// Members of a checkpoint's row.
    static func body(step: Int, digest: SHA256Digest, path: String) -> [String: JSONValue] {
        [
            "step": .exactly(step), "sha256": .string(digest.hex),
            "folder": .string("checkpoints/" + path.lastComponent),
        ]
    }

    /// The newest checkpoint that can be believed, and a remark, without any place, on each newer one that cannot.
    ///
    /// Damaged ones are passed over. After a violation of the seal only good ones count.
    /// - Throws: `CheckpointError` or `ResumeError.otherCheckpoint` for one that is whole and not this run's own.
    static func newest(
        in folder: RunFolder, recipe: SHA256Digest, chain: AuditChain?
    ) throws -> Found {
        let store = CheckpointStore(folder: folder.checkpointsFolder)
        store.removeLeftovers()
        let rows = chain?.rows ?? []
        let hadViolation = rows.contains { $0.kind == RowKind.sealViolation }
        var remarks: [String] = []
        for step in store.steps.reversed() {
            do {
                let checkpoint = try store.read(step: step, recipe: recipe)
                let row = rows.last { $0.kind == RowKind.checkpoint && $0.body["step"]?.asInt == step }
                if row == nil, hadViolation {
                    remarks.append("The checkpoint of step \(step) was not checked before the base changed.")
                    continue
                }
                if let recorded = row?.body["sha256"]?.asString, recorded != checkpoint.digest.hex {
                    throw ResumeError.otherCheckpoint(
                        path: checkpoint.path, expected: recorded, found: checkpoint.digest)
                }
                return Found(checkpoint: checkpoint, isRecorded: row != nil, remarks: remarks)
            } catch let error as CheckpointError where error.isDamage {
                remarks.append(error.placeless)
            }
        }
        return Found(checkpoint: nil, isRecorded: false, remarks: remarks)
    }
}
