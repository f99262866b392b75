internal import Foundation

/// The power supplies that the kernel lists, at one moment.
struct PowerSupplies {
    private(set) var power: DeviceReading.Power? = .mains
    /// Of the batteries.
    private(set) var temperatures: [DeviceReading.Temperature] = []

    private static let adapters: Set = ["Mains", "USB", "Wireless"]

    /// - Returns: nil where the kernel's list cannot be read.
    init?(_ root: String) {
        let folder = root + "/sys/class/power_supply"
        guard (try? FileManager.default.contentsOfDirectory(atPath: folder)) != nil else { return nil }
        var levels: [Double?] = []
        var states: [String] = []
        var isOnline: Bool?
        for name in SystemFile.names(folder) {
            let path = folder + "/" + name
            let type = SystemFile.text(path + "/type")
            // A mouse's battery is no battery of ours.
            guard SystemFile.text(path + "/scope") != "Device" else { continue }
            if let type, Self.adapters.contains(type), let online = SystemFile.number(path + "/online") {
                isOnline = (isOnline ?? false) || online > 0
            }
            guard type == nil || type == "Battery", SystemFile.number(path + "/present") != 0 else { continue }
            levels.append(
                SystemFile.number(path + "/capacity").flatMap { (0...100).contains($0) ? $0 / 100 : nil })
            states.append(SystemFile.text(path + "/status") ?? "Unknown")
            // Tenths of a degree. 0 is what many drivers say when they do not know.
            if let tenths = SystemFile.number(path + "/temp"), tenths != 0, (-300...1500).contains(tenths) {
                temperatures.append(.init(.battery, sensor: name, celsius: tenths / 10))
            }
        }
        guard !levels.isEmpty else { return }
        let known = levels.compactMap(\.self)
        let level = known.count == levels.count ? known.reduce(0, +) / Double(known.count) : nil
        power = .battery(.init(level: level, isExternallyPowered: Self.isExternal(states, isOnline: isOnline)))
    }

    /// A weak charger beside a battery that empties all the same does not count.
    private static func isExternal(_ states: [String], isOnline: Bool?) -> Bool? {
        if states.contains("Discharging") { return false }
        if let isOnline { return isOnline }
        return states.allSatisfy { ["Charging", "Full", "Not charging"].contains($0) } ? true : nil
    }
}
