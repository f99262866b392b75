/// What the device said of itself at one moment. What it did not say is nil, and named by ``missing``.
///
/// The moment is part of the reading, so that whoever decides by readings needs no clock.
public struct DeviceReading: Equatable, Sendable {
    /// Seconds from any fixed moment on; they go on while the device sleeps.
    public var seconds: Double
    /// Minutes since midnight where the device is, 0 ..< 1440.
    public var minuteOfDay: Int?
    public var power: Power?
    /// The hottest sensor of each kind that there is, at most one of a kind.
    public var temperatures: [Temperature] = []
    public var frequency: Frequency?
    public var memoryPressure: MemoryPressure?
    /// Whether somebody is using the device.
    public var userIsPresent: Bool?
    /// What a counter of the machine says was spent so far, from any beginning, in joules.
    public var energyJoules: Double?
    /// Wall-clock seconds of the training step that ended since the reading before; nil when none did.
    public var stepSeconds: Double?

    public init(seconds: Double) { self.seconds = seconds }

    /// Where the device's energy comes from.
    public enum Power: Equatable, Sendable {
        /// The device says that it has no battery.
        case mains
        case battery(Battery)
    }

    public struct Battery: Equatable, Sendable {
        /// 0 … 1.
        public var level: Double?
        /// Whether more comes in than goes out, or at least as much.
        public var isExternallyPowered: Bool?

        public init(level: Double?, isExternallyPowered: Bool?) {
            self.level = level
            self.isExternallyPowered = isExternallyPowered
        }
    }

    public struct Temperature: Equatable, Sendable {
        public enum Kind: String, CaseIterable, Sendable {
            case processor, battery, skin, other
        }
        public var kind: Kind
        /// The system's own name for the sensor.
        public var sensor: String
        /// Degrees Celsius.
        public var celsius: Double
        /// Where the system itself begins to cool by slowing down, in degrees Celsius.
        public var limit: Double?

        public init(_ kind: Kind, sensor: String, celsius: Double, limit: Double? = nil) {
            self.kind = kind
            self.sensor = sensor
            self.celsius = celsius
            self.limit = limit
        }
    }

    public struct Frequency: Equatable, Sendable {
        /// Mean over the processor's clusters.
        public var megahertz: Double
        /// The highest that the system allows now as a part of the highest there is, in the worst cluster: 0 … 1.
        public var cap: Double?
        /// How often the processor has slowed itself down for heat so far.
        public var throttleEvents: Int?

        public init(megahertz: Double, cap: Double?, throttleEvents: Int? = nil) {
            self.megahertz = megahertz
            self.cap = cap
            self.throttleEvents = throttleEvents
        }
    }

    /// Per cent of the last ten seconds in which some task, or every task, waited for memory.
    public struct MemoryPressure: Equatable, Sendable {
        public var some: Double
        public var full: Double

        public init(some: Double, full: Double) {
            self.some = some
            self.full = full
        }
    }

    /// The battery; nil both where there is none and where nothing can be told.
    public var battery: Battery? {
        if case .battery(let battery) = power { battery } else { nil }
    }

    public func temperature(_ kind: Temperature.Kind) -> Temperature? {
        for temperature in temperatures where temperature.kind == kind { return temperature }
        return nil
    }

    /// What a device could say and this one did not.
    public enum Sensor: String, CaseIterable, Sendable {
        case battery
        case externalPower = "external_power"
        case temperature, frequency
        case memoryPressure = "memory_pressure"
        case userPresence = "user_presence"
        case energy
    }

    public var missing: [Sensor] {
        Sensor.allCases.filter { sensor in
            switch sensor {
            case .battery: power != .mains && battery?.level == nil
            case .externalPower: power != .mains && battery?.isExternallyPowered == nil
            case .temperature: temperatures.isEmpty
            case .frequency: frequency == nil
            case .memoryPressure: memoryPressure == nil
            case .userPresence: userIsPresent == nil
            case .energy: energyJoules == nil
            }
        }
    }
}
