internal import Adapter
internal import Audit
internal import Bytes
internal import Corpus
internal import Digest
internal import Model
internal import Seal
internal import Training

/// How a command ended, as its exit status tells it.
///
/// The numbers are part of the command line's promise (design, section 7); scripts may rely on them.
public struct ExitStatus: Equatable, Sendable {
    public let code: Int32

    /// Everything asked for was done.
    public static let done = ExitStatus(code: 0)
    /// Unreadable or malformed input, a loss that is no number, the network, anything else.
    public static let failure = ExitStatus(code: 1)
    /// Options that cannot be, or a path that does not exist.
    public static let usage = ExitStatus(code: 2)
    /// Sealed bytes changed during a run.
    public static let sealViolation = ExitStatus(code: 3)
    /// Something differs from its record: at start, resume, verify or download.
    public static let mismatch = ExitStatus(code: 4)
    /// Not enough memory or disk.
    public static let resources = ExitStatus(code: 5)

    /// Stopped by signal `number` after a clean pause.
    public static func signal(_ number: Int32) -> ExitStatus { ExitStatus(code: 128 + number) }

    private init(code: Int32) { self.code = code }
}

/// An error that knows the exit status it ends a command with.
public protocol ExitReporting: Error {
    var exitStatus: ExitStatus { get }
}

extension ExitStatus {
    /// The exit status that an error of any room ends a command with.
    public init(for error: any Error) {
        if let reporting = error as? any ExitReporting {
            self = reporting.exitStatus
        } else {
            self = Self.ofRoomError(error) ?? .failure
        }
    }

    /// Errors of the rooms below, which know nothing of exit statuses; nil means failure.
    private static func ofRoomError(_ error: any Error) -> ExitStatus? {
        switch error {
        case let error as BytesError: ofBytes(error)
        case let error as CorpusError: ofCorpus(error)
        case let error as ModelError: ofModel(error)
        case let error as AdapterError: ofAdapter(error)
        case let error as TrainingError: ofTraining(error)
        case let error as CheckpointError: error.isDamage ? .failure : .mismatch
        case is SealViolation: .sealViolation
        case let error as SealError: ofSeal(error)
        case is AuditChainError, is AttestationError: .mismatch
        case IdentityError.noConfigurationFolder: .usage
        default: nil
        }
    }

    private static func ofBytes(_ error: BytesError) -> ExitStatus {
        switch error {
        case .notFound: .usage
        case .noSpace: .resources
        default: .failure
        }
    }

    private static func ofCorpus(_ error: CorpusError) -> ExitStatus {
        switch error {
        case .missing, .unsupportedFile, .invalidSequenceLength, .invalidValidationFraction: .usage
        case .digestMismatch, .unrecordedFile: .mismatch
        default: .failure
        }
    }

    private static func ofModel(_ error: ModelError) -> ExitStatus {
        switch error {
        case .contextExceeded, .emptyPrompt, .noTokenizer: .usage
        default: .failure
        }
    }

    /// A file that is no container is malformed; one that breaks the format's rules, or names another base, differs
    /// from its record.
    private static func ofAdapter(_ error: AdapterError) -> ExitStatus {
        switch error {
        case .unreadable, .tooLarge, .container, .containerVersion, .base, .missingValues, .unexpectedValues,
            .valueCount, .notWholeBlocks, .tooLargeForScale, .writing:
            .failure
        case .wouldReplaceBase: .usage
        default: .mismatch
        }
    }

    private static func ofTraining(_ error: TrainingError) -> ExitStatus {
        switch error {
        case .invalidOption: .usage
        default: .failure
        }
    }

    private static func ofSeal(_ error: SealError) -> ExitStatus {
        switch error {
        case .rootMismatch, .otherFile: .mismatch
        default: .failure
        }
    }
}
