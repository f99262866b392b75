import Foundation

/// A small file system in memory, gone with the object: what a full disk is tried on.
public final class SmallDisk: Sendable {
    public let path: String

    /// Whether this process may mount one; found out by doing it, since root in a container may not.
    public static let canMount: Bool = {
        let folder = TemporaryFolder()
        return (try? SmallDisk(kilobytes: 16, at: folder.path("disk"))) != nil
    }()

    public init(kilobytes: Int, at path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try Self.run("mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path]) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    deinit { _ = try? Self.run("umount", [path]) }

    private static func run(_ name: String, _ words: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/\(name)")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
