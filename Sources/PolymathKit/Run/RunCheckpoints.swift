internal import Audit
internal import Bytes
internal import Digest
internal import Seal
internal import Training

/// A run's checkpoints and what the chain knows of them.
///
/// A checkpoint's row is signed, and is on the medium before the checkpoint appears under its name; it is written only
/// after a complete check of the base that began after the checkpoint's bytes were written. So every checkpoint that is
/// there is good (design, section 5), unless somebody else put it there or cut its row off: then it is not believed. The
/// last two are kept.
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
        var body: [String: JSONValue] = [:]
        let record = try store.write(trainer, recipe: recipe) { record in
            try sealGuard.fullCheck()
            body = [
                "step": .exactly(record.step), "sha256": .string(record.digest.hex),
                "folder": .string("checkpoints/" + record.path.lastComponent), "bytes": .exactly(record.byteCount),
            ]
            // A resume takes what it tells of earlier steps from the events, so they are vouched for here.
            try chain.append(
                kind: RowKind.checkpoint, body: body.merging(try events.mark()) { first, _ in first })
            try chain.sync()
        }
        lastStep = record.step
        good.insert(record.step)
        try store.prune(good: good)
        try events.emit("checkpoint", body)
    }

    /// Removes good ones older than the last two: what a process that was killed right after writing one had no time for.
    func removeSuperseded() throws {
        for step in store.steps.filter(good.contains).dropLast(2) { try AtomicFolder.remove(store.path(ofStep: step)) }
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
        let remarks: [String]
    }

    /// The newest checkpoint that can be believed, and a remark, without any place, on each newer one that is damaged and
    /// was passed over.
    ///
    /// - Throws: `ResumeError.unvouchedCheckpoint` for one of which the chain holds no row, `.otherCheckpoint` for one
    ///   that is whole and not the recorded one, `CheckpointError` for one of another run.
    static func newest(in folder: RunFolder, recipe: SHA256Digest, chain: AuditChain) throws -> Found {
        let store = CheckpointStore(folder: folder.checkpointsFolder)
        store.removeLeftovers()
        var digests: [Int: String] = [:]
        for row in chain.rows where row.kind == RowKind.checkpoint {
            if let step = row.body["step"]?.asInt { digests[step] = row.body["sha256"]?.asString ?? "" }
        }
        let steps = store.steps
        if let step = steps.last(where: { digests[$0] == nil }) {
            throw ResumeError.unvouchedCheckpoint(
                path: store.path(ofStep: step), older: steps.last { digests[$0] != nil })
        }
        var remarks: [String] = []
        for step in steps.reversed() {
            do {
                let checkpoint = try store.read(step: step, recipe: recipe)
                let recorded = digests[step] ?? ""
                guard recorded == checkpoint.digest.hex else {
                    throw ResumeError.otherCheckpoint(
                        path: checkpoint.path, expected: recorded, found: checkpoint.digest)
                }
                return Found(checkpoint: checkpoint, remarks: remarks)
            } catch let error as CheckpointError where error.isDamage {
                remarks.append(error.placeless)
            }
        }
        return Found(checkpoint: nil, remarks: remarks)
    }
}
