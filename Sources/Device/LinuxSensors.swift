internal import Bytes
internal import Foundation

/// What the Linux kernel says of the device, in sysfs and procfs.
///
/// | what | where |
/// |---|---|
/// | battery | `/sys/class/power_supply/*`: `type`, `scope`, `present`, `capacity`, `status`, `online`, `temp` |
/// | temperatures | `/sys/class/thermal/thermal_zone*`: `type`, `temp`, trip points; `/sys/class/hwmon/hwmon*` of processors |
/// | frequency | `/sys/devices/system/cpu/cpufreq/policy*`; `cpu0/thermal_throttle/package_throttle_count` |
/// | memory pressure | `/proc/pressure/memory` |
/// | energy | `/sys/class/powercap/intel-rapl:*/energy_uj` (for root alone on most systems) |
///
/// A folder `power_supply` that can be read and holds no battery says that there is none; any other silence says
/// nothing. Everything is looked for below one root, so that a test, or a copy taken from a device, can stand in.
/// What Android has of this, and whom an app asks there instead, is in Documentation/DEVICE.md.
public final class LinuxSensors: DeviceSensors {
    private let root: String
    private let presenceFile: String?
    private let clock: () -> (seconds: Double, minuteOfDay: Int)
    private let zones: [ThermalZone]
    private let clusters: [(path: String, highest: Double)]
    private var counters: [EnergyCounter]

    /// - Parameters:
    ///   - root: what stands before `/sys` and `/proc`.
    ///   - presenceFile: a file that is there while somebody uses the device; nil when nobody tells.
    public convenience init(root: String = "", presenceFile: String? = nil) {
        self.init(root: root, presenceFile: presenceFile) { (DeviceClock.seconds, DeviceClock.minuteOfDay) }
    }

    package init(
        root: String, presenceFile: String? = nil, clock: @escaping () -> (seconds: Double, minuteOfDay: Int)
    ) {
        self.root = root
        self.presenceFile = presenceFile
        self.clock = clock
        zones = ThermalZone.all(root)
        let policies = SystemFile.names(root + "/sys/devices/system/cpu/cpufreq", prefix: "policy")
        clusters = policies.compactMap { name in
            let path = root + "/sys/devices/system/cpu/cpufreq/" + name
            return SystemFile.number(path + "/cpuinfo_max_freq").flatMap { $0 > 0 ? (path, $0) : nil }
        }
        counters = EnergyCounter.all(root)
    }

    public func read() -> DeviceReading {
        let (seconds, minute) = clock()
        var reading = DeviceReading(seconds: seconds)
        reading.minuteOfDay = minute
        let supplies = PowerSupplies(root)
        reading.power = supplies?.power
        reading.temperatures = hottest(zones.compactMap(\.now) + (supplies?.temperatures ?? []))
        reading.frequency = frequency
        reading.memoryPressure = SystemFile.text(root + "/proc/pressure/memory").flatMap(Self.pressure)
        reading.userIsPresent = isUserPresent
        reading.energyJoules = energy()
        return reading
    }

    /// The hottest of each kind.
    private func hottest(_ all: [DeviceReading.Temperature]) -> [DeviceReading.Temperature] {
        DeviceReading.Temperature.Kind.allCases.compactMap { kind in
            all.filter { $0.kind == kind }.max { $0.celsius < $1.celsius }
        }
    }

    private var frequency: DeviceReading.Frequency? {
        let now = clusters.compactMap { SystemFile.number($0.path + "/scaling_cur_freq") }
        guard !now.isEmpty else { return nil }
        let caps = clusters.compactMap { cluster in
            SystemFile.number(cluster.path + "/scaling_max_freq").map { min(1, max(0, $0 / cluster.highest)) }
        }
        let throttled = SystemFile.number(
            root + "/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count")
        let megahertz = (now.reduce(0, +) / Double(now.count) / 1000).rounded()
        return .init(
            megahertz: megahertz, cap: caps.min().map { ($0 * 1000).rounded() / 1000 },
            throttleEvents: throttled.map { Int($0) })
    }

    /// `some avg10=0.12 avg60=… total=…` and the same for `full`.
    package static func pressure(_ text: String) -> DeviceReading.MemoryPressure? {
        var averages: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1, words[1].hasPrefix("avg10="), let value = Double(words[1].dropFirst(6)),
                (0...100).contains(value)
            else { continue }
            averages[words[0]] = value
        }
        guard let some = averages["some"] else { return nil }
        return .init(some: some, full: averages["full"] ?? 0)
    }

    /// Whether the file is there; nil also where its folder is not, since whoever makes it is then not at work.
    private var isUserPresent: Bool? {
        guard let presenceFile else { return nil }
        let files = FileManager.default
        if files.fileExists(atPath: presenceFile) { return true }
        let folder = presenceFile.lastIndex(of: "/").map { String(presenceFile[..<$0]) } ?? "."
        return files.fileExists(atPath: folder.isEmpty ? "/" : folder) ? false : nil
    }

    private func energy() -> Double? {
        guard !counters.isEmpty else { return nil }
        var sum = 0.0
        for index in counters.indices {
            guard let joules = counters[index].read() else { return nil }
            sum += joules
        }
        return sum
    }
}

/// Reads the small files of sysfs and procfs.
enum SystemFile {
    static func text(_ path: String) -> String? {
        guard let bytes = try? WholeFile.readToEnd(path, limit: 1 << 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func number(_ path: String) -> Double? {
        text(path).flatMap(Double.init).flatMap { abs($0) < 1e15 ? $0 : nil }
    }

    /// Names in a folder that begin with `prefix`, sorted; none where the folder cannot be read.
    static func names(_ folder: String, prefix: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasPrefix(prefix) }.sorted()
    }
}

/// A counter of energy that goes back to 0 at its highest value.
struct EnergyCounter {
    private let path: String
    private let range: Double
    private var last: Double?
    private var joules = 0.0

    /// The processors' packages; what is counted inside of them is theirs already.
    static func all(_ root: String) -> [EnergyCounter] {
        let folder = root + "/sys/class/powercap/"
        return SystemFile.names(folder, prefix: "intel-rapl:").filter { $0.split(separator: ":").count == 2 }
            .compactMap { name in
                guard SystemFile.number(folder + name + "/energy_uj") != nil else { return nil }
                let range = SystemFile.number(folder + name + "/max_energy_range_uj") ?? 0
                return EnergyCounter(path: folder + name + "/energy_uj", range: range)
            }
    }

    private init(path: String, range: Double) {
        self.path = path
        self.range = range
    }

    /// Joules since the first reading.
    mutating func read() -> Double? {
        guard let now = SystemFile.number(path) else { return nil }
        if let last { joules += (now >= last ? now - last : max(0, now + range - last)) * 1e-6 }
        last = now
        return joules
    }
}
