public import Conventions
internal import Bytes
internal import Digest
internal import Foundation
internal import Seal

/// Why a run folder cannot be used.
public enum RunError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case holdsRun(folder: String)
    case notEmpty(folder: String)
    case notWritable(folder: String, reason: String)
    case notARun(folder: String)
    case bothCorpusAndTokens
    case bothStepsAndEpochs
    case noDefaultCorpus(folder: String)
    case sequenceTooLong(requested: Int, contextLength: Int)
    case adapterTooLarge(byteCount: Int, limit: Int)
    case rootMismatch(base: String, expected: String, actual: String)
    case exportDiffers(path: String, reason: String)
    /// The trained parameters give a loss that is infinite or no number; what was exported is gone again.
    case unusableResult(step: Int)
    /// Bytes that were allowed and that are needed; the longest window that would fit, 0 for none.
    case budgetTooSmall(budget: Int, needed: Int, tokens: Int, longestWindow: Int)

    public var description: String {
        switch self {
        case .holdsRun(let folder):
            "The folder \(escaped(folder)) already holds a run; choose another --out, or remove it first."
        case .notEmpty(let folder):
            "The folder \(escaped(folder)) is not empty; choose a new or empty folder for --out."
        case .notWritable(let folder, let reason):
            "The folder \(escaped(folder)) cannot be written: \(reason)"
        case .notARun(let folder):
            "The folder \(escaped(folder, limit: 200)) holds no run to go on with: it has no run.json."
        case .bothCorpusAndTokens:
            "--corpus and --tokens exclude each other; give one of them."
        case .bothStepsAndEpochs:
            "--steps and --epochs exclude each other; give one of them."
        case .noDefaultCorpus(let folder):
            "No --corpus was given and the default collection is not in \(escaped(folder)); give --corpus PATH."
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
                + "\((needed + 0xF_FFFF) >> 20)M; "
                + (longestWindow > 0 ? "--seq-len \(longestWindow) would fit." : "no window would fit.")
        }
    }

    public var exitStatus: ExitStatus {
        switch self {
        case .rootMismatch, .exportDiffers: .mismatch
        case .unusableResult: .failure
        case .budgetTooSmall: .resources
        default: .usage
        }
    }
}

/// A run's folder: who writes what where (design, section 6).
public struct RunFolder: Sendable {
    public let path: String
    /// `<UTC time>-<short id>`: also the run's name in the audit chain.
    public let name: String

    public var runFile: String { path + "/run.json" }
    /// Where this machine keeps what the run needs; never handed on.
    public var localFile: String { path + "/local.json" }
    public var eventsFile: String { path + "/events.jsonl" }
    public var auditFile: String { path + "/audit.jsonl" }
    public var sealFile: String { path + "/seal.json" }
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
    }

    /// Makes a new folder, mode 0700, in which nothing may be yet.
    ///
    /// - Parameters:
    ///   - out: the folder asked for, or nil for `<telemetry>/runs/<name>`.
    /// - Throws: `RunError.holdsRun`, `.notEmpty`, `.notWritable`.
    public init(creating out: String?, telemetry: String) throws(RunError) {
        name = Self.makeName()
        path = out ?? telemetry + "/runs/" + name
        let files = FileManager.default
        if let type = (try? files.attributesOfItem(atPath: path))?[.type] as? FileAttributeType {
            guard type == .typeDirectory else {
                throw .notWritable(folder: path, reason: "there is a file of that name")
            }
            let content = (try? files.contentsOfDirectory(atPath: path)) ?? []
            if content.contains(where: { ["run.json", "audit.jsonl", "events.jsonl"].contains($0) }) {
                throw .holdsRun(folder: path)
            }
            guard content.isEmpty else { throw .notEmpty(folder: path) }
        }
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        } catch {
            throw .notWritable(folder: path, reason: "it cannot be made here (is the place writable?)")
        }
        guard files.isWritableFile(atPath: path) else {
            throw .notWritable(folder: path, reason: "this user has no right to write in it")
        }
    }

    /// Removes what a run wrote that could not start, and the folder when nothing else is in it.
    ///
    /// Only for a folder that ``init(creating:telemetry:)`` made or found empty.
    func discard() {
        for file in [runFile, localFile, eventsFile, auditFile, sealFile] { unsafe unlink(file) }
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
