import Foundation
import TestSupport
import Testing

/// The quick part of `make hostile`, so that the suite stays alive between its long runs.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"), "python3 is not installed"))
struct HostileSuiteTests {
    @Test func `the quick part of the hostile suite finds nothing`() throws {
        let folder = TemporaryFolder()
        let programs = try ["polymath", "polymath-verify", "polymath-pipeline"].map {
            try #require(Repository.product($0))
        }
        let output = folder.path("output")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        // Built for debugging, and beside every other test: what takes a second elsewhere may take many here.
        process.arguments = [
            Repository.root + "/Tests/Hostile/hostile.py", "--quick", "--seed", "1", "--slack", "10", "--polymath",
            programs[0], "--verifier", programs[1], "--pipeline", programs[2], "--home", Repository.root,
        ]
        process.environment = ["PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"]
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = process.standardOutput
        try process.run()
        process.waitUntilExit()
        let said = try String(contentsOfFile: output, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(said)")
        // It did what it is for.
        #expect(said.split(separator: "\n").last?.hasPrefix("all ") == true, "\(said)")
    }
}
