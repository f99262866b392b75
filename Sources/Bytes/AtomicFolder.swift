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
    /// What every temporary name ends with; ``removeLeftovers(in:)`` knows them by it.
    private static let mark = ".part"

    /// - Parameters:
    ///   - path: where the folder appears; its parent must exist. A folder that is there already is replaced.
    ///   - body: fills the folder whose path it gets, through ``AtomicFile``, which syncs each file.
    public static func write<Result>(to path: String, mode: UInt32 = 0o700, _ body: (String) throws -> Result) throws
        -> Result
    {
        let parent = parentFolder(of: path)
        let temporary = temporaryName(for: path)
        guard unsafe mkdir(temporary, mode_t(mode)) == 0 else { throw SystemCall.failure(path, "make folder", errno) }
        do {
            let result = try body(temporary)
            try SystemCall.syncFolder(temporary)
            try remove(path)
            guard unsafe rename(temporary, path) == 0 else { throw SystemCall.failure(path, "rename", errno) }
            try SystemCall.syncFolder(parent)
            return result
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
    }

    /// Makes the folder unless it is there, and returns once its name is on the medium; its parent must exist.
    public static func make(_ path: String, mode: UInt32 = 0o700) throws(BytesError) {
        if unsafe mkdir(path, mode_t(mode)) != 0 {
            if errno == EEXIST { return }
            throw SystemCall.failure(path, "make folder", errno)
        }
        try SystemCall.syncFolder(parentFolder(of: path))
    }

    /// Removes a folder and everything in it, so that a crash never leaves half of it under its own name.
    public static func remove(_ path: String) throws(BytesError) {
        let temporary = temporaryName(for: path)
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

    /// Removes what an interrupted ``write(to:mode:_:)`` or ``remove(_:)``, or a file written by ``AtomicFile``, left in
    /// `parent`.
    public static func removeLeftovers(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        where name.hasPrefix(".") && name.hasSuffix(mark) {
            try? FileManager.default.removeItem(atPath: parent + "/" + name)
        }
    }

    private static func temporaryName(for path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return parentFolder(of: path) + "." + name.prefix(80) + "." + String(UInt64.random(in: 0 ... .max), radix: 36)
            + mark
    }

    private static func parentFolder(of path: String) -> String {
        SystemCall.folder(of: path.hasSuffix("/") ? String(path.dropLast()) : path)
    }
}
