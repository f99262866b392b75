/// Why a contribution was not taken.
public enum SetAside: String, CaseIterable, Sendable {
    /// It has been taken before.
    case duplicated
    /// It comes from a stage that has been replaced.
    case olderAttempt = "older_attempt"
    /// Its request is over, or never was.
    case noRequest = "no_request"
    /// Nothing of that position was asked of that stage.
    case unasked
    /// It was computed from other bytes, or after other pieces, than those that were sent.
    case otherInput = "other_input"
    /// Its bytes are not those that it names, or too few or too many.
    case otherOutput = "other_output"
    /// It names another stage or attempt than the one it came from.
    case misaddressed

    /// Whether the stage it came from cannot be what it was asked to be any more.
    var isFatal: Bool {
        switch self {
        case .otherInput, .otherOutput, .misaddressed, .unasked: true
        case .duplicated, .olderAttempt, .noRequest: false
        }
    }
}
