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

    /// A run ended at a clean pause, because its pace says that the device should not go on now.
    public static let paused = ExitStatus(code: 6)

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
        self = (error as? any ExitReporting)?.exitStatus ?? .failure
    }
}
