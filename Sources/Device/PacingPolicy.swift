/// What to do before the next step.
public enum PacingDecision: Equatable, Sendable {
    case run
    /// Wait, then ask again with a new reading. `share` is the working part of the time that this rest keeps to; nil
    /// for a hold.
    case rest(seconds: Double, PacingReason, share: Double?)
    /// End at a checkpoint: what must change will not change soon, or waiting costs more than it gains.
    case pause(PacingReason)
}

/// Decides from one reading after the other whether a run works, rests or pauses.
///
/// It is a value without a clock: the same readings give the same decisions. It acts between steps only, so it holds a
/// temperature to its ceiling on devices that a step heats by no more than the margin, which begins at
/// ``margins(_:)`` and follows what steps are seen to do. A sensor that was never there is met with what the limits
/// say for an unknown value; one that was there and no longer answers is met with a hold, whatever the pace.
public struct PacingPolicy: Sendable {
    public let limits: PacingLimits
    /// Working part of the time at the last decision that was no hold, and why it is below 1.
    public private(set) var share = 1.0
    public private(set) var shareReason: PacingReason?

    private var time = -Double.infinity
    private var heats = Heats()
    private var isBatteryLow = false
    private var hadBattery = false
    private var isPressed = false
    private var hadPressure = false
    private var hadUserPresence = false
    private var speed = StepSpeed()
    private var throttleEvents: Int?
    /// The last step: when it ended, and how long it took. nil once its rest is over.
    private var lastStep: (end: Double, seconds: Double)?
    private var heldSince: Double?
    private var nextHold = Self.firstHold

    /// Rests of a hold begin at 1 s and double up to 30 s, so that a short one is over soon and a long one costs nothing.
    static let firstHold = 1.0
    static let longestHold = 30.0
    /// Longest rest after one step, in seconds.
    static let longestShareRest = 600.0
    /// Levels are told in whole per cent.
    static let levelMargin = 0.01
    /// Below this part of its highest frequency a processor counts as slowed down.
    static let throttledCap = 0.75

    public init(_ limits: PacingLimits) { self.limits = limits }

    /// Takes note of which sensors an earlier process of the same run had, so that one that is silent now counts as lost.
    public mutating func recall(_ earlier: DeviceReading) {
        for temperature in earlier.temperatures { heats[temperature.kind].recall() }
        noteSensors(earlier)
    }

    /// Degrees by which a step is taken to heat a sensor: before one was seen to, and at most.
    public static func margins(_ kind: DeviceReading.Temperature.Kind) -> (first: Double, largest: Double) {
        switch kind {
        case .processor, .other: (10, 15)
        case .battery, .skin: (1, 4)
        }
    }

    public mutating func decide(_ reading: DeviceReading) -> PacingDecision {
        time = max(time, reading.seconds)
        learn(reading)
        if let reason = hold(reading) { return wait(for: reason, reading) }
        heldSince = nil
        nextHold = Self.firstHold
        (share, shareReason) = share(reading)
        if let lastStep, let shareReason, share < 1 {
            let rest = min(lastStep.seconds * (1 - share) / share, Self.longestShareRest)
            let left = lastStep.end + rest - time
            if left > 0 { return .rest(seconds: min(left, Self.longestHold), shareReason, share: share) }
        }
        lastStep = nil
        return .run
    }

    private mutating func wait(for reason: PacingReason, _ reading: DeviceReading) -> PacingDecision {
        let since = heldSince ?? time
        heldSince = since
        var patience = reason.patience(isDischarging: reading.battery?.isExternallyPowered == false)
        if reason.kind == .window, let window = limits.window, let minute = reading.minuteOfDay,
            Double(window.minutesUntilOpen(from: minute)) * 60 > patience
        {
            patience = 0
        }
        let left = since + patience - time
        guard left > 0 else { return .pause(reason) }
        defer { nextHold = min(nextHold * 2, Self.longestHold) }
        return .rest(seconds: min(nextHold, left), reason, share: nil)
    }

    // MARK: Learning

    private mutating func learn(_ reading: DeviceReading) {
        for kind in DeviceReading.Temperature.Kind.allCases {
            heats[kind].note(reading.temperature(kind)?.celsius, kind, afterStep: reading.stepSeconds != nil)
        }
        noteSensors(reading)
        if let seconds = reading.stepSeconds {
            lastStep = (time, max(0, seconds))
            speed.add(seconds)
            // A counter that moved during the step.
            if let events = reading.frequency?.throttleEvents {
                speed.wasThrottled = throttleEvents.map { events > $0 } ?? false
            }
        }
        throttleEvents = reading.frequency?.throttleEvents ?? throttleEvents
    }

    private mutating func noteSensors(_ reading: DeviceReading) {
        hadBattery = hadBattery || reading.battery != nil
        hadPressure = hadPressure || reading.memoryPressure != nil
        hadUserPresence = hadUserPresence || reading.userIsPresent != nil
    }

