internal import Device
internal import Digest
internal import Foundation

/// Asks the device before each step, waits as the policy says, and tells of it in the run's events.
///
/// It changes when steps are made and nothing of what they compute. A request to stop ends any rest at once.
final class RunPacer {
    private let sensors: any DeviceSensors
    private let preset: PacingLimits.Preset
    private let window: TimeWindow?
    /// nil where a run is watched and not paced.
    private var policy: PacingPolicy?
    private let events: RunEvents
    private let stop: StopRequest
    /// Why the run is to end at a pause; nil while it is not.
    private(set) var pause: PacingReason?

    private var reading: DeviceReading
    private var readAt: Double
    private var readingMembers: [String: JSONValue]?
    /// Seconds rested since the step before.
    private var rested = 0.0
    private var hold: (reason: PacingReason, since: Double)?
    private var toldShare = 1.0
    private var toldReason: PacingReason.Kind?
    private var isPressed = false

    /// A reading serves for this long, so that very short steps are not spent reading.
    private static let lifetime = 0.05
    /// Per cent of time in which tasks wait for memory: told from the one on, and over again at the other.
    private static let pressureTold = (from: 10.0, until: 5.0)

    /// - Parameters:
    ///   - earlier: readings of earlier processes of this run, which show what sensors there are.
    ///   - isPaced: false takes readings for the record alone.
    init(
        _ request: TrainingRequest, sensors: any DeviceSensors, isPaced: Bool, events: RunEvents, stop: StopRequest,
        earlier: [DeviceReading] = []
    ) {
        self.sensors = sensors
        self.events = events
        self.stop = stop
        preset = request.pace
        window = request.paceWindow
        if isPaced {
            var limits = PacingLimits(request.pace)
            limits.window = request.paceWindow
            var policy = PacingPolicy(limits)
            for reading in earlier { policy.recall(reading) }
            self.policy = policy
        }
        reading = sensors.read()
        readAt = DeviceClock.seconds
    }

    /// Returns when the next step may begin, when the run was asked to stop, or when it is to pause.
    ///
    /// - Parameters:
    ///   - step: steps made.
    ///   - seconds: how long the one before took; nil for the first of a process.
    func waitForStep(after step: Int, lasting seconds: Double?) throws {
        var seconds = seconds
        var isResting = false
        while stop.signal == nil, policy != nil {
            look()
            reading.stepSeconds = seconds
            seconds = nil
            try tellPressure(step)
            switch policy?.decide(reading) ?? .run {
            case .run:
                try tellHold(nil, step)
                try tellShare(step)
                return
            case .rest(let seconds, let reason, let share):
                let isNew = try tellHold(share == nil ? reason : nil, step)
                if share != nil { try tellShare(step) }
                // A long rest is no gap; its very last moments are not worth a line.
                if isResting, !isNew, seconds >= 0.5 {
                    try tell("resting", step, ["rested_seconds": .measured(rested)])
                }
                isResting = true
                let began = DeviceClock.seconds
                stop.wait(seconds: seconds)
                rested += DeviceClock.seconds - began
                // What was read before a rest says nothing of the device after it.
                readAt = -.infinity
            case .pause(let reason):
                pause = reason
                return
            }
        }
    }

    /// Members of a step's event: the device after it, and how long the run had rested before it.
    func stepMembers() -> [String: JSONValue] {
        look()
        defer { rested = 0 }
        return ["device": device, "rested_seconds": .measured(rested)]
    }

    /// The device as it was last read, with this process's memory; null for what it did not say.
    var device: JSONValue {
        var members = readingMembers ?? (try? JSONValue.parse(Array(reading.json.utf8)))?.asObject ?? [:]
        readingMembers = members
        let memory = MemoryProbe.sample()
        members["resident_bytes"] = .count(memory?.residentBytes)
        members["anonymous_bytes"] = .count(memory?.anonymousBytes)
        return .object(members)
    }

    /// What is told when a run begins or goes on.
    var startMembers: [String: JSONValue] {
        [
            "pace": .string(preset.rawValue), "pace_window": window.map { .string($0.text) } ?? .null,
            "sensors_missing": .array(reading.missing.map { .string($0.rawValue) }), "device": device,
        ]
    }

    /// Members of a pause's event and row.
    func members(of reason: PacingReason) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "pace": .string(preset.rawValue), "reason": .string(reason.kind.rawValue), "why": .string(reason.clause),
        ]
        if let sensor = reason.sensor { members["sensor"] = .string(sensor) }
        if let value = reason.value { members["value"] = .measured(value) }
        if let limit = reason.limit { members["limit"] = .measured(limit) }
        return members
    }

    private func look() {
        let now = DeviceClock.seconds
        guard now - readAt > Self.lifetime else { return }
        reading = sensors.read()
        readingMembers = nil
        readAt = now
    }

    // MARK: Transitions

    /// - Returns: whether there was something to tell.
    @discardableResult
    private func tellHold(_ reason: PacingReason?, _ step: Int) throws -> Bool {
        guard reason?.kind != hold?.reason.kind else { return false }
        if let reason {
            hold = (reason, hold?.since ?? DeviceClock.seconds)
            try tell("rest", step, members(of: reason))
        } else if let over = hold {
            hold = nil
            try tell(
                "rest_over", step,
                [
                    "reason": .string(over.reason.kind.rawValue),
                    "seconds": .measured(DeviceClock.seconds - over.since),
                ])
        }
        return true
    }

    private func tellShare(_ step: Int) throws {
        guard let policy, policy.share != toldShare || policy.shareReason?.kind != toldReason else { return }
        (toldShare, toldReason) = (policy.share, policy.shareReason?.kind)
        var members = policy.shareReason.map(members(of:)) ?? ["pace": .string(preset.rawValue), "reason": .null]
        members["share"] = .measured(policy.share)
        try tell("pace", step, members)
    }

    private func tellPressure(_ step: Int) throws {
        guard let pressure = reading.memoryPressure else { return }
        let limits = Self.pressureTold
        let isHigh = isPressed ? pressure.some > limits.until : pressure.some >= limits.from
        guard isHigh != isPressed else { return }
        isPressed = isHigh
        try tell("pressure", step, ["high": .bool(isHigh), "some": .measured(pressure.some)])
    }

    private func tell(_ name: String, _ step: Int, _ members: [String: JSONValue]) throws {
        var members = members
        members["step"] = .exactly(step)
        members["device"] = device
        try events.emit(name, members)
    }
}
