import Foundation
import TestSupport
import Testing

/// The scripts of `make interop`, where it has installed the tools they need; without them these tests are skipped.
@Suite struct InteropTests {
    static let python = Repository.root + "/.build/interop/bin/python3"

    /// Whether exactly what is listed now was installed: `make interop` leaves a copy of the list when it is done.
    static let areToolsInstalled: Bool = {
        let listed = FileManager.default.contents(atPath: Repository.root + "/Integrations/requirements.txt")
        let installed = FileManager.default.contents(atPath: Repository.root + "/.build/interop/installed")
        return listed != nil && listed == installed
    }()

    static let scripts: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: Repository.root + "/Integrations/interop")
        return (names ?? []).filter { $0.hasSuffix(".py") }.sorted()
    }()

    @Test func `there are scripts to run`() {
        #expect(Self.scripts.contains("llama_merge.py") && Self.scripts.contains("peft_export.py"))
    }

    @Test(
        .enabled(if: areToolsInstalled, "llama.cpp, PEFT and the others are not installed; make interop does that"),
        arguments: scripts)
    func `a script finds that other programs agree`(script: String) throws {
        let program = try #require(Program.path)
        let folder = TemporaryFolder()
        let output = folder.path("output")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.python)
        process.arguments = [Repository.root + "/Integrations/interop/" + script, "--polymath", program]
        process.currentDirectoryURL = URL(fileURLWithPath: Repository.root)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        let text = try String(contentsOfFile: output, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(text)")
    }
}
