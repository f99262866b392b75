import Bytes
import Foundation
import Seal
import TestSupport
import Testing

/// A watched map and a program of its own that touches it.
@Suite struct FaultTests {
    let folder = TemporaryFolder()
    var path: String { folder.path("base.bin") }
    var record: String { folder.path("fault.json") }

    private func probe(_ mode: String) throws -> (status: Int32, error: String, output: String) {
        try Data(repeating: 7, count: 20_000).write(to: URL(fileURLWithPath: path))
        for name in [".unfinished", ".other"] { try Data([1]).write(to: URL(fileURLWithPath: record + name)) }
        let error = Pipe()
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Repository.product("FaultProbe")))
        process.arguments = [mode, path, record]
        process.environment = ["SWIFT_BACKTRACE": "enable=no"]
        process.standardError = error
        process.standardOutput = output
        try process.run()
        let text = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let isSignal = process.terminationReason == .uncaughtSignal
        let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return (process.terminationStatus + (isSignal ? 128 : 0), text, told)
    }

    @Test(arguments: ["recovers", "recovers-threads"])
    func `where a host asks for it, lost pages are zeros, the map says so, and the process lives`(mode: String) throws {
        let outcome = try probe(mode)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(
            outcome.output
                == "7 0 0\n'\(path)' was cut short while it was read, so nothing can be said of it\ntrue true false\n")
    }

    @Test func `without a handler nothing is installed, and a watched map keeps its guard`() throws {
        #expect(try probe("unhandled").status == 128 + SIGBUS)
        let watched = try probe("recovers-watched")
        #expect(watched.status == 3 && watched.output.isEmpty, "\(watched.output)")
        #expect(try FaultRecord.read(path: record)?.kind == .busError)
    }

    private func holds(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test(arguments: [("write", FaultRecord.Kind.writeFault), ("cut", .busError), ("threads", .busError)])
    func `a fault inside the map leaves one record and one sentence and exits 3`(
        mode: String, kind: FaultRecord.Kind
    ) throws {
        let outcome = try probe(mode)
        #expect(outcome.status == 3, "\(outcome.error)")
        let found = try #require(try FaultRecord.read(path: record))
        #expect(found.kind == kind)
        // Threads touch eight neighbouring bytes; whichever was first.
        #expect((5_000..<5_008).contains(found.fileOffset))
        #expect(mode == "threads" || found.fileOffset == 5_000)
        #expect(found.step == 17)
        #expect(abs(found.time.timeIntervalSinceNow) < 600)
        #expect(try String(contentsOfFile: record, encoding: .utf8).filter { $0 == "\n" }.count == 1)
        #expect(outcome.error.hasPrefix("probe: ") && outcome.error.hasSuffix("; nothing more.\n"))
        #expect(
            outcome.error.contains("byte \(found.fileOffset)") || outcome.error.contains("Byte \(found.fileOffset)"))
        #expect(outcome.error.contains("after step 17") && outcome.error.contains("base.bin"))
        #expect(outcome.error.filter { $0 == "\n" }.count == 1)
        #expect(!holds(record + ".unfinished"))
        if kind == .writeFault {
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(repeating: 7, count: 20_000))
        }
    }

    @Test(arguments: [("outside", 128 + SIGSEGV), ("sent", 128 + SIGSEGV), ("released", 128 + SIGSEGV), ("former", 42)])
    func `a fault elsewhere, a signal that was sent and an ended watch do what they did before`(
        mode: String, status: Int32
    ) throws {
        let outcome = try probe(mode)
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.error.isEmpty)
        #expect(try FaultRecord.read(path: record) == nil)
        #expect(holds(record + ".unfinished"))
    }

    @Test func `of two maps the one that was touched is told of`() throws {
        let outcome = try probe("second")
        #expect(outcome.status == 4)
        #expect(outcome.error.isEmpty)
        #expect(try FaultRecord.read(path: record) == nil)
    }

    @Test func `without a fault no record stays`() throws {
        let outcome = try probe("nothing")
        #expect(outcome.status == 0)
        #expect(try FaultRecord.read(path: record) == nil)
        let file = try MappedFile(path: path)
        do {
            let watcher = try FaultGuard(
                watching: file.region, path: path, recordPath: record, exitStatus: 3, output: nil, advice: "")
            #expect(holds(record))
            withExtendedLifetime(watcher) {}
        }
        #expect(!holds(record))
    }

    @Test(arguments: ["{", "{}", "{\"fileOffset\":-1,\"kind\":\"bus_error\",\"step\":0,\"time\":0}", "nothing"])
    func `a torn record is refused, not guessed at`(text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: record))
        #expect(throws: SealError.self) { try FaultRecord.read(path: record) }
    }
}
