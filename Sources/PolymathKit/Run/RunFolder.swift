public import Conventions
public import Device
internal import Bytes
internal import Digest
internal import Foundation
internal import Seal

/// Why a run folder cannot be used.
public enum RunError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case holdsRun(folder: String)
    case notEmpty(folder: String)
    case notWritable(folder: String, reason: String)
    case notARun(folder: String, reason: String)
    case bothCorpusAndTokens
    case bothStepsAndEpochs
    case noDefaultCorpus(folder: String)
    /// Scope `boundary` trains more than an adapter can begin.
    case startOfBoundary
    case startScope(start: String, scope: String)
    case sequenceTooLong(requested: Int, contextLength: Int)
    case adapterTooLarge(byteCount: Int, limit: Int)
    case rootMismatch(base: String, expected: String, actual: String)
    case exportDiffers(path: String, reason: String)
    /// The trained parameters give a loss that is infinite or no number; what was exported is gone again.
    case unusableResult(step: Int)
    /// Bytes that were allowed and that are needed; the longest window that would fit, 0 for none.
    case limitTooSmall(limit: MemoryLimit, needed: Int, tokens: Int, longestWindow: Int)
    case budgetTooSmall(budget: Int, needed: Int, tokens: Int, longestWindow: Int)

    public var description: String {
        switch self {
        case .holdsRun(let folder):
            "The folder \(escaped(folder)) already holds a run; choose another --out, or remove it first."
        case .notEmpty(let folder):
            "The folder \(escaped(folder)) is not empty; choose a new or empty folder for --out."
        case .notWritable(let folder, let reason):
            "The folder \(escaped(folder)) cannot be written: \(reason)"
        case .notARun(let folder, let reason):
            "The folder \(escaped(folder, limit: 200)) holds no run to go on with: \(reason)."
        case .bothCorpusAndTokens:
            "--corpus and --tokens exclude each other; give one of them."
        case .bothStepsAndEpochs:
            "--steps and --epochs exclude each other; give one of them."
        case .noDefaultCorpus(let folder):
            "No --corpus was given and the default collection is not in \(escaped(folder)); give --corpus PATH."
        case .startOfBoundary:
            "--start takes an adapter, and scope boundary exports none: give an adapter scope, or no --start."
        case .startScope(let start, let scope):
            "The start adapter has the scope \(start), which trains tensors that scope \(scope) does not; give --scope "
                + "\(start), or a wider one."
        case .sequenceTooLong(let requested, let contextLength):
            "--seq-len \(requested) is longer than the base's context of \(contextLength) tokens."
        case .adapterTooLarge(let byteCount, let limit):
            "The adapter would have \(byteCount) bytes, more than the wire format's \(limit)."
        case .rootMismatch(let base, let expected, let actual):
            "The base \(escaped(base)) is not what the catalogue records: its root is \(actual), recorded is \(expected)."
        case .exportDiffers(let path, let reason):
            "The exported file \(escaped(path)) does not read back as it was written: \(reason)"
        case .unusableResult(let step):
            "With what step \(step) left the loss is not a finite number, so nothing is exported: try a lower "
                + "--learning-rate or --grad-clip 1."
        case .budgetTooSmall(let budget, let needed, let tokens, let longestWindow):
            "A --memory-budget of \(budget) bytes is too small for windows of \(tokens) tokens, which need "
                + "\(Self.mebibytes(needed)); " + Self.advice(longestWindow)
        case .limitTooSmall(let limit, let needed, let tokens, let longestWindow):
            "Of the \(limit.bytes) bytes that \(escaped(limit.file)) allows, \(limit.availableBytes) are free for this "
                + "process, too few for windows of \(tokens) tokens, which need \(Self.mebibytes(needed)); "
                + Self.advice(longestWindow)
        }
    }

    private static func mebibytes(_ bytes: Int) -> String { "\((bytes + 0xF_FFFF) >> 20)M" }

    private static func advice(_ longestWindow: Int) -> String {
        longestWindow > 0 ? "--seq-len \(longestWindow) would fit." : "no window would fit."
    }

    public var exitStatus: ExitStatus {
        switch self {
        case .rootMismatch, .exportDiffers: .mismatch
        case .unusableResult: .failure
        case .budgetTooSmall, .limitTooSmall: .resources
        default: .usage
        }
    }
}

/// A run's folder: who writes what where (design, section 6).
public struct RunFolder: Sendable {
    public let path: String
    /// `<UTC time>-<short id>`: also the run's name in the audit chain.
    public let name: String
    /// Keeps a second process out of a new folder until the first one's `run.json` can be locked.
    private let beginning: FileLock?

    public var runFile: String { path + "/run.json" }
    /// Where this machine keeps what the run needs; never handed on.
    public var localFile: String { path + "/local.json" }
    public var eventsFile: String { path + "/events.jsonl" }
    public var auditFile: String { path + "/audit.jsonl" }
    public var sealFile: String { path + "/seal.json" }
    /// Copy of the adapter that the run began with; there only where it began with one.
    public var startFile: String { path + "/start.gguf" }
    public var adapterFile: String { path + "/adapter.gguf" }
    public var boundaryFile: String { path + "/boundary.gguf" }
    public var attestationFile: String { path + "/attestation.dsse.json" }
    public var reportFile: String { path + "/report.html" }
    /// Made empty when a run begins and gone when it ends; what a fault handler had time for stands in it.
    public var faultFile: String { path + "/" + FaultRecord.fileName }
    public var checkpointsFolder: String { path + "/checkpoints" }

