public import Conventions
public import Device
internal import Bytes
internal import Dispatch
internal import Synchronization

/// How whoever started a run asks it to stop: it finishes its step, writes a checkpoint, signs a pause and ends.
///
/// Safe to use from any thread. What catches signals stands outside: an app that embeds a run keeps its own handlers.
public final class StopRequest: Sendable {
    private let number = Atomic<Int32>(0)
    private let asked = DispatchSemaphore(value: 0)

    public init() {}

    /// Asks the run to stop.
    ///
    /// - Parameter signal: the number that the run's exit status will tell; at least 1.
    /// - Returns: whether nobody had asked before.
    @discardableResult
    public func stop(signal: Int32) -> Bool {
        guard number.compareExchange(expected: 0, desired: signal, ordering: .sequentiallyConsistent).exchanged else {
            return false
        }
        asked.signal()
        return true
    }

    /// Returns after so many seconds, or as soon as somebody asks.
    func wait(seconds: Double) {
        guard signal == nil, seconds > 0 else { return }
        _ = asked.wait(timeout: .now() + seconds)
    }

    /// The signal of the first request; nil while there is none.
    public var signal: Int32? {
        let signal = number.load(ordering: .sequentiallyConsistent)
        return signal == 0 ? nil : signal
    }
}

/// A run ended at a clean pause: it was asked to, its pace says that the device should not go on now, or memory that it
/// needs is no longer allowed.
public struct RunStopped: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    public enum Cause: Equatable, Sendable {
        case signal(Int32)
        case pace(PacingReason)
        case memory(MemoryShortage)
    }

    public let folder: String
    /// Steps made.
    public let step: Int
    public let cause: Cause

    public var exitStatus: ExitStatus {
        switch cause {
        case .signal(let number): .signal(number)
        case .pace: .paused
        case .memory: .resources
        }
    }

    public var description: String {
        let names: [Int32: String] = [1: "SIGHUP", 2: "SIGINT", 15: "SIGTERM"]
        let advice = "go on with: polymath train --resume \(escaped(folder, limit: 400))"
        switch cause {
        case .signal(let number):
            return "Stopped by \(names[number] ?? "signal \(number)") after step \(step), with a checkpoint; \(advice)"
        case .pace(let reason):
            return
                "Paused after step \(step), with a checkpoint, since \(escaped(reason.clause, limit: 200)); \(advice)"
        case .memory(let shortage):
            return "Stopped after step \(step), with a checkpoint, since \(shortage.clause); \(advice)"
        }
    }
}
