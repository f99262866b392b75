internal import CFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// What may stand where something new is put.
///
/// Whatever is made is filled under a name of its own beside its place, and gets its own name when it is whole. So this
/// is asked at the last moment, by the system itself where it can: also for what appeared in the meantime.
public enum Placement: Equatable, Sendable {
    /// Nothing may: neither file nor folder nor link. What is there stays as it is, and the new goes again.
    case new
    /// A file's place may be taken from a regular file, a folder's from a folder; from nothing else.
    case replacing
    /// A folder's place may be taken from a folder in which nothing is.
    case overEmptyFolder
}

extension Placement {
    /// Gives what stands at `source` the name `path`, of the same file system, where nothing stands.
    ///
    /// - Parameter isAtomic: whether the system is asked to look and move in one step; a test says no.
    /// - Throws: `BytesError.exists`; `.io`.
    package static func move(
        _ source: String, toFree path: String, isFolder: Bool, isAtomic: Bool = true
    ) throws(BytesError) {
        if isAtomic {
            switch unsafe cf_rename_to_free_name(source, path) {
            case 0: return
            case EEXIST, ENOTEMPTY: throw .exists(path: path)
            case ENOSYS, EINVAL, ENOTSUP, EOPNOTSUPP: break
            case let code: throw SystemCall.failure(path, "rename", code)
            }
        }
        if !isFolder {
            // A link never takes a place either; the file has two names for a moment.
            if unsafe link(source, path) == 0 {
                unsafe unlink(source)
                return
            }
            if errno == EEXIST { throw .exists(path: path) }
        }
        // Neither is given here: a moment is left in which what appears would be replaced, if it is a file, or an empty
        // folder.
        guard PathKind.at(path, followingLinks: false) == nil else { throw .exists(path: path) }
        guard unsafe rename(source, path) == 0 else { throw SystemCall.failure(path, "rename", errno) }
    }

    /// Gives a file its name.
    func put(file source: String, at path: String) throws(BytesError) {
        guard self == .replacing else { return try Self.move(source, toFree: path, isFolder: false) }
        switch PathKind.at(path, followingLinks: false) {
        case nil, .regularFile: break
        case .folder, .link, .other: throw .notARegularFile(path: path)
        }
        guard unsafe rename(source, path) == 0 else { throw SystemCall.failure(path, "rename", errno) }
    }

    /// Gives a folder its name.
    func put(folder source: String, at path: String) throws(BytesError) {
        guard self != .new else { return try Self.move(source, toFree: path, isFolder: true) }
        if self == .replacing, let there = PathKind.at(path, followingLinks: false) {
            guard there == .folder else { throw .exists(path: path) }
            try AtomicFolder.remove(path)
        }
        // The system lets a folder take the place of an empty folder, and of nothing else.
        guard unsafe rename(source, path) == 0 else {
            switch errno {
            case EEXIST, ENOTEMPTY, ENOTDIR: throw .exists(path: path)
            case let code: throw SystemCall.failure(path, "rename", code)
            }
        }
    }
}
