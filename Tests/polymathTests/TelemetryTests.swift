import Foundation
import TestSupport
import Testing

/// What a run's events become for people, spreadsheets and TensorBoard.
@Suite struct TelemetryTests {
    let program = Program()

    private func line(_ seconds: Double, _ celsius: Double, _ changes: [String: Any] = [:]) throws -> String {
        var reading: [String: Any] = [
            "seconds": seconds, "minute_of_day": 720, "has_battery": true, "battery_level": 0.75,
            "external_power": true, "memory_pressure_some": 1.5, "memory_pressure_full": 0.5,
            "temperatures": [["kind": "battery", "sensor": "=cmd|\"x\"", "celsius": celsius]],
            "energy_joules": 100 + seconds,
        ]
        reading.merge(changes) { _, new in new }
        return String(decoding: try JSONSerialization.data(withJSONObject: reading), as: UTF8.self)
    }

    /// A run that begins hot, rests, and is finished.
    private func train(_ out: String = "run") throws {
        let trace = try program.write("trace.jsonl", [line(0, 60), line(0.5, 25)].joined(separator: "\n"))
        let words = ReferenceRun.words(steps: 3, length: 8, batch: 1, out: out) + ["--sensors", trace]
        #expect(try program.run(words).status == 0)
    }

    @Test func `the report draws the device over the time of the run`() throws {
        try train()
        let page = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        let section = try #require(
            page.components(separatedBy: "<section id=\"device\"").last?.components(separatedBy: "</section>").first)
        for word in [
            "temperature, °C, battery: 25.00 to 60.00", "battery, %, level: 75.00 to 75.00", "loss, nats per token",
            "memory pressure, % of time, some", "memory, MiB, resident", "1 rests and 0 resumptions",
            "<rect class=\"rest\"", "<th scope=\"row\">rests</th>", "<th scope=\"row\">goes on</th>",
            "The device did not tell: frequency, user presence.",
        ] { #expect(section.contains(word), "\(word) is missing") }
        // Foreign text is shown and does nothing.
        #expect(section.contains("=cmd|&quot;x&quot; is at 60 °C"))
        #expect(try program.run(["audit", "report", "run", "--out", "again.html"]).status == 0)
        #expect(program.bytes("again.html") == program.bytes("run/report.html"))
    }

