// Whether somebody opens a file for writing while it is read.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A read lease on a file (`fcntl(2)`, F_SETLEASE), where the system gives one: whoever wants to open or cut the file for
/// writing waits until the lease is given up, or for /proc/sys/fs/lease-break-time, and is seen.
///
/// It needs a file of this user's that nobody has open for writing, on a file system of this machine. The signal that comes
/// with a break is SIGURG, which does nothing unless the host wants it to; the state is asked for.
public final class FileLease: Sendable {
    private let descriptor: Int32

    #if os(Linux) || os(Android)
        // Of <linux/fcntl.h>, which Swift does not import.
        private static let setSignal: Int32 = 10
        private static let setLease: Int32 = 1024
        private static let getLease: Int32 = 1025
    #endif

    /// - Returns: nil where none is to be had.
    public init?(path: String) {
        #if os(Linux) || os(Android)
            guard let descriptor = try? SystemCall.open(path, O_RDONLY | O_NONBLOCK) else { return nil }
            guard fcntl(descriptor, Self.setSignal, SIGURG) == 0, fcntl(descriptor, Self.setLease, F_RDLCK) == 0 else {
                close(descriptor)
                return nil
            }
            self.descriptor = descriptor
        #else
            return nil
        #endif
    }

    /// Gives the lease up: whoever waits for the file goes on.
    deinit { close(descriptor) }

    /// Whether nobody has asked for the file to write to it since the lease was taken.
    public var isHeld: Bool {
        #if os(Linux) || os(Android)
            fcntl(descriptor, Self.getLease, 0) == F_RDLCK
        #else
            false
        #endif
    }
}
