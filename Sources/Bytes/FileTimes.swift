#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// When a file's bytes, and when its bytes, name, rights or links last changed, as its file system says.
///
/// The second time cannot be set by a program: who writes to a file and puts its old bytes back leaves it later. A file
/// system counts in ticks of its own, of some milliseconds at most on Linux; two changes within one look like one.
public struct FileTimes: Equatable, Sendable {
    /// Nanoseconds since 1970: `st_mtime`.
    public let modified: Int64
    /// `st_ctime`.
    public let changed: Int64

    public init(modified: Int64, changed: Int64) {
        self.modified = modified
        self.changed = changed
    }

    init(_ status: stat) {
        #if canImport(Darwin)
            (modified, changed) = (Self.nanoseconds(status.st_mtimespec), Self.nanoseconds(status.st_ctimespec))
        #else
            (modified, changed) = (Self.nanoseconds(status.st_mtim), Self.nanoseconds(status.st_ctim))
        #endif
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
