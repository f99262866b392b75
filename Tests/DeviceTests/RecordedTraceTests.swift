import Device
import Foundation
import TestSupport
import Testing

@Suite struct RecordedTraceTests {
    private func reading(_ seconds: Double, level: Double? = nil) -> DeviceReading {
        var reading = DeviceReading(seconds: seconds)
        if let level { reading.power = .battery(.init(level: level, isExternallyPowered: nil)) }
        return reading
    }

    private func parse(_ text: String) throws -> [DeviceReading] { try RecordedTrace.parse(Data(text.utf8)) }

    @Test func `a reading is read back as it was written, with every gap named`() throws {
        var whole = reading(12.25, level: 0.5)
        whole.minuteOfDay = 1439
        whole.temperatures = [
            .init(.processor, sensor: "x\"\n", celsius: 51.5, limit: 95), .init(.skin, sensor: "", celsius: -3),
        ]
        whole.frequency = .init(megahertz: 2400, cap: 0.75, throttleEvents: 3)
        whole.memoryPressure = .init(some: 1.5, full: 0)
        whole.userIsPresent = true
        whole.energyJoules = 1e6
        var mains = reading(13)
        mains.power = .mains
        let all = [reading(1), whole, mains]
        #expect(try parse(all.map { $0.json + "\n" }.joined()) == all)
        #expect(!whole.json.contains("\n"))
        #expect(
            reading(1).json == """
                {"battery_level":null,"energy_joules":null,"external_power":null,"frequency_cap":null,\
                "frequency_mhz":null,"has_battery":null,"memory_pressure_full":null,"memory_pressure_some":null,\
                "minute_of_day":null,"missing":["battery","energy","external_power","frequency","memory_pressure",\
                "temperature","user_presence"],"seconds":1,"temperatures":[],"throttle_events":null,\
                "user_present":null}
                """)
    }

    @Test func `readings come at the pace at which they were taken, and the last one stays`() throws {
        nonisolated(unsafe) var now = 100.0
        let trace = try RecordedTrace([reading(7, level: 0.9), reading(9, level: 0.8), reading(20, level: 0.1)]) { now }
        var seen: [(Double, Double?)] = []
        for time in [100.0, 101.5, 102, 102.5, 113, 500] {
            now = time
            let reading = trace.read()
            seen.append((reading.seconds, reading.battery?.level))
        }
        #expect(seen.map(\.1) == [0.9, 0.9, 0.8, 0.8, 0.1, 0.1])
        #expect(seen.map(\.0) == [7, 8.5, 9, 9.5, 20, 407])
    }

    @Test func `a run's events are a trace, and a torn last line is passed over`() throws {
        let line = reading(3, level: 0.5).json
        let text = """
            {"event":"run_started","time":"x"}
            {"device":\(line),"event":"step","loss":1.5,"step":1}
            \(line)
            {"device":{"seconds":4,"batt
            """
        #expect(try parse(text) == [reading(3, level: 0.5), reading(3, level: 0.5)])
    }

    @Test func `a run that was resumed after a restart is one trace, and one that goes back otherwise is none`() throws
    {
        func event(_ name: String, _ seconds: Double) -> String {
            "{\"device\":\(reading(seconds, level: 0.5).json),\"event\":\"\(name)\"}\n"
        }
        let text =
            event("step", 5000) + event("resumed", 40) + event("step", 42) + event("resumed", 50) + event("step", 51)
        #expect(try parse(text).map(\.seconds) == [5000, 5000, 5002, 5010, 5011])
        #expect(throws: DeviceTraceError.self) { try parse(event("step", 5000) + event("step", 40)) }
    }

    @Test(arguments: [
        ("", "It holds no reading of a device."), ("{\"event\":\"step\"}\n", "It holds no reading of a device."),
        ("x\n{}\n", "Line 1: It is no reading."), ("{\"seconds\":1}\n[]\n\n", "Line 2: It is no reading."),
        ("{\"seconds\":2}\n{\"seconds\":1}\n", "Line 2: No device can have that value of seconds there."),
        (
            "{\"seconds\":2,\"has_battery\":true,\"battery_level\":81}\n",
            "Line 1: No device can have that value of battery_level there."
        ),
        (
            "{\"seconds\":2,\"temperatures\":[{\"kind\":\"nose\",\"sensor\":\"\",\"celsius\":1}]}\n",
            "Line 1: No device can have that value of kind there."
        ),
    ])
    func `a file that is no trace is refused with its line`(text: String, reason: String) throws {
        let folder = TemporaryFolder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("trace")))
        let error = #expect(throws: DeviceTraceError.self) { try RecordedTrace(path: folder.path("trace")) }
        #expect(error?.description == reason)
        #expect(throws: DeviceTraceError.unreadable) { try RecordedTrace(path: folder.path("nowhere")) }
    }
}
