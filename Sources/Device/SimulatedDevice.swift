internal import Foundation

/// A device and its day, as a simulation has them: how it heats, what it draws, and what happens to it.
///
/// The case is one heat capacity behind one resistance: C · dT/dt = P − (T − ambient) / R. The processor sits on it behind
/// a resistance of its own and follows its power within seconds, or minutes where it may become hot. The numbers of ``random(hours:using:)`` span
/// phones to laptops; a step heats the case by at most 1 °C and the processor by at most 10 °C and draws at most 1 % of
/// the battery, which is what a policy that acts between steps can promise anything for.
public struct SimulatedDevice: Sendable {
    /// Degrees Celsius around the device: the mean, and how far the day moves it either way.
    public var ambient = 22.0
    public var ambientSwing = 3.0
    /// Of the case: kelvins per watt, and joules per kelvin.
    public var resistance = 4.0
    public var heatCapacity = 150.0
    /// Of the processor above its case: kelvins per watt, and seconds to follow.
    public var processorResistance = 1.0
    public var processorSeconds = 3.0
    public var idleWatts = 0.5
    public var stepWatts = 5.0
    public var userWatts = 2.0
    public var chargerWatts = 12.0
    /// nil where there is no battery.
    public var batteryJoules: Double? = 54_000
    public var startLevel = 0.8
    /// Of a step at full speed.
    public var stepSeconds = 10.0
    /// Degrees of the processor at which it runs at 60 % of speed and power.
    public var throttlesAt = 80.0
    /// Steps between checkpoints, and seconds after which a run that was paused or killed is started again.
    public var checkpointEvery = 20
    public var restartSeconds = 900.0
    /// Whether it has any temperature sensor.
    public var hasTemperatures = true
    public var segments: [Segment] = []

    public init() {}

    /// Five minutes of the day, in which nothing changes but what the run does.
    public struct Segment: Sendable {
        public var userIsPresent = false
        public var isCharging = true
        /// Per cent of time in which tasks wait for memory.
        public var pressure = 0.0
        public var losesTemperatures = false
        public var losesBattery = false
        /// Seconds into the segment at which the system kills the run; nil for not at all.
        public var kill: Double?

        public init() {}
    }

    public static let segmentSeconds = 300.0

    /// A device and its day, by chance.
    public static func random(hours: Double, using generator: inout some RandomNumberGenerator) -> SimulatedDevice {
        func draw(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &generator) }
        var device = SimulatedDevice()
        device.ambient = draw(5...32)
        device.ambientSwing = draw(0...6)
        device.resistance = draw(1...8)
        device.heatCapacity = draw(60...600)
        device.idleWatts = draw(0.2...3)
        device.stepWatts = draw(2...25)
        device.userWatts = draw(0.5...12)
        device.chargerWatts = draw(5...65)
        device.batteryJoules = draw(0...1) < 0.1 ? nil : draw(36_000...250_000)
        device.startLevel = draw(0.05...1)
        let most = device.idleWatts + device.stepWatts + device.userWatts
        let seconds = min(0.95 * device.heatCapacity / most, 0.01 * (device.batteryJoules ?? .infinity) / most, 120)
        device.stepSeconds = draw(seconds / 4...seconds)
        // Degrees above the case under full load, which one step may not reach from cold where they are many.
        let rise = draw(0...60)
        device.processorResistance = rise / most
        device.processorSeconds = max(draw(1...10), rise > 9 ? -device.stepSeconds / log(1 - 9 / rise) : 0)
        device.throttlesAt = draw(65...95)
        device.checkpointEvery = Int(draw(1...50))
        device.restartSeconds = draw(60...3600)
        var segment = Segment()
        segment.isCharging = draw(0...1) < 0.5
        segment.userIsPresent = draw(0...1) < 0.5
        for index in 0..<Int((hours * 3600 / segmentSeconds).rounded(.up)) {
            if draw(0...1) < 0.05 { segment.isCharging.toggle() }
            if draw(0...1) < 0.15 { segment.userIsPresent.toggle() }
            let isBusy = draw(0...1) < (segment.userIsPresent ? 0.3 : 0.05)
            segment.pressure = isBusy ? draw(5...60) : draw(0...3)
            segment.kill = draw(0...1) < (segment.userIsPresent ? 0.06 : 0.02) ? draw(0...segmentSeconds) : nil
            // The first segment shows what the device has.
            segment.losesTemperatures = index > 0 && draw(0...1) < 0.03
            segment.losesBattery = index > 0 && draw(0...1) < 0.03
            device.segments.append(segment)
        }
        return device
    }

    /// Degrees around it at a moment of the day; the middle of the afternoon is the warmest.
    func surroundings(at seconds: Double) -> Double {
        ambient + ambientSwing * sin((seconds / 86_400 - 0.375) * 2 * .pi)
    }
}
