import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Independent pieces of work over several threads; results come back in the order of the pieces.
enum Workers {
    /// Calls `body` once for each index below `count`, at most `workers` at a time, lowest index first.
    ///
    /// - Returns: the results by index, and the processor seconds that the calls took on threads other than the caller's,
    ///   who can measure its own.
    static func map<Result: Sendable>(
        count: Int, workers: Int, _ body: @Sendable (Int) -> Result
    ) -> (results: [Result], helperSeconds: Double) {
        let next = Atomic<Int>(0)
        let caller = ObjectIdentifier(Thread.current)
        let finished = Mutex<(results: [Result?], helperSeconds: Double)>((Array(repeating: nil, count: count), 0))
        let threads = max(1, min(workers, count))
        @Sendable func work(_ thread: Int) {
            let start = threadSeconds()
            var mine: [(Int, Result)] = []
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { break }
                mine.append((index, body(index)))
            }
            let seconds = ObjectIdentifier(Thread.current) == caller ? 0 : threadSeconds() - start
            finished.withLock { all in
                for (index, result) in mine { all.results[index] = result }
                all.helperSeconds += seconds
            }
        }
        if threads == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: threads, execute: work) }
        return finished.withLock { ($0.results.compactMap(\.self), $0.helperSeconds) }
    }

    /// Processor seconds that the calling thread has used so far.
    static func threadSeconds() -> Double {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
