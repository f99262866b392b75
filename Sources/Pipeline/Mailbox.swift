internal import Dispatch
internal import Synchronization

/// Items from any thread, taken in the order in which they were put.
package final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let count = DispatchSemaphore(value: 0)

    package init() {}

    package func put(_ item: Item) {
        items.withLock { $0.append(item) }
        count.signal()
    }

    /// The next item, or nil when none has come after `seconds`.
    package func take(within seconds: Double? = nil) -> Item? {
        if let seconds {
            guard count.wait(timeout: .now() + max(0, seconds)) == .success else { return nil }
        } else {
            count.wait()
        }
        return items.withLock { $0.removeFirst() }
    }
}
