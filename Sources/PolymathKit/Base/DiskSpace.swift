import Bytes
import Foundation

/// Room on the file system, asked for before a large file is written.
package enum DiskSpace {
    /// Bytes free for this user on the file system of the folder; nil when it will not say.
    package static func available(at folder: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    }

    /// Makes the folder that `path` lies in, when it is not there.
    package static func prepareFolder(of path: String) throws(BaseError) {
        let folder = folder(of: path)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .io(path: folder, reason: "the folder cannot be made")
        }
    }

    /// - Throws: ``BaseError/noSpace(path:needed:available:)`` when `byteCount` more do not fit.
    package static func require(_ byteCount: Int, for path: String) throws(BaseError) {
        guard let free = available(at: folder(of: path)), free < byteCount else { return }
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
