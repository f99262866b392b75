public import Conventions
internal import Bytes
internal import Synchronization

/// How whoever started a run asks it to stop: it finishes its step, writes a checkpoint, signs a pause and ends.
///
/// Safe to use from any thread. What catches signals stands outside: an app that embeds a run keeps its own handlers.
public final class StopRequest: Sendable {
    private let number = Atomic<Int32>(0)

    public init() {}

    /// Asks the run to stop.
    ///
    /// - Parameter signal: the number that the run's exit status will tell; at least 1.
    /// - Returns: whether nobody had asked before.
    @discardableResult
    public func stop(signal: Int32) -> Bool {
        number.compareExchange(expected: 0, desired: signal, ordering: .sequentiallyConsistent).exchanged
    }

    /// The signal of the first request; nil while there is none.
    public var signal: Int32? {
        let signal = number.load(ordering: .sequentiallyConsistent)
        return signal == 0 ? nil : signal
    }
}

/// A run ended at a clean pause, because it was asked to.
public struct RunStopped: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    public let folder: String
    /// Steps made.
    public let step: Int
    public let signal: Int32

    public var exitStatus: ExitStatus { .signal(signal) }

    public var description: String {
        let names: [Int32: String] = [1: "SIGHUP", 2: "SIGINT", 15: "SIGTERM"]
        return "Stopped by \(names[signal] ?? "signal \(signal)") after step \(step), with a checkpoint; go on with: "
            + "polymath train --resume \(escaped(folder, limit: 400))"
    }
}
