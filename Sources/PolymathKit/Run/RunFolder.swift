public import Conventions
public import Device
internal import Bytes
internal import Digest
internal import Foundation
internal import Seal
internal import Training

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
    /// More steps than an audit chain can tell of.
    case tooManySteps(steps: Int, limit: Int)
    case rootMismatch(base: String, expected: String, actual: String)
    case exportDiffers(path: String, reason: String)
    /// The trained parameters give a loss that is infinite or no number; what was exported is gone again.
    case unusableResult(step: Int)
    /// Bytes that were allowed and that are needed; the longest window that would fit, 0 for none.
    case limitTooSmall(limit: MemoryLimit, needed: Int, tokens: Int, longestWindow: Int)
    /// A private copy of the base does not fit into what the run may hold.
    case copyTooLarge(base: String, byteCount: Int, allowed: Int)
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
        case .tooManySteps(let steps, let limit):
            "A run of \(steps) steps cannot be put on record, since an audit chain has room for at most \(limit); give "
                + "--steps \(limit) or less, and go on from the adapter with --start."
        case .rootMismatch(let base, let expected, let actual):
            "The base \(escaped(base)) is not what the catalogue records: its root is \(actual), recorded is \(expected)."
        case .exportDiffers(let path, let reason):
            "The exported file \(escaped(path)) does not read back as it was written: \(reason)"
        case .unusableResult(let step):
            "With what step \(step) left the loss is not a finite number, so nothing is exported: try a lower "
                + "--learning-rate or --grad-clip 1."
        case .copyTooLarge(let base, let byteCount, let allowed):
            "--seal-strict holds the base \(escaped(base)) in memory, and its \(byteCount) bytes do not fit into "
                + (allowed == .max
                    ? "what the operating system gives; leave it out."
                    : "the \(allowed) that the run may hold; raise "
                        + "--memory-budget or leave it out.")
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
        case .budgetTooSmall, .limitTooSmall, .copyTooLarge: .resources
        default: .usage
        }
    }
}

/// A run's folder: who writes what where (design, section 6).
public struct RunFolder: Sendable {
    public let path: String
    /// `<UTC time>-<short id>`: also the run's name in the audit chain.
    public let name: String

    func path(of file: RunFile) -> String { path + "/" + file.rawValue }

    public var runFile: String { path(of: .run) }
    /// Where this machine keeps what the run needs; never handed on.
    public var localFile: String { path(of: .local) }
    public var eventsFile: String { path(of: .events) }
    public var auditFile: String { path(of: .audit) }
    public var sealFile: String { path(of: .seal) }
    /// Copy of the adapter that the run began with; there only where it began with one.
    public var startFile: String { path(of: .start) }
    /// The run's secret seed under its identity's key; there only where it drew one. Never handed on.
    public var secretFile: String { path(of: .secret) }
    public var adapterFile: String { path(of: .adapter) }
    public var boundaryFile: String { path(of: .boundary) }
    public var attestationFile: String { path(of: .attestation) }
    public var reportFile: String { path(of: .report) }
    /// Made empty when a run begins and gone when it ends; what a fault handler had time for stands in it.
    public var faultFile: String { path(of: .fault) }
    public var checkpointsFolder: String { path(of: .checkpoints) }

    /// The folder of a run that was started earlier.
    ///
    /// - Parameter name: what `run.json` calls the run.
    init(path: String, name: String) {
        self.path = path
        self.name = name
    }

    /// The nearest folder that is there on the way to where a run's folder will be, so on its disk; nil where nothing can
    /// be written into it.
    static func disk(for out: String?, telemetry: String) -> String? {
        var path = URL(fileURLWithPath: out ?? telemetry)
        while PathKind.at(path.path) != .folder, path.path != "/" { path.deleteLastPathComponent() }
        return FileManager.default.isWritableFile(atPath: path.path) ? path.path : nil
    }

    /// Why there is nothing in the folder to go on with; nil where there is a `run.json`.
    static func whyNoRun(at path: String) -> String? {
        guard InputPath.isMissing(path + "/" + RunFile.run.rawValue) else { return nil }
        guard InputPath.isFolder(path) else {
            return "there is no such folder; if the run was ended before its first step, nothing is lost, and "
                + "polymath train --out starts it again"
        }
        let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: path))?.isEmpty == true
        return isEmpty
            ? "it is empty; start the run again with polymath train --out" : "it has no \(RunFile.run.rawValue)"
    }

    /// Removes what a process that was killed left behind, and what an earlier part of the run wrote that nothing
    /// vouches for: half-written files, an export of a chain that is open, a page on how far the run had come.
    ///
    /// - Parameter isClosed: whether the chain is closed; exports and report stay then.
    func removeLeftovers(isClosed: Bool) {
        AtomicFolder.removeLeftovers(in: path) { RunFile(rawValue: $0) != nil || $0 == NamelessFile.stagingName }
        CheckpointStore(folder: checkpointsFolder).removeLeftovers()
        if isClosed {
            if !FaultEntry.isLeft(in: path) { unsafe unlink(faultFile) }
        } else {
            for file in [adapterFile, boundaryFile, attestationFile, reportFile] { unsafe unlink(file) }
        }
    }

    /// Whether a file at `path` would stand among a run's own, and be taken for one of them.
    public static func wouldHold(_ path: String, in run: String) -> Bool {
        RunFile.allCases.contains { PathIdentity.isSamePlace(path, run + "/" + $0.rawValue) }
            || PathIdentity.isInside(path, folder: run + "/" + RunFile.checkpoints.rawValue)
    }

    /// UTC time to the second and eight random hexadecimal digits: sorts by time, and two runs never share a name.
    static func makeName() -> String {
        let digits = Date().formatted(.iso8601).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        return digits + "-" + String(UInt32.random(in: 0 ... .max) | 1 << 31, radix: 16)
    }
}
