internal import Audit
internal import Bytes
internal import Digest
internal import Foundation

/// What ends a run: the last line of its events before the close of its chain, the attestation and the report after it.
///
/// All of it is made from the run's folder alone, by the run itself or, where its process was ended first, by the next
/// resume: the same attestation, byte for byte, and a page of the same files.
struct RunCompletion {
    private let record: RunRecord
    private let folder: RunFolder
    private let chain: AuditChain
    private let artefact: Attestation.Artefact
    private let byteCount: Int
    private let figures: RunFigures

    /// - Parameter chain: closed, or with its close to come.
    /// - Throws: `ResumeError.badRecord` for a chain that lacks a row that every finished run has; `.exportLost` where what
    ///   it records as exported is not there.
    init(_ record: RunRecord, _ folder: RunFolder, _ chain: AuditChain) throws {
        guard let export = chain.latest(RowKind.export), let file = export["file"]?.asString,
            let contentID = export["content_id"]?.asString.flatMap(SHA256Digest.init),
            let figures = chain.latest("result").flatMap(RunFigures.init)
        else {
            throw ResumeError.badRecord(
                path: folder.auditFile, reason: "it is no chain with an export and a result.")
        }
        let path = file == folder.boundaryFile.lastComponent ? folder.boundaryFile : folder.adapterFile
        let found = try? SHA256Digest.ofFile(path: path)
        guard found == contentID else {
            throw ResumeError.exportLost(path: path, expected: contentID.hex, found: found)
        }
        self.record = record
        self.folder = folder
        self.chain = chain
        artefact = Attestation.Artefact(name: path.lastComponent, digest: contentID)
        byteCount = export["byte_count"]?.asInt ?? 0
        self.figures = figures
    }

    /// Writes `run_finished` into the events; the listener hears of it once the chain is closed.
    func announce(in events: RunEvents) throws {
        var members = summary(figures, head: chain.head).members
        // The close holds the digest of this line, so the line cannot hold the close's.
        members["chain_head"] = nil
        try events.write("run_finished", members)
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
    /// - Parameters:
    ///   - identity: the run's signer.
    ///   - head: of the closed chain.
    ///   - measured: the figures in full, where this process measured them; the chain may hold them rounded.
    func finish(
        _ identity: Identity, _ events: RunEvents, head: SHA256Digest, measured: RunFigures? = nil
    ) throws -> RunSummary {
        if !isAttested { try attest(identity, head) }
        let summary = summary(measured ?? figures, head: head)
        // Runs of earlier versions told of their end after the close.
        if chain.version < 2, !isTold { try events.write("run_finished", summary.members) }
        events.tell("run_finished", summary.members)
        if !isReported { try RunReportBuilder(runFolder: folder.path).write(to: folder.reportFile) }
        return summary
    }

    private func attest(_ identity: Identity, _ head: SHA256Digest) throws {
        let attestation = Attestation(
            baseName: record.baseName, baseRoot: record.baseRoot, artefact: artefact, corpusID: record.corpusID,
            recipe: record.recipe.digest, chainHead: head,
            passedTests: SealFacts(chain).sentences + ["export read back from disk and verified against the base"],
            failedTests: [])
        try AtomicFile.write(
            try attestation.encode(signedBy: identity), to: folder.attestationFile, mode: 0o600,
            within: Attestation.byteLimit)
    }

    private func summary(_ figures: RunFigures, head: SHA256Digest) -> RunSummary {
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
