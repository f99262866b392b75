// Fork and join. The split of the work is never decided here: an operation cuts itself into tasks by its shape alone,
// and whichever thread takes a task computes the same bits.

internal import Dispatch
internal import Synchronization

/// A number of threads that share the tasks of one operation at a time.
public final class Workers: Sendable {
    /// At most this many threads work at once, the caller's own included; 1...64.
    public let count: Int
    /// Told when an operation begins and ends; nil where nobody asks.
    public let times: OperationTimes?
    /// The last operation's scratch, for the next: an operation takes it and brings it back.
    private let kept = Mutex<Scratch?>(nil)
    /// Likewise what an operation makes once for all its tasks.
    private let shared = Mutex<Scratch?>(nil)

    /// - Precondition: `count` is in 1...64.
    public init(count: Int, times: OperationTimes? = nil) {
        precondition((1...64).contains(count), "\(count) workers; from 1 to 64 are possible")
        self.count = count
        self.times = times
    }

    /// Calls `body` once with every index in `0..<tasks`, in any order and on any thread, and returns when all are done.
    ///
    /// Tasks must write disjoint memory and must not read what another task writes.
    public func forEach(tasks: Int, _ body: (Int) -> Void) {
        share(tasks: tasks) { _, takeNext in
            while let task = takeNext() { body(task) }
        }
    }

    /// As `forEach`, with `scratch` uninitialised floats (64-byte aligned) that the running task alone may use.
    func forEach(tasks: Int, scratch: Int, _ body: (Int, UnsafeMutablePointer<Float>) -> Void) {
        let stride = (max(scratch, 1) &+ 15) & ~15
        let needed = stride &* max(1, min(count, tasks))
        let memory = takeScratch(needed)
        defer { kept.withLock { $0 = memory } }
        share(tasks: tasks) { thread, takeNext in
            let own = unsafe memory.pointer + thread &* stride
            while let task = takeNext() { unsafe body(task, own) }
        }
    }

    /// Lends uninitialised floats (64-byte aligned) to an operation for all its tasks; not to be nested.
    func withKept(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        var memory = shared.withLock { $0.take() }
        if memory.map({ $0.count < count }) ?? true { memory = Scratch(count: count) }
        guard let memory else { return }
        defer { shared.withLock { $0 = memory } }
        unsafe body(memory.pointer)
    }

    private func takeScratch(_ count: Int) -> Scratch {
        if let last = kept.withLock({ $0.take() }), last.count >= count { return last }
        return Scratch(count: count)
    }

    private func share(tasks: Int, _ run: (_ thread: Int, _ takeNext: () -> Int?) -> Void) {
        guard tasks > 0 else { return }
        let next = Atomic<Int>(0)
        let takeNext = { () -> Int? in
            let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
            return task < tasks ? task : nil
        }
        let threads = min(count, tasks)
        if threads == 1 {
            run(0, takeNext)
        } else {
            // Every call has returned when concurrentPerform does, so nothing outlives this frame; that the calls may
            // run side by side is what the callers of forEach promise.
            withoutActuallyEscaping(run) { run in
                nonisolated(unsafe) let shared = (run: run, takeNext: takeNext)
                DispatchQueue.concurrentPerform(iterations: threads) { thread in
                    unsafe shared.run(thread, shared.takeNext)
                }
            }
        }
    }
}

/// Uninitialised floats, freed with their last reference. Sendable by contract: one operation at a time has it.
@safe
private final class Scratch: @unchecked Sendable {
    let count: Int
    let pointer: UnsafeMutablePointer<Float>

    init(count: Int) {
        self.count = count
        unsafe pointer = FloatMemory.allocate(count)
    }

    deinit { unsafe FloatMemory.free(pointer) }
}
