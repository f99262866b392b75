internal import Foundation

/// Runs a policy on a simulated device, and says what became of the run and of the device.
public enum PacingSimulation {
    /// What a simulated day came to.
    public struct Outcome: Equatable, Sendable {
        public var seconds = 0.0
        /// Steps that no kill took back, and steps that one did.
        public var steps = 0
        public var lostSteps = 0
        public var workSeconds = 0.0
        public var restSeconds = 0.0
        /// The run had ended at a pause, had been killed, or the battery was empty.
        public var awaySeconds = 0.0
        public var rests = 0
        public var pauses = 0
        public var kills = 0
        /// Highest temperatures while a step was under way, °C.
        public var hottestProcessor = -Double.infinity
        public var hottestCase = -Double.infinity
        /// Lowest level of the battery while a step was under way.
        public var lowestLevel = 1.0
        /// Steps during which a ceiling was crossed, and steps that went below the battery's floor.
        public var stepsOverCeiling = 0
        public var stepsUnderFloor = 0

        /// Steps kept as a part of those that an untouched run at full speed makes in the same time.
        public func progress(of device: SimulatedDevice) -> Double {
            seconds > 0 ? Double(steps) * device.stepSeconds / seconds : 0
        }
    }

    /// - Parameters:
    ///   - limits: what the policy keeps to.
    ///   - judge: what its outcome is held against; nil for the same.
    public static func run(_ device: SimulatedDevice, _ limits: PacingLimits, judge: PacingLimits? = nil) -> Outcome {
        SimulatedRun(device, limits, judge ?? limits).run()
    }
}

/// One run on one device.
private final class SimulatedRun {
    typealias Outcome = PacingSimulation.Outcome

    private let device: SimulatedDevice
    private let limits: PacingLimits
    private let judge: PacingLimits
    private let end: Double
    private var policy: PacingPolicy
    private var time = 0.0
    private var caseHeat: Double
    /// Power that the processor has warmed up to, in watts.
    private var followed: Double
    private var joules: Double
    private var sinceCheckpoint = 0
    private var stepEnded: Double?
    private var earlier: DeviceReading?
    private var result = Outcome()

    init(_ device: SimulatedDevice, _ limits: PacingLimits, _ judge: PacingLimits) {
        self.device = device
        self.limits = limits
        self.judge = judge
        end = Double(device.segments.count) * SimulatedDevice.segmentSeconds
        policy = PacingPolicy(limits)
        followed = device.idleWatts
        caseHeat = device.surroundings(at: 0) + device.idleWatts * device.resistance
        joules = (device.batteryJoules ?? 0) * device.startLevel
    }

    func run() -> Outcome {
        while time < end {
            let reading = reading()
            stepEnded = nil
            // The first shows every sensor that there is.
            earlier = earlier ?? reading
            switch policy.decide(reading) {
            case .run: step()
            case .rest(let seconds, _, _):
                result.rests += 1
                result.restSeconds += seconds
                if pass(seconds, watts: 0) { die() }
            case .pause:
                result.pauses += 1
                result.steps += sinceCheckpoint
                sinceCheckpoint = 0
                leave()
            }
        }
        result.steps += sinceCheckpoint
        result.seconds = time
        return result
    }

    private func step() {
        let isThrottled = processorHeat > device.throttlesAt
        let seconds = device.stepSeconds / (isThrottled ? 0.6 : 1)
        let heat = (result.hottestProcessor, result.hottestCase, result.lowestLevel)
        (result.hottestProcessor, result.hottestCase, result.lowestLevel) = (processorHeat, caseHeat, level)
        let wasKilled = pass(seconds, watts: device.stepWatts * (isThrottled ? 0.6 : 1), isStep: true)
        if isOverCeiling { result.stepsOverCeiling += 1 }
        if device.batteryJoules != nil, result.lowestLevel < judge.batteryFloor { result.stepsUnderFloor += 1 }
        result.hottestProcessor = max(result.hottestProcessor, heat.0)
        result.hottestCase = max(result.hottestCase, heat.1)
        result.lowestLevel = min(result.lowestLevel, heat.2)
        result.workSeconds += seconds
        if wasKilled { return die() }
        stepEnded = seconds
        sinceCheckpoint += 1
        if sinceCheckpoint == device.checkpointEvery {
            result.steps += sinceCheckpoint
            sinceCheckpoint = 0
        }
    }

