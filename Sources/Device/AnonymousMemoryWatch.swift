internal import Foundation
internal import Synchronization

/// The most anonymous memory that this process holds while it is watched.
///
/// The kernel keeps a peak of resident memory (`VmHWM`) but none of its anonymous part, so a thread looks at `RssAnon`
/// every two milliseconds. What lives shorter than that may be missed; what a step keeps is not.
public final class AnonymousMemoryWatch: Sendable {
    private struct State {
        var peak = 0
        var isOver = false
    }

    private let state = Mutex(State())
    private static let interval = 0.002

    /// Begins to watch, until `stop` or until nobody holds the watch.
    public init() {
        look()
        let thread = Thread { [weak self] in
            while let self, !self.isOver {
                self.look()
                Thread.sleep(forTimeInterval: Self.interval)
            }
        }
        thread.stackSize = 1 << 18
        thread.start()
    }

    deinit { stop() }

    /// Ends the watching thread.
    public func stop() { state.withLock { $0.isOver = true } }

    /// Looks at once: for the moments that count most.
    public func look() {
        guard let now = MemoryProbe.sample()?.anonymousBytes else { return }
        state.withLock { $0.peak = max($0.peak, now) }
    }

    /// Bytes; 0 where the operating system does not tell.
    public var peakBytes: Int { state.withLock { $0.peak } }

    private var isOver: Bool { state.withLock { $0.isOver } }
}
