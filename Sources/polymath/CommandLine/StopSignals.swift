internal import Dispatch
internal import CommandLineKit
internal import PolymathKit

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Turns SIGINT, SIGTERM and SIGHUP into a request to stop at the next whole step.
///
/// A second signal ends the program at once: what is on disk is whole at any moment, so that costs only the steps
/// since the last checkpoint.
final class StopSignals: Sendable {
    let request = StopRequest()
    private let console: Console

    init(console: Console) { self.console = console }

    /// Runs `body` while the three signals are caught; before and after they do what they usually do.
    func whileWatching(_ body: () throws -> Void) rethrows {
        var sources: [any DispatchSourceSignal] = []
        defer { for source in sources { source.cancel() } }
        let queue = DispatchQueue(label: "polymath.signals")
        for number in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(number) {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [request, console] in
                // Nothing is left to flush, and what libraries do at an orderly exit may not run beside the step.
                guard request.stop(signal: number) else { _exit(128 + number) }
                console.note("polymath: finishing the step and writing a checkpoint; a second signal stops at once")
            }
            // Dispatch reads the signal elsewhere; its usual effect would end the program first.
            signal(number, SIG_IGN)
            source.activate()
            sources.append(source)
        }
        try body()
    }

    /// Whether the parent had the signal ignored, as `nohup` does with SIGHUP; then it stays ignored.
    private static func isIgnored(_ number: Int32) -> Bool {
        let former = signal(number, SIG_DFL)
        let isIgnored = former.map { unsafe unsafeBitCast($0, to: Int.self) } == 1
        if isIgnored { signal(number, SIG_IGN) }
        return isIgnored
    }
}
