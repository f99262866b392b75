internal import Audit
internal import Bytes
internal import Conventions
public import Digest
internal import Foundation
internal import GGUF
internal import Seal
internal import Training

/// Turns what a fault handler left in a run's folder into a row of the run's chain.
///
/// The handler can neither hash nor sign, so the row is added by the next process that resumes or verifies the run under
/// its identity. It is a `seal_violation` like any other, and says that it was entered afterwards and by whom.
public enum FaultEntry {
    /// Adds the row for the fault record in `folder`, and removes the record and whatever was exported unfinished.
    ///
    /// - Parameter occasion: `resume` or `verify`, for the row.
    /// - Returns: the row's body; nil when there is no record, the run is under way elsewhere, or its chain is not open.
    public static func enter(
        folder path: String, identity: Identity, occasion: String
    ) throws -> [String: JSONValue]? {
        guard isLeft(in: path), let lock = try FileLock(path: path + "/run.json") else { return nil }
        return try withExtendedLifetime(lock) {
            try enterLocked(RunRecord(path: path + "/run.json"), path, identity, occasion)
        }
    }

    /// Whether the folder holds a record of a fault that no row tells of.
    public static func isLeft(in folder: String) -> Bool {
        ((try? FileIdentity(ofFileAt: folder + "/" + FaultRecord.fileName))?.byteCount ?? 0) > 0
    }

    /// As ``enter(folder:identity:occasion:)`` for a caller that holds the run's lock.
    static func enterLocked(
        _ run: RunRecord, _ path: String, _ identity: Identity, _ occasion: String
    ) throws -> [String: JSONValue]? {
        guard isLeft(in: path) else { return nil }
        let folder = RunFolder(path: path, name: run.run)
        let chain = try AuditChain.read(path: folder.auditFile)
        guard chain.status == .open else { return nil }
        let body = try body(folder, run, chain, occasion)
        try AuditWriter.amend(
            path: folder.auditFile, identity: identity, kind: RowKind.sealViolation, body: body)
        for file in [folder.adapterFile, folder.boundaryFile, folder.faultFile] {
            try? FileManager.default.removeItem(atPath: file)
        }
        return body
    }

    private static func body(
        _ folder: RunFolder, _ run: RunRecord, _ chain: AuditChain, _ occasion: String
    ) throws -> [String: JSONValue] {
        let checked = chain.rows.last { [RowKind.sealCheck, RowKind.checkpoint].contains($0.kind) }?.time
        let base = (try? BaseReference.resolve(run.request.base, home: run.home).path) ?? run.request.base
        var body: [String: JSONValue]
        do {
            guard let record = try FaultRecord.read(path: folder.faultFile) else { return [:] }
            let manifest = try? SealManifest(
                json: JSONValue.parse(WholeFile.read(folder.sealFile, limit: SealManifest.byteLimit)))
            let violation = record.violation(
                path: base, manifest: manifest,
                lastCompleteCheck: checked.flatMap { try? Date($0, strategy: .iso8601) })
            body = violation.recordedMembers
            body["step"] = .exactly(record.step)
            body["fault_time"] = .string(record.time.formatted(.iso8601))
        } catch let error as SealError {
            // The handler was cut short itself; that something happened is all there is to say.
            body = ["kind": "unknown_fault", "file": .string(base.lastComponent), "reason": .string(error.description)]
        }
        body["entered_by"] = .string(occasion)
        body["good_checkpoint"] = .count(RunCheckpoints.newestGood(in: folder, chain.rows))
        return body
    }
}

extension FaultGuard {
    /// Watches the base of a run whose chain is open; a record goes into its folder.
    convenience init(_ gguf: GGUFFile, of folder: RunFolder, output: FaultOutput?) throws {
        try self.init(
            watching: gguf.region, path: gguf.file?.path ?? "", recordPath: folder.faultFile,
            exitStatus: ExitStatus.sealViolation.code, output: output,
            advice: "nothing was exported, and once the base is whole again, polymath train --resume "
                + "\(escaped(folder.path, limit: 400)) goes on from the last good checkpoint",
            unfinished: [folder.adapterFile, folder.boundaryFile], endsProcess: output != nil)
    }

    /// Watches a base that is hashed before its run begins or goes on.
    convenience init(hashing gguf: GGUFFile, status: ExitStatus, output: FaultOutput?) throws {
        try self.init(
            watching: gguf.region, path: gguf.file?.path ?? "", recordPath: nil, exitStatus: status.code,
            output: output, advice: "the run has not begun", endsProcess: output != nil)
    }
}