    /// The folder of a run that was started earlier.
    ///
    /// - Parameter name: what `run.json` calls the run.
    init(path: String, name: String) {
        self.path = path
        self.name = name
        beginning = nil
    }

    /// The nearest folder that is there on the way to where a run's folder will be, so on its disk; nil where nothing can
    /// be written into it.
    static func disk(for out: String?, telemetry: String) -> String? {
        var path = URL(fileURLWithPath: out ?? telemetry)
        while PathKind.at(path.path) != .folder, path.path != "/" { path.deleteLastPathComponent() }
        return FileManager.default.isWritableFile(atPath: path.path) ? path.path : nil
    }

    /// Makes a new folder, mode 0700, in which nothing may be yet but what is left of a run that was ended before it
    /// began: that is removed.
    ///
    /// - Parameters:
    ///   - out: the folder asked for, or nil for `<telemetry>/runs/<name>`.
    /// - Throws: `RunError.holdsRun`, `.notEmpty`, `.notWritable`; `ResumeError.inUse` where another process is at it;
    ///   `BytesError` for a full disk.
    public init(creating out: String?, telemetry: String) throws {
        name = Self.makeName()
        path = out ?? telemetry + "/runs/" + name
        let files = FileManager.default
        if let kind = PathKind.at(path, followingLinks: false) {
            guard kind == .folder else {
                throw RunError.notWritable(folder: path, reason: "there is a file of that name")
            }
        }
        let unmade = RunError.notWritable(folder: path, reason: "it cannot be made here (is the place writable?)")
        do {
            let parent = DiskSpace.folder(of: path.hasSuffix("/") ? String(path.dropLast()) : path)
            try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try AtomicFolder.make(path, mode: 0o700)
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        } catch let error as BytesError where ExitStatus(for: error) == .resources {
            throw error
        } catch {
            throw unmade
        }
        guard files.isWritableFile(atPath: path) else {
            throw RunError.notWritable(folder: path, reason: "this user has no right to write in it")
        }
        beginning = try FileLock(path: path)
        guard beginning != nil else { throw ResumeError.inUse(folder: path) }
        switch Self.content(of: path) {
        case .nothing: break
        case .beginnings(let names): for name in names { unsafe unlink(path + "/" + name) }
        case .run: throw RunError.holdsRun(folder: path)
        case .other: throw RunError.notEmpty(folder: path)
        }
    }

    /// What a folder holds, as its names tell.
    enum Content: Equatable {
        case nothing
        /// Files of a run that was ended before its `run.json` was written: before it began.
        case beginnings([String])
        case run
        case other
    }

    static func content(of path: String) -> Content {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        if names.isEmpty { return .nothing }
        // Events are told once run.json is there: lines of them are of a run that has lost it.
        let events = (try? FileIdentity(ofFileAt: path + "/events.jsonl"))?.byteCount ?? 0
        if events > 0 || names.contains(where: { ["run.json", "audit.jsonl"].contains($0) }) { return .run }
        let files = ["events.jsonl", "seal.json", "local.json", "start.gguf"]
        let areBeginnings = names.allSatisfy { name in
            files.contains(name)
                || name.hasSuffix(".part") && (files + ["run.json"]).contains { name.hasPrefix(".\($0).") }
        }
        return areBeginnings ? .beginnings(names) : .other
    }

    /// Why there is nothing in the folder to go on with; nil where there is a `run.json`.
    static func whyNoRun(at path: String) -> String? {
        guard InputPath.isMissing(path + "/run.json") else { return nil }
        guard InputPath.isFolder(path) else { return "there is no such folder" }
        switch content(of: path) {
        case .nothing: return "it is empty; start the run again with polymath train --out"
        case .beginnings:
            return "the run was ended before its first step, so nothing is lost; start it again with "
                + "polymath train --out"
        case .run, .other: return "it has no run.json"
        }
    }

    /// Removes what a process that was killed left behind, and what an earlier part of the run wrote that nothing
    /// vouches for: half-written files, an export of a chain that is open, a page on how far the run had come.
    ///
    /// - Parameter isClosed: whether the chain is closed; exports and report stay then.
    func removeLeftovers(isClosed: Bool) {
        AtomicFolder.removeLeftovers(in: path)
        AtomicFolder.removeLeftovers(in: checkpointsFolder)
        if isClosed {
            if !FaultEntry.isLeft(in: path) { unsafe unlink(faultFile) }
        } else {
            for file in [adapterFile, boundaryFile, attestationFile, reportFile] { unsafe unlink(file) }
        }
    }

    /// Removes what a run wrote that could not start, and the folder when nothing else is in it.
    ///
    /// Only for a folder that ``init(creating:telemetry:)`` made or found empty.
    func discard() {
        for file in [runFile, localFile, eventsFile, auditFile, sealFile, faultFile, startFile] { unsafe unlink(file) }
        unsafe rmdir(path)
    }

    /// A message with the files of this folder named from the folder on: what may be handed on does not say where on
    /// this machine it stood.
    func withoutPlace(_ message: String) -> String {
        [path + "/", escaped(path + "/", limit: 200)].reduce(message) { text, place in
            text.replacingOccurrences(of: place, with: "")
        }
    }

    /// UTC time to the second and eight random hexadecimal digits: sorts by time, and two runs never share a name.
    private static func makeName() -> String {
        let digits = Date().formatted(.iso8601).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        return digits + "-" + String(UInt32.random(in: 0 ... .max) | 1 << 31, radix: 16)
    }
}
