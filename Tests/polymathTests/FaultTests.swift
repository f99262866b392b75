import Foundation
import TestSupport
import Testing

/// Runs whose base is cut while they read it.
@Suite struct FaultTests {
    let program = Program()
    var base: String { program.folder.path("base.gguf") }
    let content: Data

    init() throws {
        content = try Data(contentsOf: URL(fileURLWithPath: Repository.reference("qwen2-tied-f32.gguf")))
        try content.write(to: URL(fileURLWithPath: base))
    }

    private func words(out: String) -> [String] {
        var words = ReferenceRun.words(steps: 14, length: 16, batch: 2, out: out) + ["--checkpoint-every", "2"]
        words[2] = base
        return words
    }

    /// Another process's doing: the inode stays, the bytes go.
    private func cut(to byteCount: Int) throws { truncate(base, off_t(byteCount)) }

    private func restore() throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: base))
        defer { try? handle.close() }
        try handle.write(contentsOf: content)
    }

    /// A run whose base is cut after step 5; now and then the guard's own look at the file's length comes before any
    /// touch of the lost bytes, and the run is tried again.
    private func cutRun() throws -> (name: String, outcome: Program.Outcome) {
        // With a lease on the base the cut would wait until the run looks, between two steps: who has it open for writing
        // already keeps the run from having one.
        let writer = try FileHandle(forUpdating: URL(fileURLWithPath: base))
        defer { try? writer.close() }
        var last: (String, Program.Outcome)?
        for attempt in 1...6 {
            let name = "part\(attempt)"
            let outcome = try program.run(words(out: name)) { output in
                guard output.contains("\"step\":5,") else { return false }
                try cut(to: 4_096)
                return true
            }
            last = (name, outcome)
            if program.bytes("\(name)/fault.json")?.isEmpty == false { break }
            #expect(outcome.status == 3)
            try restore()
        }
        return try #require(last)
    }

    @Test func `a base that is cut during a run ends it with exit 3, a record and nothing exported`() throws {
        #expect(try program.run(words(out: "whole")).status == 0)
        let (name, outcome) = try cutRun()
        #expect(outcome.status == 3)
        let message = try #require(outcome.errorMessage)
        for part in ["can no longer be read", "base.gguf", "nothing was exported", "train --resume \(name)"] {
            #expect(message.contains(part), "\(message)")
        }
        let told = try #require(outcome.object("seal_violation"))
        #expect(told["kind"] as? String == "bus_error")
        let record = try #require(program.bytes("\(name)/fault.json"))
        let place = try #require(told["fileOffset"] as? Int)
        #expect(String(decoding: record, as: UTF8.self).hasPrefix("{\"fileOffset\":\(place),\"kind\":\"bus_error\","))
        for file in ["adapter.gguf", "attestation.dsse.json", "report.html"] {
            #expect(!program.holds("\(name)/\(file)"), "\(file)")
        }

        // Still cut: refused as differing from its record, and the chain knows by then.
        let refused = try program.run(["train", "--resume", name])
        #expect(refused.status == 4, "\(refused.error)")
        #expect(refused.error.contains("the first tensor that is missing bytes is"), "\(refused.error)")
        let row = try #require(try program.chain(name).last)
        #expect(row["kind"] as? String == "seal_violation")
        let body = try #require(row["body"] as? [String: Any])
        #expect(body["kind"] as? String == "bus_error" && body["entered_by"] as? String == "resume")
        #expect(body["fileOffset"] as? Int == place && (body["tensor"] as? String)?.isEmpty == false)
        let step = try #require(body["step"] as? Int)
        #expect((body["good_checkpoint"] as? Int).map { $0 <= step && step - $0 < 4 } == true, "\(body)")
        #expect(!program.holds("\(name)/fault.json"))

        try restore()
        let resumed = try program.run(["train", "--resume", name])
        #expect(resumed.status == 0, "\(resumed.error)")
        #expect(program.bytes("\(name)/adapter.gguf") == program.bytes("whole/adapter.gguf"))
        #expect(try program.run(["audit", "verify", name, "--base", base]).status == 0)
        #expect(!program.holds("\(name)/fault.json"))
    }

    @Test func `verify enters the fault into the chain for the signer, and only shows it to others`() throws {
        let (name, _) = try cutRun()
        let rows = try program.chain(name).count
        let stranger = Program()
        let shown = try stranger.run(["audit", "verify", program.folder.path(name)])
        #expect(shown.status == 4)
        #expect(shown.output.contains("ended at a fault that its chain does not tell of yet"), "\(shown.output)")
        #expect(try program.chain(name).count == rows)

        let entered = try program.run(["audit", "verify", name])
        #expect(entered.status == 4)
        #expect(entered.error.contains("now a row of its chain"), "\(entered.error)")
        #expect(try program.chain(name).count == rows + 1)
        #expect(!program.holds("\(name)/fault.json"))
        let again = try program.run(["audit", "verify", name])
        #expect(again.status == 4 && again.output.contains("changed during the run"))
        #expect(try program.chain(name).count == rows + 1)
    }
}
