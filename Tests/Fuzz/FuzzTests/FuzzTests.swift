import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Each reader, in a process of its own whose heap is counted, on every input that ever broke it and on fresh mutations.
@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.all.map(\.name))
    func `no input crashes, hangs or costs more memory than stated`(target: String) throws {
        let program = try #require(Repository.product("polymath-fuzz"))
        let folder = Repository.root + "/Tests/Fuzz/Regressions/" + target
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = names.map { folder + "/" + $0 } + ["--mutations", "500", "--seed", "1"]
        process.environment = ProcessInfo.processInfo.environment.merging(["POLYMATH_FUZZ": target]) { $1 }
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && process.terminationReason == .exit, "\(said.suffix(2000))")
    }
}
