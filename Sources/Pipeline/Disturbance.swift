/// What is done to a stage in this process, so that it is slow, late or broken in a way that can be repeated.
public struct Disturbance: Sendable {
    public enum Fault: Sendable {
        /// Answers nothing from this piece on.
        case dies
        /// Stands still for so many seconds, then goes on as if nothing had been.
        case pauses(seconds: Double)
        /// Computes from an input of which one bit is flipped, and says so.
        case misreads
        /// One bit of the result flips on its way.
        case garbles
    }

    /// Share of the time that the stage works: after `t` seconds of work it sleeps `t · (1 ÷ share − 1)`; in (0, 1].
    public var busyShare = 1.0
    /// Seconds that a result takes on its way, drawn for each; results may overtake each other.
    public var delay = 0.0...0.0
    /// Share of the results that arrive a second time, and how many seconds after they were first sent.
    public var duplicateShare = 0.0
    public var duplicateDelay = 0.0...0.0
    /// By the number of the piece, from 0.
    public var faults: [Int: Fault] = [:]
    public var seed: UInt64 = 0

    public init() {}
}
