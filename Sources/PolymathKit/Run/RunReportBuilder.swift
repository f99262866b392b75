internal import Adapter
internal import Audit
public import Bytes
public import Conventions
internal import Digest
internal import Foundation
internal import Seal

/// Makes `report.html` from a run's folder alone: `run.json`, `events.jsonl`, `audit.jsonl`, `seal.json` and what was
/// exported.
///
/// The run itself makes its page here too, so one made again from the same files has the same bytes. A page is made of a
/// paused, stopped or violated run as well, and its verdict says so; but never from a file that differs from what the
/// audit chain records of it.
public struct RunReportBuilder {
    let folder: RunFolder
    let chain: AuditChain
    let record: JSONValue
    let manifest: SealManifest
    let events: [JSONValue]
    let verdict: Verdict

    /// Whether every check passed that the folder allows.
    public var isVerified: Bool { verdict.isPassed }
    /// How far the run got: `closed`, `paused at 12` or `open`.
    public var status: String { chain.status.description }

    /// Reads and checks the folder.
    ///
    /// - Throws: `InputError.missing` for a folder or file that is not there; `AuditChainError` for a broken chain;
    ///   ``RunReportError`` for a file that is not the recorded one, or cannot be read.
    public init(runFolder path: String) throws {
        try InputPath.requireFolder(path, kind: "run folder")
        folder = RunFolder(path: path, name: "")
        for file in [folder.runFile, folder.eventsFile, folder.auditFile, folder.sealFile] {
            try InputPath.requireFile(file, kind: "\(file.lastComponent) of a run")
        }
        chain = try AuditChain.read(path: folder.auditFile)
        if chain.status == .closed {
            let export = chain.latest(RowKind.export)?["file"]?.asString
            for file in [export == "boundary.gguf" ? folder.boundaryFile : folder.adapterFile, folder.attestationFile] {
                try InputPath.requireFile(file, kind: "\(file.lastComponent) of a closed run")
            }
        }
        var verdict = AuditVerification.verify(runFolder: path)
        if !verdict.checks.contains(where: { $0.name == "events" }) {
            verdict.add(
                "events", .notChecked, .arithmetic,
                "The chain does not vouch for events.jsonl, from which speed and memory are taken.")
        }
        events = try Self.events(folder, chain.unvouchedEvents)
        // What tells how the run ended may fail and be told; a file that is not the recorded one may not be shown.
        var told: Set = ["chain-end", "chain-closed", "seal", "fault"]
        if chain.status != .closed, !InputPath.exists(folder.attestationFile) { told.insert("attestation") }
        if let bad = verdict.checks.first(where: { $0.result == .failed && !told.contains($0.name) }) {
            throw RunReportError.differs(folder: path, reason: bad.sentence)
        }
        for index in verdict.checks.indices
        where verdict.checks[index].name == "attestation" && verdict.checks[index].result == .failed {
            verdict.checks[index].result = .notChecked
            verdict.checks[index].sentence = "There is no attestation: it is written when a run is closed."
        }
        self.verdict = verdict
        record = try Self.json(folder.runFile)
        do {
            manifest = try SealManifest(json: Self.json(folder.sealFile))
        } catch let error as SealError {
            throw RunReportError.malformed(path: folder.sealFile, reason: error.description)
        }
    }

    /// The page's bytes.
    public var page: [UInt8] { Array(report.html.utf8) }

    /// Writes the page, for its owner's eyes only until it is handed on.
    ///
    /// - Parameter placement: what it may replace: an earlier page of the run's own, unless said otherwise.
    public func write(to path: String, placement: Placement = .replacing) throws {
        try AtomicFile.write(page, to: path, mode: 0o600, placement: placement)
    }

    private static func json(_ path: String) throws -> JSONValue {
        do {
            return try JSONValue.parse(try WholeFile.read(path, limit: SealManifest.byteLimit))
        } catch let error as JSONError {
            throw RunReportError.malformed(path: path, reason: error.description)
        }
    }

    /// - Parameter passedOver: bytes of the file that nobody vouches for.
    private static func events(_ folder: RunFolder, _ passedOver: [Range<Int>]) throws -> [JSONValue] {
        let bytes = try WholeFile.read(folder.eventsFile, limit: RunHistory.limit)
        // After the last newline stands what a crash left of a line.
        let whole = bytes.prefix(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
        return try whole.split(separator: 0x0A).enumerated().compactMap { index, line in
            if passedOver.contains(where: { $0.contains(line.startIndex) }) { return nil }
            do {
                return try JSONValue.parse(Array(line))
            } catch {
                throw RunReportError.malformed(
                    path: folder.eventsFile, reason: "line \(index + 1) is not JSON: \(error)")
            }
        }
    }
}

/// Why no report is made of a run's folder.
public enum RunReportError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    /// A file is not the one that the chain records; `reason` is the verdict's sentence.
    case differs(folder: String, reason: String)
    case malformed(path: String, reason: String)

    public var exitStatus: ExitStatus {
        switch self {
        case .differs: .mismatch
        case .malformed: .failure
        }
    }

    public var description: String {
        switch self {
        case .differs(let folder, let reason):
            "No report is made of \(escaped(folder, limit: 200)), since its files differ from its chain: \(reason)"
        case .malformed(let path, let reason):
            "\(escaped(path, limit: 200)) cannot be used: \(reason)"
        }
    }
}
