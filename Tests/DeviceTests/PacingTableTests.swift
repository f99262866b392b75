import Device
import Foundation
import TestSupport
import Testing

/// Documentation/DEVICE.md against the limits.
@Suite struct PacingTableTests {
    private typealias Preset = PacingLimits.Preset

    /// Cells of the table of paces: the row's name, to one text per preset.
    private func rows() throws -> [String: [String]] {
        let text = try String(contentsOfFile: Repository.root + "/Documentation/DEVICE.md", encoding: .utf8)
        let table = try #require(text.components(separatedBy: "| limit |").last).split(separator: "\n")
        var rows: [String: [String]] = [:]
        for line in table.dropFirst().prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if cells.count == 4 { rows[cells[0]] = Array(cells.dropFirst()) }
        }
        return rows
    }

    private func text(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }

    @Test func `the documentation's table of paces is what the policy keeps to`() throws {
        let limits = Preset.allCases.map { PacingLimits($0) }
        func ceiling(_ kind: DeviceReading.Temperature.Kind) -> (PacingLimits) -> String {
            { $0.ceiling(kind).map { "\(self.text($0.celsius)), \(self.text($0.resume))" } ?? "–" }
        }
        func share(_ path: KeyPath<PacingLimits, Double>) -> (PacingLimits) -> String {
            { self.text($0[keyPath: path]) }
        }
        let expected: [String: (PacingLimits) -> String] = [
            "processor, ceiling and resume, °C": ceiling(.processor),
            "battery, ceiling and resume, °C": ceiling(.battery),
            "skin, ceiling and resume, °C": ceiling(.skin), "other sensors, ceiling and resume, °C": ceiling(.other),
            "no temperature known, share": share(\.unknownTemperatureShare),
            "battery level, floor and resume": { self.text($0.batteryFloor) + ", " + self.text($0.batteryResume) },
            "on battery, share (0 holds)": share(\.onBatteryShare),
            "battery unknown": { $0.holdsOnUnknownPower ? "holds" : "works" },
            "memory pressure (`some avg10`), hold and resume, %": { limits in
                limits.pressure.map { self.text($0) + ", " + self.text(limits.pressureResume) } ?? "–"
            },
            "memory pressure unknown, share": share(\.unknownPressureShare),
            "processor throttled or steps slowed, share": share(\.throttledShare),
            "somebody uses the device, share (0 holds)": share(\.userPresentShare),
            "unknown whether somebody does, share": share(\.unknownUserShare),
        ]
        let rows = try rows()
        // The line under the head is a row of dashes.
        #expect(Set(rows.keys.filter { !$0.hasPrefix("---") }) == Set(expected.keys))
        for (name, value) in expected { #expect(rows[name] == limits.map(value), "\(name)") }
    }
}
