#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Makes a write that cannot be done fail where it is made, so that it ends with a sentence and an exit status.
///
/// - `SIGPIPE`: a reader, or a peer, that goes away must not end a run between two checkpoints.
/// - `SIGXFSZ`: a file that may not grow (`ulimit -f`) is no more room, which is told like a full disk.
///
/// The programs do so, and no library: signals belong to the whole process.
func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
}