    // MARK: Holds

    /// The first of the conditions that let no step begin.
    private mutating func hold(_ reading: DeviceReading) -> PacingReason? {
        // Every condition is looked at, so that each keeps its own memory up to date.
        let battery = batteryHold(reading)
        let temperature = temperatureHold(reading)
        let pressure = pressureHold(reading)
        return battery ?? temperature ?? pressure ?? windowHold(reading) ?? userHold(reading)
    }

    private mutating func batteryHold(_ reading: DeviceReading) -> PacingReason? {
        guard reading.power != .mains else { return nil }
        guard let level = reading.battery?.level else {
            if hadBattery { return PacingReason(.lostSensor, sensor: "the battery") }
            return limits.holdsOnUnknownPower ? PacingReason(.unknownPower) : nil
        }
        let floor = limits.batteryFloor
        if level <= floor + Self.levelMargin {
            isBatteryLow = true
        } else if level >= limits.batteryResume {
            isBatteryLow = false
        }
        if isBatteryLow, floor > 0 { return PacingReason(.battery, value: level, limit: floor) }
        if limits.onBatteryShare <= 0, reading.battery?.isExternallyPowered != true { return PacingReason(.charger) }
        return nil
    }

    private mutating func temperatureHold(_ reading: DeviceReading) -> PacingReason? {
        var reason: PacingReason?
        for kind in DeviceReading.Temperature.Kind.allCases {
            guard let ceiling = limits.ceiling(kind) else { continue }
            guard let temperature = reading.temperature(kind) else {
                // Without a battery there is none to be hot: it was taken out, or the run was moved.
                if heats[kind].wasThere, kind != .battery || reading.power != .mains {
                    reason = reason ?? PacingReason(.lostSensor, sensor: "\(kind.rawValue) temperature")
                }
                continue
            }
            // Where the system itself would step in below our ceiling, everything moves down with it.
            let highest = min(ceiling.celsius, temperature.limit ?? .infinity)
            let margin = heats[kind].margin(kind)
            let resume = min(highest - (ceiling.celsius - ceiling.resume), highest - margin - 0.5)
            if temperature.celsius + margin > highest { heats[kind].isHot = true }
            if temperature.celsius <= resume { heats[kind].isHot = false }
            if heats[kind].isHot {
                reason = PacingReason(
                    .temperature, sensor: temperature.sensor, value: temperature.celsius, limit: highest)
            }
        }
        return reason
    }

    private mutating func pressureHold(_ reading: DeviceReading) -> PacingReason? {
        guard let limit = limits.pressure else { return nil }
        guard let pressure = reading.memoryPressure else {
            return hadPressure ? PacingReason(.lostSensor, sensor: "memory pressure") : nil
        }
        if pressure.some >= limit {
            isPressed = true
        } else if pressure.some <= limits.pressureResume {
            isPressed = false
        }
        return isPressed ? PacingReason(.pressure, value: pressure.some, limit: limit) : nil
    }

    private func windowHold(_ reading: DeviceReading) -> PacingReason? {
        guard let window = limits.window else { return nil }
        return reading.minuteOfDay.map(window.contains) == true ? nil : PacingReason(.window)
    }

    private func userHold(_ reading: DeviceReading) -> PacingReason? {
        guard limits.userPresentShare <= 0 else { return nil }
        guard let isPresent = reading.userIsPresent else {
            return hadUserPresence ? PacingReason(.lostSensor, sensor: "user presence") : nil
        }
        return isPresent ? PacingReason(.userPresent) : nil
    }

    // MARK: Shares

    /// The smallest of the shares that apply, and why.
    private func share(_ reading: DeviceReading) -> (Double, PacingReason?) {
        var share = 1.0
        var reason: PacingReason?
        func apply(_ part: Double, _ kind: PacingReason.Kind, if applies: Bool) {
            guard applies, part < share else { return }
            share = max(part, 0.01)
            reason = PacingReason(kind)
        }
        apply(limits.unknownTemperatureShare, .unknownTemperature, if: reading.temperatures.isEmpty)
        apply(
            limits.onBatteryShare, .onBattery,
            if: reading.power != nil && reading.power != .mains && reading.battery?.isExternallyPowered != true)
        apply(limits.throttledShare, .throttled, if: isThrottled(reading))
        apply(limits.userPresentShare, .userPresent, if: reading.userIsPresent == true)
        apply(limits.unknownUserShare, .unknownUser, if: reading.userIsPresent == nil)
        apply(limits.unknownPressureShare, .unknownPressure, if: reading.memoryPressure == nil)
        return (share, reason)
    }

    private func isThrottled(_ reading: DeviceReading) -> Bool {
        speed.wasThrottled || speed.isSlow || (reading.frequency?.cap ?? 1) < Self.throttledCap
    }
}
