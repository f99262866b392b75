import Foundation
import TestSupport

/// Runs the real binary, as a user's shell would, in a folder of its own.
struct Program {
    let folder: TemporaryFolder
    private let environment: [String: String]

    /// What one run left behind.
    struct Outcome {
        let status: Int32
        let output: String
        let error: String

        /// The JSON objects of `output`, one per line.
        var objects: [[String: Any]] {
            output.split(separator: "\n").compactMap {
                (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
            }
        }
    }

    init(home: String? = nil) {
        folder = TemporaryFolder()
        var environment = ["PATH": "/usr/bin:/bin", "HOME": folder.path, "XDG_CONFIG_HOME": folder.path("config")]
        environment["POLYMATH_HOME"] = home
        self.environment = environment
    }

    /// The binary that was built beside this test bundle.
    static let path = binary("polymath")

    static func binary(_ name: String) -> String? { Repository.product(name) }

    struct NoBinary: Error {}

    /// - Parameters:
    ///   - watch: sees what stands on standard output so far, again and again while the program runs, until it returns
    ///     true.
    ///   - signal: what the program is sent then.
    ///   - isRepeated: sends it again and again until the program ends.
    ///   - name: which of the two programs.
    ///   - wrapper: a command that runs the program, such as a tracer, by its path and with its options.
    @discardableResult
    func run(
        _ words: [String], input: String = "", outputPath: String? = nil, watch: ((String) throws -> Bool)? = nil,
        signal: Int32? = nil, isRepeated: Bool = false, of name: String = "polymath", under wrapper: [String] = []
    ) throws -> Outcome {
        guard let path = Self.binary(name) else { throw NoBinary() }
        // Files instead of pipes: a pipe fills up when nobody reads it while the program runs.
        let files = ["in", "out", "err"].map { folder.path(".\(UUID().uuidString).\($0)") }
        try Data(input.utf8).write(to: URL(fileURLWithPath: files[0]))
        for file in files[1...] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        let process = Process()
        let line = wrapper + [path] + words
        process.executableURL = URL(fileURLWithPath: line[0])
        process.arguments = Array(line.dropFirst())
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: files[0]))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath ?? files[1]))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: files[2]))
        try process.run()
        do {
            while let watch, process.isRunning {
                if try watch(String(contentsOfFile: files[1], encoding: .utf8)) {
                    guard let signal else { break }
                    kill(process.processIdentifier, signal)
                    guard isRepeated else { break }
                }
                Thread.sleep(forTimeInterval: 0.005)
            }
        } catch {
            process.terminate()
            process.waitUntilExit()
            throw error
        }
        process.waitUntilExit()
        let texts = try files[1...].map { try String(contentsOfFile: $0, encoding: .utf8) }
        let status =
            process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return Outcome(status: status, output: texts[0], error: texts[1])
    }

    /// Writes a file into the program's folder and gives its path.
    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path(name)))
        return folder.path(name)
    }
}
