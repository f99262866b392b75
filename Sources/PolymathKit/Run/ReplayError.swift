internal import Bytes
public import Conventions
public import Digest

/// Why a run cannot be trained again here, so that nothing can be said of it either way.
public enum ReplayError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    /// A check that needs no training has failed; the sentence is that check's.
    case evidence(String)
    case noRecord(folder: String)
    case nothingExported(folder: String)
    case otherKernels(expected: String, found: String)
    case wentOnOtherKernels
    case otherBase(path: String, expected: SHA256Digest, found: SHA256Digest)
    case otherCorpus(name: String, expected: SHA256Digest, found: SHA256Digest)
    case otherOptions(expected: SHA256Digest, found: SHA256Digest)
    case stopped(signal: Int32, step: Int)

    public var exitStatus: ExitStatus {
        if case .stopped(let signal, _) = self { return .signal(signal) }
        return .mismatch
    }

    public var description: String {
        switch self {
        case .evidence(let sentence): "The run is not trained again, since its own evidence does not hold: \(sentence)"
        case .noRecord(let folder):
            "The run in \(shown(folder)) cannot be trained again: its chain vouches for no run.json."
        case .nothingExported(let folder):
            "The run in \(shown(folder)) exported nothing that training again could reproduce."
        case .otherKernels(let expected, let found):
            "The run was made on the kernel path \"\(escaped(expected))\" and this is \"\(escaped(found))\", where losses "
                + "may differ in their last bits: a replay needs the same processor features, BLAS and program version."
        case .wentOnOtherKernels:
            "The run went on after a pause on another kernel path (--allow-other-kernels), so no machine can repeat it."
        case .otherBase(let path, let expected, let found):
            "The base \(shown(path)) is not the run's: its root is \(found.hex), the run's is \(expected.hex)."
        case .otherCorpus(let name, let expected, let found):
            "The corpus \(escaped(name)) is not the run's: its id under your key is \(found.hex), the run's is "
                + "\(expected.hex)."
        case .otherOptions(let expected, let found):
            "The options in run.json add up to the recipe \(found.hex), and the run names \(expected.hex)."
        case .stopped(let signal, let step):
            "Stopped by signal \(signal) after step \(step); nothing was decided about the run."
        }
    }

    private func shown(_ path: String) -> String { escaped(path, limit: 200) }
}
