import Bytes
import Foundation

/// Everything in a folder, down to the last byte: what is compared to say that nothing was touched.
public struct Snapshot: Equatable, Sendable {
    /// Kind, mode, length, time of change, inode, and bytes or target, by path from the folder on.
    public let entries: [String: String]

    /// - Parameter skipping: names right in the folder that do not count.
    public init(of folder: String, skipping: (String) -> Bool = { _ in false }) {
        var entries: [String: String] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !skipping(name) {
            Self.add(name, in: folder, to: &entries)
        }
        self.entries = entries
    }

    private static func add(_ name: String, in folder: String, to entries: inout [String: String]) {
        let path = folder + "/" + name
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        var content = ""
        switch PathKind.at(path, followingLinks: false) {
        case .regularFile:
            // Another number in every process, which is all that is needed.
            var hasher = Hasher()
            ((try? WholeFile.read(path)) ?? []).withUnsafeBytes { hasher.combine(bytes: $0) }
            content = String(hasher.finalize())
        case .link: content = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? ""
        case .folder:
            for inner in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
                add(name + "/" + inner, in: folder, to: &entries)
            }
        default: break
        }
        entries[name] =
            "mode \(String(status.st_mode, radix: 8)) inode \(status.st_ino) size \(status.st_size) "
            + "time \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(content)"
    }

    /// What differs, a line each; nothing where nothing does.
    ///
    /// - Parameter allowed: paths, and all below them, that may.
    public func differences(from before: Snapshot, besides allowed: [String] = []) -> [String] {
        Set(entries.keys).union(before.entries.keys).sorted().compactMap { path in
            let isAllowed = allowed.contains { path == $0 || path.hasPrefix($0 + "/") }
            guard !isAllowed, entries[path] != before.entries[path] else { return nil }
            return "\(path): \(before.entries[path] ?? "nothing") became \(entries[path] ?? "nothing")"
        }
    }
}
