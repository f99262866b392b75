package import Conventions

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Ends the process: output is flushed, and no library cleans up.
///
/// OpenBLAS waits in its clean-up for a thread of its own, which under a tight resource limit asks for memory for ever.
package func leave(with status: ExitStatus) -> Never {
    fflush(nil)
    _exit(status.code)
}
