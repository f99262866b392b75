internal import Bytes
internal import Foundation

/// Looks at paths before they are opened, so that a wrong one is told apart from wrong contents.
public enum InputPath {
    /// - Parameter kind: what is looked for, for the message.
    /// - Throws: `InputError` when there is nothing, a folder, a pipe, socket or device, or when what is there cannot be looked at.
    public static func requireFile(_ path: String, kind: String) throws(InputError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let reason = errno
            guard reason == ENOENT || reason == ENOTDIR else {
                throw .unusable(kind: kind, path: path, reason: unsafe String(cString: strerror(reason)) + ".")
            }
            throw .missing(kind: kind, path: path)
        }
        let type = status.st_mode & S_IFMT
        guard type != S_IFDIR else { throw .isAFolder(kind: kind, path: path) }
        // Nobody may write into a pipe, and a device has no end.
        guard type == S_IFREG else { throw .notARegularFile(kind: kind, path: path) }
    }

    public static func requireFolder(_ path: String, kind: String) throws(InputError) {
        guard isFolder(path) else { throw .missing(kind: kind, path: path) }
    }

    /// - Parameter flag: the one that named `path`, for the message.
    /// - Throws: `InputError.exists` when something is at `path`, a link that leads nowhere too, or `.missing` when its
    ///   folder is not there.
    public static func requireFree(_ path: String, flag: String = "out") throws(InputError) {
        guard PathKind.at(path, followingLinks: false) == nil else { throw .exists(path: path, flag: flag) }
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        let folder = trimmed.lastIndex(of: "/").map { String(trimmed[...$0]) } ?? "."
        guard isFolder(folder) else { throw .missing(kind: "folder to write into", path: folder) }
    }

    /// For a path whose file may be replaced.
    ///
    /// - Throws: `InputError.notReplaceable` when a folder, a link, a pipe or a device is at `path`, or `.missing` when its
    ///   folder is not there.
    public static func requireReplaceable(_ path: String) throws(InputError) {
        switch PathKind.at(path, followingLinks: false) {
        case .regularFile: break
        case nil: try requireFree(path)
        case .folder, .link, .other: throw .notReplaceable(path: path)
        }
    }

    /// Whether there is nothing; false as well for what may not be looked at.
    package static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    package static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    package static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