    private var isOverCeiling: Bool {
        guard device.hasTemperatures else { return false }
        return result.hottestProcessor > judge.processor?.celsius ?? .infinity
            || result.hottestCase > min(judge.skin?.celsius ?? .infinity, judge.battery?.celsius ?? .infinity)
    }

    /// The system killed the run: what no checkpoint holds is lost.
    private func die() {
        result.kills += 1
        result.lostSteps += sinceCheckpoint
        sinceCheckpoint = 0
        leave()
    }

    /// Until the run is started again, by a process that knows what the one before it wrote down.
    private func leave() {
        let left = time
        repeat { pass(device.restartSeconds, watts: 0) } while device.batteryJoules != nil && level < 0.02 && time < end
        result.awaySeconds += time - left
        policy = PacingPolicy(limits)
        if let earlier { policy.recall(earlier) }
        stepEnded = nil
    }

    // MARK: The device

    private var processorHeat: Double { caseHeat + followed * device.processorResistance }

    private var level: Double { device.batteryJoules.map { joules / $0 } ?? 1 }

    private var segment: SimulatedDevice.Segment {
        device.segments[min(device.segments.count - 1, Int(time / SimulatedDevice.segmentSeconds))]
    }

    private func reading() -> DeviceReading {
        let segment = segment
        var reading = DeviceReading(seconds: time)
        reading.minuteOfDay = Int(time / 60) % 1440
        reading.stepSeconds = stepEnded
        if device.batteryJoules == nil {
            reading.power = .mains
        } else if !segment.losesBattery {
            // Gauges tell whole per cent.
            reading.power = .battery(
                .init(level: (level * 100).rounded(.down) / 100, isExternallyPowered: segment.isCharging))
        }
        if device.hasTemperatures, !segment.losesTemperatures {
            reading.temperatures = [
                .init(.processor, sensor: "processor", celsius: processorHeat),
                .init(.battery, sensor: "battery", celsius: caseHeat), .init(.skin, sensor: "skin", celsius: caseHeat),
            ]
        }
        reading.memoryPressure = .init(some: segment.pressure, full: 0)
        reading.userIsPresent = segment.userIsPresent
        return reading
    }

    /// Lets time go by; nothing changes within a piece, so each has its solution in closed form. A step is looked at
    /// four times, since the processor may be at its hottest before the end.
    ///
    /// - Returns: whether the run was killed, at which moment time stands still then.
    @discardableResult
    private func pass(_ seconds: Double, watts: Double, isStep: Bool = false) -> Bool {
        let until = time + seconds
        while time < until {
            let segment = segment
            let begin = (time / SimulatedDevice.segmentSeconds).rounded(.down) * SimulatedDevice.segmentSeconds
            var next = min(until, begin + SimulatedDevice.segmentSeconds)
            if isStep { next = min(next, time + device.stepSeconds / 4) }
            if next <= time { next = until }
            var isKilled = false
            if let kill = segment.kill, begin + kill > time, begin + kill <= next {
                (next, isKilled) = (begin + kill, true)
            }
            advance(
                next - time, watts: device.idleWatts + watts + (segment.userIsPresent ? device.userWatts : 0), segment)
            time = next
            if isStep {
                result.hottestProcessor = max(result.hottestProcessor, processorHeat)
                result.hottestCase = max(result.hottestCase, caseHeat)
                result.lowestLevel = min(result.lowestLevel, level)
            }
            if isKilled || (device.batteryJoules != nil && joules <= 0 && isStep) { return true }
        }
        return false
    }

    private func advance(_ seconds: Double, watts: Double, _ segment: SimulatedDevice.Segment) {
        let settled = device.surroundings(at: time) + watts * device.resistance
        caseHeat = settled + (caseHeat - settled) * exp(-seconds / (device.resistance * device.heatCapacity))
        followed = watts + (followed - watts) * exp(-seconds / device.processorSeconds)
        if let capacity = device.batteryJoules {
            joules = min(capacity, max(0, joules + ((segment.isCharging ? device.chargerWatts : 0) - watts) * seconds))
        }
    }
}
