import Foundation

/// A small file system in memory, or a view of a folder, gone with the object: what a full, locked or unplugged disk is
/// tried on.
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

    /// A view of `folder` at `path`, to be unplugged.
    public init(showing folder: String, at path: String) throws {
        self.path = path
        for place in [folder, path] {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        }
        guard try Self.run("mount", ["--bind", folder, path]) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { _ = try? Self.run("umount", ["-l", path]) }

    /// Another size, or `ro` and `rw`: options of `mount` for what is mounted already.
    public func remount(_ options: String) throws {
        guard try Self.run("mount", ["-o", "remount," + options, path]) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    /// Takes the disk away from under whoever uses it.
    public func unplug() throws {
        guard try Self.run("umount", ["-l", path]) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

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
