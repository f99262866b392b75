import Foundation
import TestSupport
import Testing

/// `train --pace` on devices that are files: a tree that stands for `/`, or a recorded trace.
@Suite struct PaceTests {
    let program = Program()

    private func words(_ out: String, _ more: [String]) -> [String] {
        ReferenceRun.words(steps: 4, length: 8, batch: 1, out: out) + more
    }

    /// One reading of a phone on its charger; later pairs replace earlier ones.
    private func line(_ seconds: Double, _ changes: [String: Any] = [:]) throws -> String {
        var reading: [String: Any] = [
            "seconds": seconds, "minute_of_day": 720, "has_battery": true, "battery_level": 0.9, "external_power": true,
            "temperatures": [["kind": "battery", "sensor": "battery", "celsius": 25]],
            "memory_pressure_some": 0, "user_present": false,
        ]
        reading.merge(changes) { _, new in new }
        return String(decoding: try JSONSerialization.data(withJSONObject: reading), as: UTF8.self)
    }

    private func trace(_ lines: [String]) throws -> [String] {
        ["--sensors", try program.write("trace-\(UUID().uuidString).jsonl", lines.joined(separator: "\n"))]
    }

    private let hot = ["temperatures": [["kind": "battery", "sensor": "battery", "celsius": 60]]]

    private func events(_ run: String, _ name: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: program.folder.path(run + "/events.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").compactMap { line in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return event?["event"] as? String == name ? event : nil
        }
    }

    /// The run that nothing disturbs, and whose result every other one must have.
    private func expectSame(_ run: String, as eager: String) throws {
        #expect(program.bytes(run + "/adapter.gguf") != nil)
        #expect(program.bytes(run + "/adapter.gguf") == program.bytes(eager + "/adapter.gguf"))
        func losses(_ run: String) throws -> [Double] { try events(run, "step").compactMap { $0["loss"] as? Double } }
        #expect(try losses(run) == losses(eager))
        #expect(try program.run(["audit", "verify", run]).status == 0)
    }

