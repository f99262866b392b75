import Foundation
import TestSupport
import Testing

/// Runs whose disk is full, locked or gone: one sentence, nothing lost, and the same end once it is well again.
@Suite(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
struct DiskTests {
    let program = Program()
    let base = Repository.reference("qwen2-tied-f32.gguf")

    private func words(out: String, base: String? = nil) -> [String] {
        var words = ReferenceRun.words(steps: 8, length: 8, batch: 1, out: out) + ["--checkpoint-every", "1"]
        words[2] = base ?? self.base
        return words
    }

    private func wholeAdapter() throws -> [UInt8] {
        try #require(try program.run(words(out: "whole")).status == 0)
        return try #require(program.bytes("whole/adapter.gguf"))
    }

    /// Steps whose checkpoints the chain calls good, the last two of which must be there.
    private func goodSteps(_ run: String) throws -> [Int] {
        let good = try program.chain(run).filter { $0["kind"] as? String == "checkpoint" }
            .compactMap { ($0["body"] as? [String: Any])?["step"] as? Int }
        for step in good.suffix(2) {
            #expect(program.holds("\(run)/checkpoints/" + KilledRun.folder(of: step) + "/state.f32"), "step \(step)")
        }
        return good
    }

    private func expectEnd(_ run: String, _ adapter: [UInt8]) throws {
        #expect(program.bytes("\(run)/adapter.gguf") == adapter)
        #expect(try program.run(["audit", "verify", run]).status == 0)
    }

    /// Waits for step 4, then breaks something.
    private func atStepFour(_ body: @escaping () throws -> Void) -> (String) throws -> Bool {
        { output in
            guard output.contains("\"step\":4,") else { return false }
            try body()
            return true
        }
    }

    @Test func `wherever the disk fills up, the run says what it needs and goes on once there is room`() throws {
        let adapter = try wholeAdapter()
        var seen: Set<String> = []
        for (index, kilobytes) in Swift.stride(from: 24, through: 120, by: 8).enumerated() {
            let disk = try SmallDisk(kilobytes: kilobytes, at: program.folder.path("disk\(index)"))
            let run = "disk\(index)/run"
            let outcome = try program.run(words(out: run))
            guard outcome.status != 0 else {
                seen.insert("enough")
                break
            }
            #expect(outcome.status == 5, "\(outcome.output)")
            let message = try #require(outcome.errorMessage)
            #expect(message.contains("no space is left to write") && message.contains("bytes are needed"), "\(message)")
            #expect(message.contains("are free"), "\(message)")
            let left = FileManager.default.enumerator(atPath: disk.path)?.compactMap { $0 as? String } ?? []
            #expect(!left.contains { $0.hasSuffix(".part") }, "\(left)")
            guard program.holds(run) else {
                // It had not begun.
                #expect(outcome.object("run_started") == nil)
                seen.insert("start")
                continue
            }
            let good = try goodSteps(run)
            let isClosed = message.contains("the run is closed")
            #expect(program.holds(run + "/adapter.gguf") == isClosed)
            if isClosed {
                seen.insert("closed")
            } else if let last = good.last {
                #expect(message.contains("goes on from the checkpoint of step \(last)"), "\(message)")
                seen.insert("checkpoint")
            } else {
                #expect(message.contains("goes on from the start"), "\(message)")
            }
            // Still full: refused, and what is good stays good.
            let refused = try program.run(["train", "--resume", run])
            #expect(refused.status == 5, "\(refused.error)")
            #expect(refused.error.split(separator: "\n").count <= 2, "\(refused.error)")
            #expect(try goodSteps(run).last ?? 0 >= good.last ?? 0)

            try disk.remount("size=4m")
            let resumed = try program.run(["train", "--resume", run, "--json"])
            #expect(resumed.status == 0, "\(resumed.output)")
            #expect(resumed.object("resumed").map { $0["step"] as? Int ?? 0 >= good.last ?? 0 } ?? isClosed)
            try expectEnd(run, adapter)
        }
        #expect(seen.isSuperset(of: ["start", "checkpoint", "closed", "enough"]), "\(seen)")
    }

    @Test func `a disk that is locked takes no step, and nothing is lost`() throws {
        let adapter = try wholeAdapter()
        let disk = try SmallDisk(kilobytes: 4096, at: program.folder.path("disk"))
        let status = try program.run(words(out: "disk/run"), watch: atStepFour {}, signal: SIGKILL).status
        #expect(status == 128 + SIGKILL)
        let good = try goodSteps("disk/run")
        try disk.remount("ro")
        let refused = try program.run(["train", "--resume", "disk/run"])
        #expect(refused.status == 5)
        #expect(refused.error.contains("Read-only file system"), "\(refused.error)")
        #expect(refused.error.contains("goes on from the checkpoint of step \(good.last ?? 0)"), "\(refused.error)")
        #expect(try goodSteps("disk/run") == good)
        let other = try program.run(words(out: "disk/other"))
        #expect(other.status == 2)
        #expect(other.errorMessage?.contains("cannot be written") == true, "\(other.output)")
        try disk.remount("rw")
        #expect(try program.run(["train", "--resume", "disk/run"]).status == 0)
        try expectEnd("disk/run", adapter)
    }

    @Test func `a run whose disk is unplugged ends, writes nowhere else, and goes on once it is back`() throws {
        let adapter = try wholeAdapter()
        let store = program.folder.path("store")
        let outcome = try {
            let disk = try SmallDisk(showing: store, at: program.folder.path("disk"))
            return try program.run(words(out: "disk/run"), watch: atStepFour { try disk.unplug() })
        }()
        #expect(outcome.status == 5, "\(outcome.output)")
        let message = try #require(outcome.errorMessage)
        #expect(message.contains("its disk was unplugged"), "\(message)")
        #expect(message.contains("goes on from the last good checkpoint"), "\(message)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path("disk")) == [])
        let refused = try program.run(["train", "--resume", "disk/run"])
        #expect(refused.status == 2)
        #expect(refused.error.contains("there is no such folder"), "\(refused.error)")

        let again = try SmallDisk(showing: store, at: program.folder.path("disk"))
        let good = try goodSteps("disk/run")
        #expect(good.last ?? 0 >= 3)
        let resumed = try program.run(["train", "--resume", "disk/run", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.object("resumed")?["step"] as? Int ?? 0 >= good.last ?? 0)
        try expectEnd("disk/run", adapter)
        withExtendedLifetime(again) {}
    }

    @Test func `a base that is unplugged ends the run with exit 3, and it goes on once it is back`() throws {
        let adapter = try wholeAdapter()
        let store = program.folder.path("store")
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: base, toPath: store + "/base.gguf")
        let place = program.folder.path("disk/base.gguf")
        let outcome = try {
            let disk = try SmallDisk(showing: store, at: program.folder.path("disk"))
            return try program.run(words(out: "run", base: place), watch: atStepFour { try disk.unplug() })
        }()
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("base.gguf") == true, "\(outcome.output)")
        let good = try goodSteps("run")
        #expect(!program.holds("run/adapter.gguf"))
        let refused = try program.run(["train", "--resume", "run"])
        #expect(refused.status == 2 && refused.error.contains("base.gguf"), "\(refused.status) \(refused.error)")

        let again = try SmallDisk(showing: store, at: program.folder.path("disk"))
        let resumed = try program.run(["train", "--resume", "run", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.object("resumed")?["step"] as? Int == good.last)
        try expectEnd("run", adapter)
        withExtendedLifetime(again) {}
    }
}
