import Foundation
import TestSupport
import Testing

/// Runs that are stopped, killed or starved, and what `--resume` makes of them.
@Suite struct ResumeTests {
    let program = Program()
    let base = Repository.reference("qwen2-tied-f32.gguf")
    let tokens = Repository.reference("tokens.json")

    private func words(out: String, _ more: [String] = [], base: String? = nil, steps: Int = 24) -> [String] {
        [
            "train", "--base", base ?? self.base, "--tokens", tokens, "--seq-len", "16", "--batch-size", "2",
            "--eval-every", "3", "--learning-rate", "0.01", "--steps", "\(steps)", "--seed", "0", "--out", out,
            "--json",
        ] + more
    }

    /// The last loss told of each step, and every validation.
    private func losses(_ folder: String) throws -> [String: Double] {
        let text = try String(contentsOfFile: program.folder.path(folder + "/events.jsonl"), encoding: .utf8)
        var losses: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let name = event["event"] as? String, ["step", "validation"].contains(name) else { continue }
            losses["\(name) \(event["step"] ?? "")"] = try #require(event["loss"] as? Double)
        }
        return losses
    }

    private func adapter(_ folder: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: program.folder.path(folder + "/adapter.gguf")))
    }

    private func checkpoints(_ folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: program.folder.path(folder + "/checkpoints"))
        return (names ?? []).sorted()
    }

    /// Starts a run and sends it `signal` once it has told of step `step`.
    private func interrupt(_ words: [String], signal: Int32, atStep step: Int) throws -> Int32 {
        try program.run(words, watch: { $0.contains("\"step\":\(step),") }, signal: signal).status
    }

    /// The signals that end a run at a pause, less those that this process was started deaf to: so are its children.
    static let signals = [SIGTERM, SIGINT, SIGHUP].filter { number in
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1
    }

    /// What must hold of a resumed run: the same losses, the same bytes, one closed chain.
    private func expectSame(_ resumed: String, as undisturbed: String) throws {
        #expect(try losses(resumed) == losses(undisturbed))
        #expect(try adapter(resumed) == adapter(undisturbed))
        #expect(checkpoints(resumed).allSatisfy { $0.hasPrefix("step_") })
        let verified = try program.run(["audit", "verify", program.folder.path(resumed)])
        #expect(verified.status == 0, "\(verified.output)\(verified.error)")
    }

    @Test(arguments: signals)
    func `a signal ends the run at a signed pause, and resume ends as the undisturbed run`(signal: Int32) throws {
        try program.run(words(out: "whole"))
        let status = try interrupt(words(out: "part"), signal: signal, atStep: 5)
        #expect(status == 128 + signal)
        #expect(checkpoints("part").count == 1)
        #expect(!FileManager.default.fileExists(atPath: program.folder.path("part/adapter.gguf")))
        let paused = try program.run(["audit", "verify", program.folder.path("part")])
        #expect(paused.status != 0)
        #expect(paused.output.contains("paused at"))

        let resumed = try program.run(["train", "--resume", "part", "--threads", "1", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.objects.first?["event"] as? String == "resumed")
        try expectSame("part", as: "whole")
    }

    @Test(arguments: [1, 7, 13, 20])
    func `a killed run goes on from its last checkpoint, or from the start`(step: Int) throws {
        try program.run(words(out: "whole"))
        let status = try interrupt(
            words(out: "part", ["--checkpoint-every", "3"]), signal: SIGKILL, atStep: step)
        #expect(status == 128 + SIGKILL)
        #expect(checkpoints("part").filter { $0.hasPrefix("step_") }.count <= 3)
        let resumed = try program.run(["train", "--resume", "part", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        try expectSame("part", as: "whole")
        #expect(checkpoints("part").count == 2)
        #expect(try program.run(["train", "--resume", "part"]).status == 2)
    }

    @Test func `a second signal ends the run at once, and nothing but the step under way is lost`() throws {
        func slow(_ out: String) -> [String] {
            words(out: out, ["--checkpoint-every", "1"], steps: 4).map { $0 == "2" ? "20" : $0 }
        }
        try program.run(slow("whole"))
        // Between two steps the first signal alone may do; then it is tried again.
        for attempt in 1...6 {
            let name = "part\(attempt)"
            let outcome = try program.run(
                slow(name),
                watch: { output in
                    guard output.contains("\"event\":\"checkpoint\"") else { return false }
                    // Well into the next step.
                    Thread.sleep(forTimeInterval: 0.02 * Double(attempt))
                    return true
                }, signal: SIGINT, isRepeated: true)
            #expect(outcome.status == 128 + SIGINT)
            guard try program.chain(name).last?["kind"] as? String != "pause" else { continue }
            let resumed = try program.run(["train", "--resume", name, "--json"])
            #expect(resumed.status == 0, "\(resumed.output)")
            #expect(resumed.object("resumed")?["step"] as? Int ?? 0 >= 1)
            return try expectSame(name, as: "whole")
        }
        Issue.record("Every step was over before the second signal.")
    }

    @Test func `a run that was closed and not reported is completed, with the same attestation`() throws {
        try program.run(words(out: "run", steps: 3))
        let attestation = try #require(program.bytes("run/attestation.dsse.json"))
        let report = try #require(program.bytes("run/report.html"))
        let events = try String(contentsOfFile: program.folder.path("run/events.jsonl"), encoding: .utf8)
        func remove(_ names: String...) throws {
            for name in names { try FileManager.default.removeItem(atPath: program.folder.path("run/" + name)) }
        }
        func resume() throws -> Program.Outcome { try program.run(["train", "--resume", "run", "--json"]) }

        try remove("attestation.dsse.json", "report.html")
        _ = try program.write("run/.attestation.dsse.json.1abc.part", "{")
        let first = try resume()
        #expect(first.status == 0, "\(first.output)")
        #expect(first.object("run_finished")?["steps"] as? Int == 3)
        #expect(program.bytes("run/attestation.dsse.json") == attestation)
        #expect(!program.holds("run/.attestation.dsse.json.1abc.part"))
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 0)
        #expect(program.bytes("run/report.html") == program.bytes("again.html"))

        try remove("report.html")
        #expect(try resume().status == 0)
        #expect(program.bytes("run/report.html") == report)
        #expect(try String(contentsOfFile: program.folder.path("run/events.jsonl"), encoding: .utf8) == events)

        let over = try resume()
        #expect(over.status == 2 && over.errorMessage?.contains("came to its end") == true, "\(over.output)")
        try remove("adapter.gguf")
        let lost = try resume()
        #expect(lost.status == 4 && lost.errorMessage?.contains("adapter.gguf") == true, "\(lost.output)")
    }

    @Test func `a run whose folder is moved away ends, makes no other, and goes on where it is now`() throws {
        try program.run(words(out: "whole"))
        let from = program.folder.path("part")
        let outcome = try program.run(words(out: "part", ["--checkpoint-every", "1"])) { output in
            guard output.contains("\"step\":5,") else { return false }
            try FileManager.default.moveItem(atPath: from, toPath: program.folder.path("moved"))
            return true
        }
        #expect(outcome.status == 5, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("'part' is no longer where it was") == true, "\(outcome.output)")
        #expect(!program.holds("part"))
        let resumed = try program.run(["train", "--resume", "moved", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.object("resumed")?["step"] as? Int ?? 0 >= 4)
        try expectSame("moved", as: "whole")
    }

    @Test func `a checkpoint that its process had no time to remove is removed by the resume`() throws {
        _ = try interrupt(words(out: "part", ["--checkpoint-every", "1"]), signal: SIGTERM, atStep: 4)
        let names = checkpoints("part")
        let folder = program.folder.path("part/checkpoints/")
        try #require(names.count == 2)
        let old = "step_" + String(format: "%08d", (Int(names[0].dropFirst(5)) ?? 0) - 1)
        try FileManager.default.copyItem(atPath: folder + names[0], toPath: folder + old)
        let resumed = try program.run(["train", "--resume", "part", "--checkpoint-every", "1000"])
        #expect(resumed.status == 0, "\(resumed.error)")
        #expect(checkpoints("part") == names)
    }

    @Test func `a damaged newest checkpoint gives way to the older one, with a remark`() throws {
        try program.run(words(out: "whole"))
        _ = try interrupt(
            words(out: "part", ["--checkpoint-every", "2"]), signal: SIGTERM, atStep: 9)
        let names = checkpoints("part")
        #expect(names.count == 2)
        let path = program.folder.path("part/checkpoints/\(names[1])/state.f32")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[100] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let resumed = try program.run(["train", "--resume", "part", "--json"])
        #expect(resumed.status == 0)
        let remarks = resumed.objects.first?["remarks"] as? [String]
        #expect(remarks?.first?.contains("damaged") == true)
        #expect(resumed.objects.first?["step"] as? Int == Int(names[0].dropFirst(5)))
        try expectSame("part", as: "whole")
    }

    @Test func `another base, other tokens, a changed record and another identity exit 4`() throws {
        let copy = program.folder.path("base.gguf")
        let tokenCopy = program.folder.path("tokens.json")
        try FileManager.default.copyItem(atPath: base, toPath: copy)
        try FileManager.default.copyItem(atPath: tokens, toPath: tokenCopy)
        var line = words(out: "part", base: copy)
        line[4] = tokenCopy
        #expect(try interrupt(line, signal: SIGTERM, atStep: 2) == 143)

        func resume() throws -> Program.Outcome { try program.run(["train", "--resume", "part"]) }
        func replacing(_ path: String, _ change: (inout Data) -> Void, expect: String) throws {
            let url = URL(fileURLWithPath: path)
            let good = try Data(contentsOf: url)
            var bad = good
            change(&bad)
            try bad.write(to: url)
            let outcome = try resume()
            #expect(outcome.status == 4, "\(outcome.error)")
            #expect(outcome.error.contains(expect), "\(outcome.error)")
            try good.write(to: url)
        }
        try replacing(copy, { $0[$0.count - 9] ^= 1 }, expect: "the first tensor that differs is")
        try replacing(
            tokenCopy, { $0 = Data(("[1," + String(decoding: $0, as: UTF8.self).dropFirst()).utf8) }, expect: "corpus")
        try replacing(
            program.folder.path("part/run.json"),
            { $0 = Data(String(decoding: $0, as: UTF8.self).replacingOccurrences(of: "0.01", with: "0.02").utf8) },
            expect: "run.json")
        let identity = program.folder.path("config/polymath/identity.pem")
        let other = Program()
        try other.run(words(out: "other", steps: 1))
        let key = try Data(contentsOf: URL(fileURLWithPath: other.folder.path("config/polymath/identity.pem")))
        try replacing(identity, { $0 = key }, expect: "signer")
        #expect(try resume().status == 0)
    }

    @Test func `a loss that is no number keeps the last good state`() throws {
        let outcome = try program.run(
            words(
                out: "run", ["--grad-clip", "0", "--schedule", "constant", "--optimizer", "sgd", "--scope", "boundary"]
            )
            .map { $0 == "0.01" ? "1e18" : $0 })
        #expect(outcome.status == 1)
        #expect((outcome.objects.last?["message"] as? String)?.contains("is not a finite number") == true)
        #expect(checkpoints("run").count == 1)
        let chain = try String(contentsOfFile: program.folder.path("run/audit.jsonl"), encoding: .utf8)
        #expect(chain.contains("\"kind\":\"failure\""))
        #expect(!FileManager.default.fileExists(atPath: program.folder.path("run/adapter.gguf")))
    }

    @Test func `resume takes no option that would make it another run`() throws {
        for more in [["--steps", "3"], ["--base", base], ["--home", "."], ["--seed", "1"], ["--out", "x"]] {
            let outcome = try program.run(["train", "--resume", "part"] + more)
            #expect(outcome.status == 2)
            #expect(outcome.error.contains("--resume and \(more[0])"))
        }
        let nothing = try program.run(["train", "--resume", "nowhere"])
        #expect(nothing.status == 2)
        #expect(nothing.error.contains("holds no run"))
        #expect(try program.run(["train", "--base", base, "--allow-other-kernels"]).status == 2)
    }
}
