/// Why a run does not work at its full speed just now.
public struct PacingReason: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        // Holds
        case battery, charger
        case unknownPower = "unknown_power"
        case temperature, pressure, window
        case userPresent = "user_present"
        /// A sensor that was there and no longer answers.
        case lostSensor = "lost_sensor"
        // Shares
        case unknownTemperature = "unknown_temperature"
        case unknownPressure = "unknown_pressure"
        case unknownUser = "unknown_user"
        case onBattery = "on_battery"
        case throttled
    }

    public let kind: Kind
    /// The sensor's own name, where there are several.
    public var sensor: String?
    /// What was read, and what was to be kept to, in the kind's own unit: °C, a part of 1, per cent.
    public var value: Double?
    public var limit: Double?

    init(_ kind: Kind, sensor: String? = nil, value: Double? = nil, limit: Double? = nil) {
        self.kind = kind
        self.sensor = sensor
        self.value = value
        self.limit = limit
    }

    /// A clause without a capital or a full stop.
    public var clause: String {
        let read = value.map(Self.short) ?? "?"
        let kept = limit.map(Self.short) ?? "?"
        switch kind {
        case .battery: return "the battery is at \(Self.percent(value)), and \(Self.percent(limit)) are kept"
        case .charger: return "the device is not on its charger"
        case .unknownPower: return "it cannot be told how full the battery is and whether it is charged"
        case .temperature: return "\(sensor ?? "the device") is at \(read) °C, and \(kept) °C are not to be passed"
        case .pressure: return "tasks wait for memory \(read) % of the time"
        case .window: return "it is outside of the time window"
        case .userPresent: return "somebody uses the device"
        case .lostSensor: return "the sensor of \(sensor ?? "something") no longer answers"
        case .unknownTemperature: return "no temperature can be told"
        case .unknownPressure: return "memory pressure cannot be told"
        case .unknownUser: return "it cannot be told whether somebody uses the device"
        case .onBattery: return "the device runs on its battery"
        case .throttled: return "the processor is slowed down"
        }
    }

    private static func percent(_ part: Double?) -> String { part.map { short($0 * 100) + " %" } ?? "an unknown level" }

    private static func short(_ value: Double) -> String {
        let tenths = (value * 10).rounded()
        guard abs(tenths) < 1e9 else { return "\(value)" }
        return tenths.truncatingRemainder(dividingBy: 10) == 0 ? "\(Int(tenths) / 10)" : "\(tenths / 10)"
    }

    /// Longest time in seconds that a run rests for this before it ends at a pause; shares never end it.
    ///
    /// - Parameter isDischarging: whether resting itself empties the battery.
    func patience(isDischarging: Bool) -> Double {
        switch kind {
        case .battery: isDischarging ? 0 : 600
        case .charger, .unknownPower: 300
        case .pressure: 120
        case .window, .lostSensor: 600
        case .temperature, .userPresent: 1800
        case .unknownTemperature, .unknownPressure, .unknownUser, .onBattery, .throttled: .infinity
        }
    }
}
