import Device
import Foundation
import TestSupport
import Testing

/// The kernel's files, laid out in a folder.
@Suite struct LinuxSensorsTests {
    let folder = TemporaryFolder()

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = URL(fileURLWithPath: folder.path(name))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: url)
        }
    }

    private func sensors(presence: String? = nil) -> LinuxSensors {
        LinuxSensors(root: folder.path, presenceFile: presence) { (12.5, 600) }
    }

    private let phone = [
        "sys/class/power_supply/battery/type": "Battery", "sys/class/power_supply/battery/capacity": "81",
        "sys/class/power_supply/battery/status": "Charging", "sys/class/power_supply/battery/temp": "312",
        "sys/class/power_supply/battery/present": "1",
        "sys/class/power_supply/usb/type": "USB", "sys/class/power_supply/usb/online": "1",
        "sys/class/thermal/thermal_zone0/type": "cpu-0-0", "sys/class/thermal/thermal_zone0/temp": "51200",
        "sys/class/thermal/thermal_zone0/trip_point_0_type": "passive",
        "sys/class/thermal/thermal_zone0/trip_point_0_temp": "95000",
        "sys/class/thermal/thermal_zone0/trip_point_1_type": "critical",
        "sys/class/thermal/thermal_zone0/trip_point_1_temp": "40000",
        "sys/class/thermal/thermal_zone1/type": "cpu-0-1", "sys/class/thermal/thermal_zone1/temp": "49000",
        "sys/class/thermal/thermal_zone2/type": "quiet-therm-usr", "sys/class/thermal/thermal_zone2/temp": "33500",
        "sys/class/thermal/thermal_zone3/type": "modem", "sys/class/thermal/thermal_zone3/temp": "-274000",
        "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq": "1800000",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "900000",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq": "1800000",
        "sys/devices/system/cpu/cpufreq/policy4/cpuinfo_max_freq": "2800000",
        "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq": "2100000",
        "sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq": "1400000",
        "proc/pressure/memory": """
        some avg10=1.50 avg60=0.00 avg300=0.00 total=12
        full avg10=0.25 avg60=0.00 avg300=0.00 total=1
        """,
    ]

    @Test func `a phone's files say how it is`() throws {
        try write(phone)
        let reading = sensors(presence: folder.path("sys/present")).read()
        #expect(reading.seconds == 12.5 && reading.minuteOfDay == 600)
        #expect(reading.power == .battery(.init(level: 0.81, isExternallyPowered: true)))
        #expect(
            reading.temperatures == [
                .init(.processor, sensor: "cpu-0-0", celsius: 51.2, limit: 95),
                .init(.battery, sensor: "battery", celsius: 31.2),
                .init(.skin, sensor: "quiet-therm-usr", celsius: 33.5),
            ])
        #expect(reading.frequency == .init(megahertz: 1500, cap: 0.5))
        #expect(reading.memoryPressure == .init(some: 1.5, full: 0.25))
        #expect(reading.userIsPresent == false)
        #expect(reading.missing == [.energy])
        try write(["sys/present": ""])
        #expect(sensors(presence: folder.path("sys/present")).read().userIsPresent == true)
        #expect(sensors(presence: folder.path("nowhere/present")).read().userIsPresent == nil)
    }

    @Test func `a desktop's files say that there is no battery, and count its energy across the counter's end`() throws
    {
        try write([
            "sys/class/power_supply/hidpp_battery_0/type": "Battery",
            "sys/class/power_supply/hidpp_battery_0/scope": "Device",
            "sys/class/power_supply/hidpp_battery_0/capacity": "5",
            "sys/class/power_supply/AC/type": "Mains", "sys/class/power_supply/AC/online": "1",
            "sys/class/hwmon/hwmon0/name": "nvme", "sys/class/hwmon/hwmon0/temp1_input": "90000",
            "sys/class/hwmon/hwmon1/name": "k10temp", "sys/class/hwmon/hwmon1/temp1_input": "61125",
            "sys/class/powercap/intel-rapl:0/energy_uj": "9000000",
            "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "10000000",
            "sys/class/powercap/intel-rapl:0:0/energy_uj": "7",
        ])
        let sensors = sensors()
        let first = sensors.read()
        #expect(first.power == .mains && first.battery == nil)
        #expect(first.temperatures == [.init(.processor, sensor: "k10temp", celsius: 61.125)])
        #expect(first.energyJoules == 0)
        try write(["sys/class/powercap/intel-rapl:0/energy_uj": "1500000"])
        #expect(abs((sensors.read().energyJoules ?? 0) - 2.5) < 1e-9)
        #expect(first.missing == [.frequency, .memoryPressure, .userPresence])
    }

    @Test func `a machine without any of the files says nothing, and does not claim to have no battery`() {
        let reading = sensors().read()
        #expect(reading.power == nil)
        #expect(reading.missing == DeviceReading.Sensor.allCases)
        try? FileManager.default.createDirectory(
            atPath: folder.path("sys/class/power_supply"), withIntermediateDirectories: true)
        #expect(sensors().read().power == .mains)
    }

    @Test(
        arguments: [
            ("Discharging", "1", false), ("Not charging", "1", true), ("Unknown", "0", false), ("Full", nil, true),
            ("Unknown", nil, nil),
        ] as [(String, String?, Bool?)])
    func `charging counts only where the battery does not empty`(status: String, online: String?, is external: Bool?)
        throws
    {
        try write([
            "sys/class/power_supply/BAT0/type": "Battery", "sys/class/power_supply/BAT0/capacity": "50",
            "sys/class/power_supply/BAT0/status": status,
        ])
        if let online {
            try write(["sys/class/power_supply/AC/type": "Mains", "sys/class/power_supply/AC/online": online])
        }
        #expect(sensors().read().battery?.isExternallyPowered == external)
    }

    @Test func `values that no device can have are missing values`() throws {
        try write(phone)
        try write([
            "sys/class/power_supply/battery/capacity": "4711", "sys/class/power_supply/battery/temp": "0",
            "sys/class/thermal/thermal_zone0/temp": "no", "sys/class/thermal/thermal_zone1/temp": "999999",
            "sys/class/thermal/thermal_zone2/temp": "0",
            "proc/pressure/memory": "some avg10=nan", "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "",
            "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq": "x",
        ])
        let reading = sensors().read()
        #expect(reading.battery?.level == nil && reading.temperatures.isEmpty && reading.frequency == nil)
        #expect(reading.memoryPressure == nil)
        #expect(reading.missing.contains(.battery) && reading.missing.contains(.temperature))
    }

    @Test func `this machine can be read`() {
        let reading = LinuxSensors().read()
        #expect(reading.seconds > 0)
        #expect((0..<1440).contains(reading.minuteOfDay ?? -1))
    }
}
