internal import Dispatch
internal import Synchronization

/// Independent pieces of work over several threads; the results stand in the order of the pieces.
enum Tasks {
    /// Calls `body` once for each index below `count`, at most `threads` at a time, lowest index first.
    ///
    /// - Parameter progress: told how many are done, by one thread at a time.
    static func map<Result: Sendable>(
        count: Int, threads: Int, progress: (@Sendable (Int) -> Void)? = nil, _ body: @Sendable (Int) -> Result
    ) -> [Result] {
        let next = Atomic<Int>(0)
        let finished = Mutex<(results: [Result?], count: Int)>((Array(repeating: nil, count: count), 0))
        @Sendable func work(_ thread: Int) {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                let result = body(index)
                finished.withLock { all in
                    all.results[index] = result
                    all.count += 1
                    if let progress, all.count % 256 == 0 || all.count == count { progress(all.count) }
                }
            }
        }
        let threads = max(1, min(threads, count))
        if threads == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: threads, execute: work) }
        return finished.withLock { $0.results.compactMap(\.self) }
    }
}
