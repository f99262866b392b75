internal import Audit
internal import Bytes
internal import Digest
internal import Foundation

/// What follows the close of a run's chain: the attestation, the event `run_finished` and the report.
///
/// All of it is made from the run's folder alone, by the run itself or, where its process was ended first, by the next
/// resume: the same attestation, byte for byte, and a page of the same files.
struct RunCompletion {
    private let record: RunRecord
    private let folder: RunFolder
    private let chain: AuditChain
    private let head: SHA256Digest
    private let artefact: Attestation.Artefact
    private let byteCount: Int
    private let figures: RunFigures

    /// - Throws: `ResumeError.badRecord` for a chain that is not closed or lacks a row that every closed run has;
    ///   `.exportLost` where what it records as exported is not there.
    init(_ record: RunRecord, _ folder: RunFolder, _ chain: AuditChain) throws {
        guard chain.status == .closed, let export = chain.latest(RowKind.export), let file = export["file"]?.asString,
            let contentID = export["content_id"]?.asString.flatMap(SHA256Digest.init),
            let figures = chain.latest("result").flatMap(RunFigures.init)
        else {
            throw ResumeError.badRecord(
                path: folder.auditFile, reason: "it is no closed chain with an export and a result.")
        }
        let path = file == folder.boundaryFile.lastComponent ? folder.boundaryFile : folder.adapterFile
        let found = try? SHA256Digest.ofFile(path: path)
        guard found == contentID else {
            throw ResumeError.exportLost(path: path, expected: contentID.hex, found: found)
        }
        self.record = record
        self.folder = folder
        self.chain = chain
        head = chain.head
        artefact = Attestation.Artefact(name: path.lastComponent, digest: contentID)
        byteCount = export["byte_count"]?.asInt ?? 0
        self.figures = figures
    }

    private var isAttested: Bool { FileManager.default.fileExists(atPath: folder.attestationFile) }
    private var isReported: Bool { FileManager.default.fileExists(atPath: folder.reportFile) }
    private var isTold: Bool {
        guard let bytes = try? WholeFile.read(folder.eventsFile, limit: RunHistory.limit) else { return false }
        return bytes.split(separator: 0x0A).reversed().contains {
            (try? JSONValue.parse(Array($0)))?["event"]?.asString == "run_finished"
        }
    }

    /// Whether nothing is left to do.
    var isComplete: Bool { isAttested && isReported && isTold }

    /// Writes what is missing.
    ///
    /// - Parameter identity: the run's signer.
    func finish(_ identity: Identity, _ events: RunEvents) throws -> RunSummary {
        if !isAttested { try attest(identity) }
        let summary = summary
        if isTold {
            events.tellAgain("run_finished", summary.members)
        } else {
            try events.emit("run_finished", summary.members)
        }
        if !isReported { try RunReportBuilder(runFolder: folder.path).write(to: folder.reportFile) }
        return summary
    }

    private func attest(_ identity: Identity) throws {
        let attestation = Attestation(
            baseName: record.baseName, baseRoot: record.baseRoot, artefact: artefact, corpusID: record.corpusID,
            recipe: record.recipe.digest, chainHead: head,
            passedTests: [
                "sealed tensors unchanged at start, before every update, at export and at end",
                "export read back from disk and verified against the base",
            ], failedTests: [])
        try AtomicFile.write(try attestation.encode(signedBy: identity), to: folder.attestationFile, mode: 0o600)
    }

    private var summary: RunSummary {
        RunSummary(
            folder: folder.path, base: record.baseName, isSynthetic: record.isSynthetic, corpus: record.corpusName,
            isDefaultCorpus: record.isDefaultCorpus, end: figures.end, steps: figures.steps,
            bestStep: figures.bestStep, validationBefore: figures.validationBefore,
            validationAfter: figures.validationAfter, validationLast: figures.validationLast,
            firstBatchLossAfter: figures.firstBatchLossAfter, exportPath: folder.path + "/" + artefact.name,
            exportByteCount: byteCount, contentID: artefact.digest, signer: record.signer,
            frozenTensors: figures.frozenTensors, frozenChanges: 0, sealedTensors: figures.sealedTensors,
            chainHead: head, reportPath: folder.reportFile, tokensPerSecond: figures.tokensPerSecond,
            peakMemoryBytes: figures.peakMemoryBytes, anonymousMemoryBytes: figures.anonymousMemoryBytes,
            startupSeconds: figures.startupSeconds, seconds: figures.seconds, sealCPUShare: figures.sealCPUShare,
            coverageBound: figures.coverageBound)
    }
}