    @Test func `a resumed run's line is broken where no process was at it`() throws {
        let words = ReferenceRun.words(steps: 60, length: 8, batch: 1, out: "run")
        let killed = try program.run(words, watch: { $0.contains("\"step\":2,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        #expect(try program.run(["train", "--resume", "run"]).status == 0)
        let page = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        #expect(page.contains("0 rests and 1 resumptions") && page.contains("<line class=\"break\""))
        #expect(page.contains("is resumed</th>") && page.contains("after a kill, "))
        // Steps 1 and 2 were made twice, and count once.
        #expect(
            try program.run(["telemetry", "export", "run", "--format", "tensorboard", "--out", "logs"]).status == 0)
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: program.folder.path("logs")).first)
        let events = try TensorBoardReader.events(try #require(program.bytes("logs/" + name)))
        #expect(events.filter { $0.scalars["train/loss"] != nil }.map(\.step) == Array(1...60))
    }

    @Test func `a table has a line for each event, and an empty cell where nothing was told`() throws {
        try train()
        let outcome = try program.run(["telemetry", "export", "run", "--format", "csv", "--out", "run.csv", "--json"])
        #expect(outcome.status == 0, "\(outcome.output)")
        let text = try String(contentsOfFile: program.folder.path("run.csv"), encoding: .utf8)
        let lines = text.components(separatedBy: "\r\n")
        #expect(lines.last == "")
        let events = try String(contentsOfFile: program.folder.path("run/events.jsonl"), encoding: .utf8)
        #expect(lines.count == events.split(separator: "\n").count + 2)
        #expect(outcome.object("exported")?["count"] as? Int == lines.count - 2)
        let columns = lines[0].components(separatedBy: ",")
        let step = try #require(lines.first { $0.contains(",step,3,") }).components(separatedBy: ",")
        #expect(step.count == columns.count)
        let row = Dictionary(uniqueKeysWithValues: zip(columns, step))
        #expect(row["temperature_battery"] == "25" && row["battery_level"] == "0.75")
        #expect(row["frequency_mhz"] == "" && row["temperature_skin"] == "")
        #expect(row["missing"] == "frequency user_presence")
        #expect(Int(row["resident_bytes"] ?? "") ?? 0 > 0 && Double(row["loss"] ?? "") != nil)
        let rest = try #require(lines.first { $0.contains(",rest,0,") })
        // Quoted, and no formula.
        #expect(rest.contains(",temperature,\"'=cmd|\"\"x\"\" is at 60 °C, and 45 °C are not to be passed\","))
    }

    @Test func `TensorBoard's file holds every step's figures, each record with its checksums`() throws {
        try train()
        let outcome = try program.run(
            ["telemetry", "export", "run", "--format", "tensorboard", "--out", "logs", "--json"])
        #expect(outcome.status == 0, "\(outcome.output)")
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: program.folder.path("logs")).first)
        #expect(name.wholeMatch(of: /events\.out\.tfevents\.\d{10}\.polymath/) != nil)
        let events = try TensorBoardReader.events(try #require(program.bytes("logs/" + name)))
        #expect(events.first?.version == "brain.Event:2")
        let steps = try String(contentsOfFile: program.folder.path("run/events.jsonl"), encoding: .utf8)
            .split(separator: "\n").compactMap { line -> [String: Any]? in
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return event?["event"] as? String == "step" ? event : nil
            }
        let read = events.dropFirst().filter { $0.scalars["train/loss"] != nil }
        #expect(read.map(\.step) == [1, 2, 3])
        for (event, step) in zip(read, steps) {
            #expect(event.scalars["train/loss"] == (step["loss"] as? Double).map { Float($0) })
            #expect(event.scalars["device/temperature_battery"] == 25 && event.scalars["device/battery_level"] == 0.75)
            #expect(event.scalars["device/frequency_mhz"] == nil)
            #expect(event.time > 1.7e9)
        }
        let scalars = events.reduce(0) { $0 + $1.scalars.count }
        #expect(outcome.object("exported")?["count"] as? Int == scalars)
    }

    @Test func `a run whose events were edited is not exported, nor is anything overwritten`() throws {
        try train()
        _ = try program.write("there.csv", "mine")
        let export = ["telemetry", "export", "run", "--format", "csv", "--out"]
        #expect(try program.run(export + ["there.csv"]).status == 2)
        #expect(program.bytes("there.csv") == Array("mine".utf8))
        #expect(try program.run(["telemetry", "export", "nowhere", "--format", "csv", "--out", "x"]).status == 2)
        #expect(try program.run(["telemetry", "export", "run", "--format", "xml", "--out", "x"]).status == 2)
        #expect(try program.run(["telemetry", "export", "run", "--out", "x"]).status == 2)
        let events = try #require(program.bytes("run/events.jsonl"))
        let bad = events.map { $0 == UInt8(ascii: "7") ? UInt8(ascii: "8") : $0 }
        try Data(bad).write(to: URL(fileURLWithPath: program.folder.path("run/events.jsonl")))
        #expect(try program.run(export + ["x.csv"]).status == 4)
        #expect(!program.holds("x.csv"))
    }

    @Test func `simulated days say what each pace makes of them, the same for the same seed`() throws {
        func simulate(_ seed: String) throws -> Program.Outcome {
            try program.run(["telemetry", "simulate", "--days", "2", "--seed", seed, "--json"])
        }
        let outcome = try simulate("1")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.objects.compactMap { $0["pace"] as? String } == ["eager", "balanced", "gentle"])
        #expect(outcome.objects.allSatisfy { $0["steps_over_ceiling"] as? Int == 0 && $0["days"] as? Int == 2 })
        #expect(try simulate("1").output == outcome.output)
        #expect(try simulate("2").output != outcome.output)
        #expect(
            try program.run(["telemetry", "simulate", "--days", "1", "--pace", "gentle"]).output.contains("progress"))
    }
}
