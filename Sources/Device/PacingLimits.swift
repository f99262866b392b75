/// What a pace holds a run to. Every number is in Documentation/DEVICE.md, and a test compares the two.
///
/// Two kinds of measures: a **hold** lets no step begin until its condition is over, and a **share** lets the run work
/// for a part of the time only. A temperature that cannot be told is met with a share, since working less bounds heat;
/// a battery that cannot be told is met with a hold, since nothing else bounds what is drawn from it.
public struct PacingLimits: Equatable, Sendable {
    /// Names of `--pace`.
    public enum Preset: String, CaseIterable, Sendable {
        /// As fast as the device lets it; stops for a hot battery or case, and for an almost empty battery.
        case eager
        /// Shares the device with whoever else uses it.
        case balanced
        /// On the charger, with nobody there, and cool.
        case gentle
    }

    /// A temperature that no step may go above; after a hold steps wait until it is `resume` or less.
    public struct Ceiling: Equatable, Sendable {
        public var celsius: Double
        public var resume: Double

        public init(_ celsius: Double, resume: Double) {
            self.celsius = celsius
            self.resume = resume
        }
    }

    public var processor: Ceiling?
    public var battery: Ceiling?
    public var skin: Ceiling?
    public var other: Ceiling?
    /// Working part of the time where no temperature at all can be told, 0 … 1.
    public var unknownTemperatureShare = 1.0

    /// Level of the battery that no step may go below, and from which steps begin again; on the charger too.
    public var batteryFloor = 0.0
    public var batteryResume = 0.0
    /// Working part of the time away from the charger; 0 holds.
    public var onBatteryShare = 1.0
    /// Whether a battery that cannot be told is taken for an empty one.
    public var holdsOnUnknownPower = false

    /// Per cent of time in which tasks wait for memory (`some avg10`), from which on steps wait, and at which they go on.
    public var pressure: Double?
    public var pressureResume = 0.0
    public var unknownPressureShare = 1.0

    /// Working part of the time while the processor is slowed down, or steps take much longer than they did.
    public var throttledShare = 1.0
    /// Working part of the time while somebody uses the device; 0 holds.
    public var userPresentShare = 1.0
    public var unknownUserShare = 1.0
    /// The only part of the day in which steps are made.
    public var window: TimeWindow?

    /// No measure at all.
    public init() {}

    public init(_ preset: Preset) {
        switch preset {
        case .eager:
            // The processor protects itself; nothing protects an old battery or a hand.
            battery = Ceiling(45, resume: 42)
            skin = Ceiling(46, resume: 43)
            batteryFloor = 0.10
            batteryResume = 0.15
        case .balanced:
            processor = Ceiling(85, resume: 75)
            battery = Ceiling(40, resume: 37)
            skin = Ceiling(42, resume: 39)
            other = Ceiling(85, resume: 75)
            unknownTemperatureShare = 0.5
            batteryFloor = 0.30
            batteryResume = 0.35
            onBatteryShare = 0.5
            holdsOnUnknownPower = true
            pressure = 20
            pressureResume = 10
            unknownPressureShare = 0.75
            throttledShare = 0.5
            userPresentShare = 0.5
            unknownUserShare = 0.75
        case .gentle:
            processor = Ceiling(70, resume: 60)
            battery = Ceiling(36, resume: 34)
            skin = Ceiling(38, resume: 36)
            other = Ceiling(70, resume: 60)
            unknownTemperatureShare = 0.25
            batteryFloor = 0.50
            batteryResume = 0.60
            onBatteryShare = 0
            holdsOnUnknownPower = true
            pressure = 10
            pressureResume = 5
            unknownPressureShare = 0.5
            throttledShare = 0.25
            userPresentShare = 0
            unknownUserShare = 0.25
        }
    }

    /// The ceiling of a kind of sensor, where it has one.
    public func ceiling(_ kind: DeviceReading.Temperature.Kind) -> Ceiling? {
        switch kind {
        case .processor: processor
        case .battery: battery
        case .skin: skin
        case .other: other
        }
    }
}
