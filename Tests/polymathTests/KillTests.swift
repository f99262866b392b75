import Foundation
import TestSupport
import Testing

/// Runs that are killed, SIGKILL, at any instant of their life; `make kills` runs them at full length.
///
/// `POLYMATH_KILLS` is the number of kills at random moments, `POLYMATH_KILL_STRIDE` 1 tries every instant of the exact
/// sweeps rather than every ninth, and `POLYMATH_KILL_REPORT` names a folder that a JSON summary of each is written to.
@Suite(.serialized) struct KillTests {
    let program = Program()
    let whole: KilledRun.End

    init() throws {
        let outcome = try program.run(KilledRun.words(out: "whole"))
        try #require(outcome.status == 0, "\(outcome.output)")
        whole = try KilledRun.end(of: "whole", program)
    }

    private static func setting(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    /// Counts over many runs.
    private struct Tally {
        var runs = 0
        var kills: [String: Int] = [:]
        var differences = 0
        var lostCheckpoints = 0
        var faults: [String] = []
        let began = Date()

        var count: Int { kills.values.reduce(0, +) }

        mutating func add(_ run: KilledRun, against whole: KilledRun.End) throws {
            runs += 1
            differences += try run.differences(from: whole)
            lostCheckpoints += run.lostCheckpoints
            faults += run.faults
            kills.merge(run.kills) { $0 + $1 }
        }

        func report(as name: String, _ more: [String: Any] = [:]) throws {
            guard let folder = KillTests.setting("POLYMATH_KILL_REPORT") else { return }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var summary: [String: Any] = [
                "kills": count, "runs": runs, "differences": differences, "lost_checkpoints": lostCheckpoints,
                "killed_at": kills, "seconds": (Date().timeIntervalSince(began) * 10).rounded() / 10,
            ]
            summary.merge(more) { _, new in new }
            try JSONSerialization.data(withJSONObject: summary, options: [.prettyPrinted, .sortedKeys])
                .write(to: URL(fileURLWithPath: folder + "/" + name + ".json"))
        }

        func expectNothingLost() {
            #expect(differences == 0)
            #expect(lostCheckpoints == 0)
            #expect(faults == [])
        }
    }

    @Test func `killed at random moments, a run ends with the undisturbed run's losses, adapter and chain`() throws {
        let wanted = Self.setting("POLYMATH_KILLS").flatMap(Int.init) ?? 40
        let seed = Self.setting("POLYMATH_KILL_SEED").flatMap(UInt64.init) ?? 7
        var random = SeededGenerator(seed: seed)
        // How long an undisturbed process lives here and now: kills spread over that.
        let began = Date()
        #expect(try program.run(KilledRun.words(out: "timed")).status == 0)
        var life = Date().timeIntervalSince(began)
        var tally = Tally()
        let undisturbed = life
        while tally.count < wanted, tally.runs < 10 * wanted {
            let run = KilledRun(program, name: "part\(tally.runs)")
            // The machine may grow slower or faster meanwhile: some two of three processes are to be killed.
            while try !run.live(killedAfter: Double(random.float(in: 0...1)) * life) { life *= 1.03 }
            life *= 0.95
            try tally.add(run, against: whole)
            try FileManager.default.removeItem(atPath: program.folder.path(run.name))
        }
        tally.expectNothingLost()
        #expect(tally.count >= wanted)
        try tally.report(as: "random", ["seed": seed, "undisturbed_seconds": (undisturbed * 100).rounded() / 100])
    }

    // MARK: Every instant between two calls that change a file

    private static let tracer = "/usr/bin/strace"
    /// Whether there is a tracer and it may trace.
    static let canTrace: Bool = {
        guard FileManager.default.isExecutableFile(atPath: tracer) else { return false }
        let outcome = try? Program().run(["--version"], under: [tracer, "-qq", "-o", "trace", "-e", "trace=write"])
        return outcome?.status == 0
    }()
    /// Calls by which a process changes files; all of a run's are made by its first thread, which alone is traced.
    private static let calls =
        "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,chmod,fchmod,fchmodat,unlink,"
        + "unlinkat,rmdir,ftruncate,truncate,link,linkat,symlink,symlinkat,fallocate,utimensat"

    /// One call of a process: its name, and how often the process had called it by then, this time included.
    private typealias Call = (name: String, number: Int)

    /// The calls of one process by which it changes files, in order; of its opens, those that make a file.
    private func trace(_ words: [String]) throws -> [Call] {
        let outcome = try program.run(
            words, under: [Self.tracer, "-qq", "-o", "trace", "-e", "trace=openat," + Self.calls])
        try #require(outcome.status == 0, "\(outcome.output)\(outcome.error)")
        var counts: [String: Int] = [:]
        var found: [Call] = []
        for line in try String(contentsOfFile: program.folder.path("trace"), encoding: .utf8).split(separator: "\n") {
            guard let bracket = line.firstIndex(of: "("), line.first?.isLetter == true else { continue }
            let name = String(line[..<bracket])
            counts[name, default: 0] += 1
            if name != "openat" || line.contains("O_CREAT") { found.append((name, counts[name] ?? 0)) }
        }
        return found
    }

    /// Kills the process as it enters the call, which is not made any more.
    private func tracer(killingAt call: Call) -> [String] {
        [
            Self.tracer, "-qq", "-o", "trace", "-e", "trace=\(call.name)", "-e",
            "inject=\(call.name):signal=KILL:when=\(call.number)",
        ]
    }

    private static var stride: Int { setting("POLYMATH_KILL_STRIDE").flatMap(Int.init) ?? 9 }

    @Test(.enabled(if: canTrace, "strace is not installed, or may not trace here"))
    func `killed before any one call that changes a file, a run ends as the undisturbed run`() throws {
        let instants = try trace(KilledRun.words(out: "traced"))
        #expect(instants.count > 100)
        var tally = Tally()
        for index in Swift.stride(from: 0, to: instants.count, by: Self.stride) {
            let run = KilledRun(program, name: "part\(index)")
            _ = try run.live(under: tracer(killingAt: instants[index]))
            #expect(try run.live())
            try tally.add(run, against: whole)
            try FileManager.default.removeItem(atPath: program.folder.path(run.name))
        }
        tally.expectNothingLost()
        // A process may open other files than the traced one, so that now and then one is over before its kill.
        #expect(tally.count * 10 >= tally.runs * 9)
        try tally.report(as: "sweep", ["instants": instants.count, "stride": Self.stride])
    }

    @Test(.enabled(if: canTrace, "strace is not installed, or may not trace here"))
    func `killed before any one call of the resume as well, it still ends so`() throws {
        // The last call but a few of an undisturbed run: adapter written, chain not yet closed.
        let calls = try trace(KilledRun.words(out: "traced"))
        let first = KilledRun(program, name: "once")
        #expect(try !first.live(under: tracer(killingAt: calls[calls.count - 20])))
        try FileManager.default.copyItem(
            atPath: program.folder.path("once"), toPath: program.folder.path("retraced"))
        let instants = try trace(["train", "--resume", "retraced", "--json"])
        var tally = Tally()
        for index in Swift.stride(from: 0, to: instants.count, by: Self.stride) {
            let run = KilledRun(program, name: "part\(index)")
            try FileManager.default.copyItem(
                atPath: program.folder.path("once"), toPath: program.folder.path(run.name))
            _ = try run.live(under: tracer(killingAt: instants[index]))
            #expect(try run.live())
            try tally.add(run, against: whole)
            try FileManager.default.removeItem(atPath: program.folder.path(run.name))
        }
        tally.expectNothingLost()
        // A process may open other files than the traced one, so that now and then one is over before its kill.
        #expect(tally.count * 10 >= tally.runs * 9)
        try tally.report(as: "resume-sweep", ["instants": instants.count, "stride": Self.stride])
    }

    @Test(.enabled(if: canTrace, "strace is not installed, or may not trace here"))
    func `killed while an identity is made, the next process makes one and leaves nothing else`() throws {
        func words(_ name: String) -> [String] {
            // A dry run makes its identity and nothing else.
            KilledRun.words(out: name) + ["--identity", name + "/identity.pem", "--dry-run"]
        }
        let calls = try trace(words("traced"))
        #expect(calls.count > 5)
        for (number, call) in calls.enumerated() {
            let outcome = try program.run(words("id\(number)"), under: tracer(killingAt: call))
            #expect(outcome.status == 128 + SIGKILL)
            #expect(try program.run(words("id\(number)")).status == 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path("id\(number)"))
            #expect(names == ["identity.pem"], "killed at \(call)")
        }
    }
}
