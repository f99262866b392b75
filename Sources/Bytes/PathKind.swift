#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// What stands at a path.
///
/// Asked of the kernel alone: Foundation's attributes of a file name its owner, and the system's user database, which is
/// asked for that name, is reached through a socket.
public enum PathKind: Equatable, Sendable {
    case regularFile, folder, link, other

    /// - Parameter followingLinks: whether what a link leads to is meant, and not the link.
    /// - Returns: nil where nothing is, or nothing that may be looked at.
    public static func at(_ path: String, followingLinks: Bool = true) -> PathKind? {
        guard !path.utf8.contains(0) else { return nil }
        var status = stat()
        guard unsafe (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        switch status.st_mode & mode_t(S_IFMT) {
        case mode_t(S_IFREG): return .regularFile
        case mode_t(S_IFDIR): return .folder
        case mode_t(S_IFLNK): return .link
        default: return .other
        }
    }
}
