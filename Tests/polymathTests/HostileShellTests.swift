import Foundation
import TestSupport
import Testing

/// What only a shell can hand over: bytes that are no text, and standard input that is closed or a folder.
@Suite struct HostileShellTests {
    let program = Program()
    private let base = Repository.checkpoint("nano-q4_k_m.gguf")

    /// Runs a line of shell in which `$0` is the program and `$1` the base.
    private func shell(_ line: String) throws -> (status: Int32, error: String) {
        guard let path = Program.path else { throw Program.NoBinary() }
        let errors = program.folder.path("errors")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line + " 2>errors >/dev/null", path, base]
        process.currentDirectoryURL = URL(fileURLWithPath: program.folder.path)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        return (process.terminationStatus, try String(contentsOfFile: errors, encoding: .utf8))
    }

    @Test(arguments: ["", " --json"])
    func `standard input that is a folder or closed is refused in one sentence`(json: String) throws {
        for input in ["< /", "<&-"] {
            let outcome = try shell("exec \"$0\" tokenize --base \"$1\"\(json) \(input)")
            #expect(outcome.status == 1, "\(outcome.error)")
            if json.isEmpty {
                #expect(outcome.error.hasPrefix("polymath: 'standard input' cannot be used: read failed ("))
                #expect(outcome.error.hasSuffix(").\n") && outcome.error.split(separator: "\n").count == 1)
            }
        }
    }

    @Test func `an argument that is no UTF-8 is refused and not repaired`() throws {
        let outcome = try shell(
            "exec \"$0\" generate --base \"$1\" --max-tokens 1 --prompt \"$(printf 'a\\377b')\"")
        #expect(outcome.status == 2)
        #expect(outcome.error == "polymath: Argument 7 of the command line is not UTF-8 text.\n")
    }
}
