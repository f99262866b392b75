internal import Audit
public import Bytes
public import Conventions
internal import Foundation

/// The disk took no more, or was no longer there: how far the run was, and what it goes on from.
///
/// Whatever failed to be written is gone again, and the last good checkpoint is as it was.
public struct RunDiskFailure: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    public let reason: BytesError
    public let folder: String
    /// What the run goes on from, as far as its folder can still be read.
    public enum Standing: Equatable, Sendable {
        /// Step of the newest good checkpoint; nil means from the start.
        case open(goodCheckpoint: Int?)
        /// The chain is closed and the export in place; attestation or report may be missing.
        case closed
        case unknown
    }
    public let standing: Standing
    /// Whole steps made; nil where a run did not go on at all.
    public let step: Int?

    public var exitStatus: ExitStatus { .resources }

    /// - Parameter step: whole steps made; nil where nothing was.
    init(_ reason: BytesError, _ folder: RunFolder, step: Int?) {
        // Without the folder, whatever was tried last says nothing of what is wrong.
        self.reason =
            FileManager.default.fileExists(atPath: folder.runFile) ? reason : .moved(path: folder.path)
        self.folder = folder.path
        self.step = step
        do {
            let chain = try AuditChain.read(path: folder.auditFile)
            standing =
                chain.status == .closed
                ? .closed : .open(goodCheckpoint: RunCheckpoints.newestGood(in: folder, chain.rows))
        } catch {
            standing = error == .empty ? .open(goodCheckpoint: nil) : .unknown
        }
    }

    public var description: String {
        let resume = "polymath train --resume \(escaped(folder, limit: 400))"
        let advice =
            switch standing {
            case .open(let step?): "\(resume) goes on from the checkpoint of step \(step)"
            case .open(nil): "\(resume) goes on from the start, as there is no checkpoint yet"
            case .closed: "\(resume) writes what is missing; the run is closed and what it exported is in place"
            case .unknown: "\(resume) goes on from the last good checkpoint"
            }
        let done = step.map { "stopped after step \($0)" } ?? "the run did not go on"
        if case .beyondLimit = reason {
            return "\(reason); \(done), and it cannot be brought to its end in this folder: start it again with fewer "
                + "--steps."
        }
        return "\(reason); \(done), and once the disk is there and has room, \(advice)."
    }
}
