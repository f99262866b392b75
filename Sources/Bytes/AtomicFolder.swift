// Folders that appear whole or not at all.

internal import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Makes a folder of files in one step: filled beside its place under a temporary name, synced, renamed, and the
/// parent synced. Whatever fails, nothing appears at its path.
public enum AtomicFolder {
    /// - Parameters:
    ///   - path: where the folder appears; its parent must exist.
    ///   - placement: what the folder may replace; nothing, unless asked for.
    ///   - body: fills the folder whose path it gets, through ``AtomicFile``, which syncs each file.
    /// - Throws: `BytesError.exists` where something stands at `path` that may not be replaced.
    @discardableResult
    public static func write<Result>(
        to path: String, mode: UInt32 = 0o700, placement: Placement = .new, _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = try StagedFolder(for: path, mode: mode, placement: placement)
        do {
            let result = try body(folder.place)
            try folder.put()
            return result
        } catch {
            throw folder.discard(for: error)
        }
    }

    /// Makes the folder unless it is there, and returns once its name is on the medium; its parent must exist.
    public static func make(_ path: String, mode: UInt32 = 0o700) throws(BytesError) {
        if unsafe mkdir(path, mode_t(mode)) != 0 {
            if errno == EEXIST { return }
            throw SystemCall.failure(path, "make folder", errno)
        }
        try SystemCall.syncFolder(SystemCall.folder(of: SystemCall.withoutTrailingSlashes(path)))
    }

    /// Removes a folder and everything in it, so that a crash never leaves half of it under its own name.
    ///
    /// For folders of this program's own alone.
    public static func remove(_ path: String) throws(BytesError) {
        let temporary = StagingName.make(for: SystemCall.withoutTrailingSlashes(path))
        guard unsafe rename(path, temporary) == 0 else {
            if errno == ENOENT { return }
            throw SystemCall.failure(path, "rename", errno)
        }
        do {
            try FileManager.default.removeItem(atPath: temporary)
        } catch {
            throw .io(path: path, operation: "remove", reason: "not all of it could be removed")
        }
    }

    /// Removes what an interrupted ``write(to:mode:placement:_:)`` or ``remove(_:)``, or a file written by
    /// ``AtomicFile``, left in a folder that is this program's own.
    ///
    /// - Parameter isOwn: whether a name is one of those that this program gives there; what was to get any other stays.
    public static func removeLeftovers(in parent: String, of isOwn: (String) -> Bool) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
            guard let target = StagingName.target(of: name), isOwn(String(target)) else { continue }
            try? FileManager.default.removeItem(atPath: parent + "/" + name)
        }
    }
}