    @Test func `gentle rests after every step where nothing is known, and changes no bit`() throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("tree/sys/class/power_supply"), withIntermediateDirectories: true)
        let sensors = ["--sensors", program.folder.path("tree")]
        #expect(try program.run(words("eager", sensors)).status == 0)
        let gentle = try program.run(words("gentle", sensors + ["--pace", "gentle"]))
        #expect(gentle.status == 0, "\(gentle.output)")
        try expectSame("gentle", as: "eager")
        func rests(_ run: String) throws -> [Double] {
            try events(run, "step").compactMap { $0["rested_seconds"] as? Double }
        }
        #expect(try rests("eager") == [0, 0, 0, 0])
        let rested = try rests("gentle")
        #expect(rested.count == 4 && rested.dropFirst().allSatisfy { $0 > 0 })
        let pace = try #require(events("gentle", "pace").first)
        #expect(pace["share"] as? Double == 0.25 && pace["reason"] as? String == "unknown_temperature")
        let started = try #require(gentle.object("run_started"))
        #expect(
            started["sensors_missing"] as? [String]
                == ["temperature", "frequency", "memory_pressure", "user_presence", "energy"])
        let device = try #require(gentle.object("step")?["device"] as? [String: Any])
        #expect(device["has_battery"] as? Bool == false && device["battery_level"] is NSNull)
        #expect(device["resident_bytes"] is Int && (device["missing"] as? [String])?.count == 5)
    }

    @Test func `a hot battery holds the run until it is cool, and changes no bit`() throws {
        #expect(try program.run(words("eager", trace([line(0)]))).status == 0)
        let outcome = try program.run(words("hot", trace([line(0, hot), line(0.5)])))
        #expect(outcome.status == 0, "\(outcome.output)")
        try expectSame("hot", as: "eager")
        let rest = try #require(events("hot", "rest").first)
        #expect(rest["reason"] as? String == "temperature" && rest["value"] as? Double == 60)
        #expect(rest["step"] as? Int == 0 && rest["limit"] as? Double == 45)
        #expect(try #require(events("hot", "rest_over").first?["seconds"] as? Double) >= 0.5)
        #expect(try #require(events("hot", "step").first?["rested_seconds"] as? Double) >= 0.5)
    }

    @Test func `an empty battery pauses the run with status 6, and it goes on to the same result`() throws {
        #expect(try program.run(words("eager", trace([line(0)]))).status == 0)
        let empty: [String: Any] = ["battery_level": 0.05, "external_power": false]
        let own = try trace([line(0, empty)])
        let outcome = try program.run(words("run", own))
        #expect(outcome.status == 6, "\(outcome.output)")
        #expect(outcome.object("error")?["exit_code"] as? Int == 6)
        let message = try #require(outcome.errorMessage)
        #expect(message.contains("since the battery is at 5 %, and 10 % are kept"), "\(message)")
        #expect(outcome.object("paused")?["reason"] as? String == "battery")
        let row = try #require(program.chain("run").last)
        let state = try #require((row["body"] as? [String: Any])?["state"] as? [String: Any])
        #expect(row["kind"] as? String == "pause" && state["reason"] as? String == "battery")
        #expect(try program.run(["audit", "verify", "run"]).output.contains("paused at 0"))

        // Still empty: it pauses again, and changes nothing.
        #expect(try program.run(["train", "--resume", "run"]).status == 6)
        // So it does with other sensors, and what those have is not missed with its own.
        let skin = ["kind": "skin", "sensor": "skin", "celsius": 25] as [String: Any]
        let others = try trace([line(0, empty.merging(["temperatures": [skin]]) { $1 })])
        #expect(try program.run(["train", "--resume", "run"] + others).status == 6)
        _ = try program.write(String(own[1].split(separator: "/").last ?? ""), line(0))
        let resumed = try program.run(
            ["train", "--resume", "run", "--json"], watch: { $0.contains("\"event\":\"rest\"") }, signal: SIGTERM)
        #expect(resumed.status == 0, "\(resumed.output)")
        #expect(resumed.objects.first?["after"] as? String == "pause")
        try expectSame("run", as: "eager")
    }

    @Test func `a signal ends a rest at once, and a pause row names it`() throws {
        #expect(try program.run(words("eager", trace([line(0)]))).status == 0)
        // Held for minutes otherwise.
        let outcome = try program.run(
            words("run", trace([line(0, hot), line(120)])), watch: { $0.contains("\"event\":\"resting\"") },
            signal: SIGTERM)
        #expect(outcome.status == 128 + SIGTERM)
        // A rest that lasts is no gap: the device is told of all the while.
        let during = try #require(outcome.object("resting"))
        #expect(during["device"] is [String: Any] && during["rested_seconds"] as? Double ?? 0 >= 0.9)
        let row = try #require(program.chain("run").last)
        let state = try #require((row["body"] as? [String: Any])?["state"] as? [String: Any])
        #expect(state["signal"] as? Int == Int(SIGTERM))
        #expect(try program.run(["train", "--resume", "run"] + trace([line(0)])).status == 0)
        try expectSame("run", as: "eager")
    }

    @Test func `a killed run says so when it goes on, and a sensor that it had and has no longer holds it`() throws {
        let sensors = try trace([line(0)])
        let killed = try program.run(
            ReferenceRun.words(steps: 4000, length: 8, batch: 1, out: "run") + sensors,
            watch: { $0.contains("\"step\":2,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        // The same path, and a device whose battery no longer answers.
        _ = try program.write(
            String(sensors[1].split(separator: "/").last ?? ""), line(0, ["has_battery": NSNull(), "temperatures": []]))
        let resumed = try program.run(
            ["train", "--resume", "run", "--checkpoint-every", "1", "--json"],
            watch: { $0.contains("\"event\":\"rest\"") }, signal: SIGTERM)
        #expect(resumed.status == 128 + SIGTERM, "\(resumed.output)")
        #expect(resumed.objects.first?["after"] as? String == "kill")
        #expect(resumed.object("rest")?["reason"] as? String == "lost_sensor")
    }

    @Test func `a sensor that fell silent before the run ended is still missed when it goes on`() throws {
        let processor: [String: Any] = ["kind": "processor", "sensor": "cpu", "celsius": 50]
        let battery: [String: Any] = ["kind": "battery", "sensor": "battery", "celsius": 25]
        let sensors = try trace([line(0, ["temperatures": [processor, battery]])])
        let killed = try program.run(
            ReferenceRun.words(steps: 4000, length: 8, batch: 1, out: "run") + sensors,
            watch: { $0.contains("\"step\":2,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        // The last thing that it told, and what the device says from then on.
        let silent = try line(1, ["temperatures": [processor], "missing": ["energy", "frequency"]])
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: program.folder.path("run/events.jsonl")))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"device\":\(silent),\"event\":\"step\",\"step\":3}\n".utf8))
        try file.close()
        _ = try program.write(String(sensors[1].split(separator: "/").last ?? ""), silent)
        let resumed = try program.run(
            ["train", "--resume", "run", "--json"], watch: { $0.contains("\"event\":\"rest\"") }, signal: SIGTERM)
        #expect(resumed.status == 128 + SIGTERM, "\(resumed.output)")
        #expect(resumed.object("rest")?["reason"] as? String == "lost_sensor")
        #expect((resumed.object("rest")?["why"] as? String)?.contains("battery temperature") == true)
    }

    @Test func `options that are none exit 2 before anything is written`() throws {
        for more in [
            ["--pace", "fast"], ["--pace-window", "22-6"], ["--sensors", "nowhere"], ["--pace-window", "10:00-10:00"],
        ] {
            let outcome = try program.run(words("run", more))
            #expect(outcome.status == 2, "\(more): \(outcome.output)")
            #expect(!program.holds("run"))
        }
        let noTrace = try program.run(words("run", ["--sensors", program.write("x", "hello\n")]))
        #expect(noTrace.status == 1 && noTrace.errorMessage?.contains("Line 1: It is no reading.") == true)
        #expect(!program.holds("run"))
    }

    @Test func `outside of its window a run pauses, and the window is kept at a resume`() throws {
        let window = ["--pace-window", "22:00-06:00"]
        #expect(try program.run(words("run", trace([line(0)]) + window)).status == 6)
        #expect(try program.run(["train", "--resume", "run"]).status == 6)
        let night = try trace([line(0, ["minute_of_day": 60])])
        #expect(try program.run(["train", "--resume", "run"] + night).status == 0)
    }
}
