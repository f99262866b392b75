internal import Bytes
public import Conventions

/// Why a bet cannot be run or shown.
public enum BetError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case noBets(folder: String)
    case malformed(path: String, member: String, wanted: String)
    case unknownBet(number: Int, known: [Int])
    case noExperiment(bet: Int, name: String)
    case missingMeasure(bet: Int, measure: String)
    case notFinite(bet: Int, measure: String)
    /// The folder is no checkout, or git is not there.
    case noCommit(folder: String)
    case uncommitted(path: String)
    case noResult(bet: Int, folder: String)
    /// A result whose flags do not follow from its figures, or whose claim is not the bet's.
    case resultDiffers(path: String, reason: String)
    case unmet(reason: String)

    public var exitStatus: ExitStatus {
        switch self {
        case .noBets, .unknownBet, .noResult: .usage
        case .resultDiffers: .mismatch
        case .malformed, .noExperiment, .missingMeasure, .notFinite, .noCommit, .uncommitted, .unmet: .failure
        }
    }

    public var description: String {
        switch self {
        case .noBets(let folder):
            "There are no bets in \(escaped(folder, limit: 200)); give the folder that holds Bets with --home."
        case .malformed(let path, let member, let wanted):
            "The bet \(escaped(path, limit: 200)) has \"\(escaped(member))\" where \(wanted) is wanted."
        case .unknownBet(let number, let known):
            "There is no bet \(number); there are \(known.map(String.init).joined(separator: ", "))."
        case .noExperiment(let bet, let name): "Bet \(bet) names the experiment \(escaped(name)), which nothing runs."
        case .missingMeasure(let bet, let measure): "The run of bet \(bet) measured no \(escaped(measure))."
        case .notFinite(let bet, let measure): "The run of bet \(bet) found no finite \(escaped(measure))."
        case .noCommit(let folder):
            "\(escaped(folder, limit: 200)) is no git checkout, so no commit shows what was claimed before the run; "
                + "run bets in a clone, or try them with --quick."
        case .uncommitted(let path):
            "\(escaped(path, limit: 200)) is not committed as it stands; what is claimed and how it is measured are "
                + "committed before a run."
        case .noResult(let bet, let folder): "There is no result of bet \(bet) in \(escaped(folder, limit: 200))."
        case .resultDiffers(let path, let reason): "The result \(escaped(path, limit: 200)) is not sound: \(reason)."
        case .unmet(let reason): reason
        }
    }
}
