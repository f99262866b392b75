import Foundation

/// A control group that limits memory, gone with the object.
public final class MemoryGroup: Sendable {
    private let folder: String
    private let file: String

    /// Whether this process may make one that limits anything; found out by doing it.
    public static let canMake = (try? MemoryGroup(limit: 64 << 20)) != nil

    public init(limit: Int) throws {
        let root = "/sys/fs/cgroup"
        let isUnified = FileManager.default.fileExists(atPath: root + "/cgroup.controllers")
        if isUnified { try? Self.write(root + "/cgroup.subtree_control", "+memory") }
        folder = root + (isUnified ? "/" : "/memory/") + "polymath-\(UUID().uuidString)"
        file = folder + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")
        guard mkdir(folder, 0o755) == 0 else { throw CocoaError(.fileWriteUnknown) }
        try set(limit: limit)
    }

    public func set(limit: Int) throws { try Self.write(file, "\(limit)") }

    /// Runs what follows inside the group.
    public var wrapper: [String] { ["/bin/sh", "-c", "echo $$ > '\(folder)/cgroup.procs' && exec \"$@\"", "sh"] }

    deinit { rmdir(folder) }

    /// As the kernel wants it: one write to the file that is there.
    private static func write(_ path: String, _ text: String) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.write(contentsOf: Data(text.utf8))
    }
}
