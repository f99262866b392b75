#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// What a path leads to, of any kind: two spellings, two hard links, or a way through a linked folder are one.
public struct PathIdentity: Equatable, Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64

    /// - Parameter followingLinks: whether what a link leads to is meant, and not the link.
    /// - Returns: nil where nothing is, or nothing that may be looked at.
    public init?(at path: String, followingLinks: Bool = true) {
        guard !path.utf8.contains(0) else { return nil }
        var status = stat()
        guard unsafe (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        self.init(status)
    }

    init(of descriptor: Int32, path: String) throws(BytesError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemCall.failure(path, "stat", errno) }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
    }

    /// Whether what `path` names would lie in a folder, at any depth; by way of links too.
    public static func isInside(_ path: String, folder: String) -> Bool {
        guard let folder = PathIdentity(at: folder) else { return false }
        var above = SystemCall.folder(of: SystemCall.withoutTrailingSlashes(path))
        while let identity = PathIdentity(at: above) {
            if identity == folder { return true }
            above += "/.."
            if PathIdentity(at: above) == identity { return false }
        }
        return false
    }

    /// Whether both paths are one place, whether or not something stands there: the same name in the same folder.
    public static func isSamePlace(_ one: String, _ other: String) -> Bool {
        if let one = PathIdentity(at: one), one == PathIdentity(at: other) { return true }
        let paths = [one, other].map { SystemCall.withoutTrailingSlashes($0) }
        guard StagingName.lastComponent(of: paths[0]) == StagingName.lastComponent(of: paths[1]) else { return false }
        let folders = paths.map { PathIdentity(at: SystemCall.folder(of: $0)) }
        return folders[0] != nil && folders[0] == folders[1]
    }
}
