import Foundation

/// Debian's cross compiler and qemu, with which parts in C are tried on 64-bit ARM.
public enum ARMTools {
    public static let areInstalled: Bool = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return ["aarch64-linux-gnu-gcc", "qemu-aarch64"].allSatisfy { tool in
            folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
        }
    }()

    /// Runs a shell script of the repository.
    ///
    /// - Returns: its exit status, and what it wrote to both of its outputs.
    public static func run(_ script: String, _ words: [String]) throws -> (status: Int32, text: String) {
        let folder = TemporaryFolder()
        let output = folder.path("output")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [Repository.root + "/" + script] + words
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }
}
