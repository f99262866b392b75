import Bytes
import Foundation

/// Room on the file system, asked for before a large file is written.
package enum DiskSpace {
    /// Bytes free for this user on the file system of the folder; nil when it is not there or will not say.
    package static func available(at folder: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    }

    /// Makes the folder that `path` lies in, when it is not there; it goes again when nothing comes to stand in it.
    static func makeFolder(of path: String) throws(BaseError) -> MadeFolders {
        let folder = folder(of: path)
        do {
            return try MadeFolders(folder)
        } catch {
            throw .io(path: folder, reason: "the folder cannot be made")
        }
    }

    /// The folder, or the nearest above it that is there.
    static func existingFolder(at folder: String) -> String {
        var folder = folder
        while PathKind.at(folder) == nil, folder != ".", folder != "/" { folder = Self.folder(of: folder) }
        return folder
    }

    /// - Throws: ``BaseError/noSpace(path:needed:available:)`` when `byteCount` more do not fit.
    package static func require(_ byteCount: Int, for path: String) throws(BaseError) {
        // A folder that is not there yet will be made where the next one above it is.
        guard let free = available(at: existingFolder(at: folder(of: path))), free < byteCount else { return }
        throw .noSpace(path: path, needed: byteCount, available: free)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension DiskSpace {
    /// Bytes of the regular file at `path`; nil when there is none.
    static func size(of path: String) -> Int? {
        (try? FileIdentity(ofFileAt: path))?.byteCount
    }
}
