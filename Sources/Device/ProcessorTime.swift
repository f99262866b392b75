#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Processor time that was spent, as the kernel counts it.
public enum ProcessorTime {
    /// Seconds of this process so far, over all its threads.
    public static var process: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Seconds of the calling thread so far.
    public static var thread: Double { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
