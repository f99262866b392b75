#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Folders that were made because something is to stand in them, and that go again when it does not come to that.
public struct MadeFolders: Sendable {
    /// From the outermost on.
    private var paths: [String] = []

    /// Makes what is missing of a folder's path.
    ///
    /// - Parameter mode: of those that are made, less what this process's mask takes.
    /// - Throws: `BytesError`; what was made is gone again then.
    public init(_ folder: String, mode: UInt32 = 0o777) throws(BytesError) {
        var missing: [String] = []
        var path = SystemCall.withoutTrailingSlashes(folder)
        while !path.isEmpty, PathKind.at(path) == nil {
            missing.append(path)
            path = SystemCall.withoutTrailingSlashes(SystemCall.folder(of: path))
            if path == "." || path == "/" { break }
        }
        for path in missing.reversed() {
            if unsafe mkdir(path, mode_t(mode)) == 0 {
                paths.append(path)
            } else if errno != EEXIST {
                let error = SystemCall.failure(path, "make folder", errno)
                remove()
                throw error
            }
        }
        do {
            for path in paths { try SystemCall.syncFolder(SystemCall.folder(of: path)) }
        } catch {
            remove()
            throw error
        }
    }

    /// Removes those of the folders in which nothing is.
    public func remove() {
        for path in paths.reversed() { unsafe rmdir(path) }
    }
}
