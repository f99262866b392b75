/// One temperature sensor of the kernel's.
struct ThermalZone {
    private let path: String
    private let kind: DeviceReading.Temperature.Kind
    private let name: String
    private let limit: Double?

    /// The temperature now; nil where the sensor says nothing that can be.
    var now: DeviceReading.Temperature? {
        SystemFile.number(path).flatMap(Self.celsius).map { .init(kind, sensor: name, celsius: $0, limit: limit) }
    }

    /// Thermal zones, and the processors' sensors of hwmon, which many desktop machines have alone.
    static func all(_ root: String) -> [ThermalZone] {
        let thermal = root + "/sys/class/thermal/"
        var zones = SystemFile.names(thermal, prefix: "thermal_zone").compactMap { name -> ThermalZone? in
            let type = SystemFile.text(thermal + name + "/type") ?? name
            return ThermalZone(
                path: thermal + name + "/temp", kind: kind(type), name: type, limit: lowestTrip(thermal + name))
        }
        let hwmon = root + "/sys/class/hwmon/"
        for name in SystemFile.names(hwmon, prefix: "hwmon") {
            guard let chip = SystemFile.text(hwmon + name + "/name"),
                ["coretemp", "k10temp", "zenpower", "cpu_thermal"].contains(chip)
            else { continue }
            for file in SystemFile.names(hwmon + name, prefix: "temp") where file.hasSuffix("_input") {
                zones.append(
                    ThermalZone(path: hwmon + name + "/" + file, kind: .processor, name: chip, limit: nil))
            }
        }
        return zones
    }

    /// What a sensor's name says of where it sits.
    static func kind(_ type: String) -> DeviceReading.Temperature.Kind {
        let name = type.lowercased()
        func holds(_ words: [String]) -> Bool { words.contains(where: name.contains) }
        if holds(["batt"]) { return .battery }
        if holds(["skin", "quiet", "shell", "case"]) { return .skin }
        if holds(["cpu", "x86_pkg", "coretemp", "soc", "tsens", "big", "little", "mid", "gpu", "tpu", "package"]) {
            return .processor
        }
        return .other
    }

    /// Degrees from thousandths; nil for what no device can be, and for 0, which sensors say when they are off.
    private static func celsius(_ thousandths: Double) -> Double? {
        thousandths != 0 && (-30_000...150_000).contains(thousandths) ? thousandths / 1000 : nil
    }

    /// Where the kernel begins to slow the device down: the lowest passive or hot trip point.
    private static func lowestTrip(_ zone: String) -> Double? {
        SystemFile.names(zone, prefix: "trip_point_").filter { $0.hasSuffix("_type") }.compactMap { file -> Double? in
            guard ["passive", "hot"].contains(SystemFile.text(zone + "/" + file)) else { return nil }
            let value = SystemFile.number(zone + "/" + file.dropLast(5) + "_temp").flatMap(celsius)
            // Below that it is a placeholder.
            return value.flatMap { $0 >= 35 ? $0 : nil }
        }.min()
    }
}
