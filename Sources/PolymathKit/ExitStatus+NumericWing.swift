// How a command ends on errors of the numeric wing; its rooms know nothing of exit statuses.

public import Conventions
public import Corpus
public import Model
public import Training

extension CorpusError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .missing, .unsupportedFile, .invalidSequenceLength, .invalidValidationFraction: .usage
        case .digestMismatch, .unrecordedFile: .mismatch
        case .tooManyRuns: .resources
        case .storage: .resources
        default: .failure
        }
    }
}

extension ModelError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .contextExceeded, .emptyPrompt, .noTokenizer, .noSuchLayers: .usage
        case .memoryRefused: .resources
        default: .failure
        }
    }
}

extension TrainingError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .invalidOption: .usage
        default: .failure
        }
    }
}

extension CheckpointError: ExitReporting {
    public var exitStatus: ExitStatus { isDamage ? .failure : .mismatch }
}
