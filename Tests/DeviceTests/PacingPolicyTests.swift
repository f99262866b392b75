import Device
import Testing

@Suite struct PacingPolicyTests {
    /// A device on which nothing stands in a run's way.
    private func fine(_ seconds: Double, step: Double? = nil, _ change: (inout DeviceReading) -> Void = { _ in })
        -> DeviceReading
    {
        var reading = DeviceReading(seconds: seconds)
        reading.minuteOfDay = 600
        reading.power = .battery(.init(level: 0.9, isExternallyPowered: true))
        reading.temperatures = [
            .init(.processor, sensor: "cpu", celsius: 40), .init(.battery, sensor: "battery", celsius: 28),
            .init(.skin, sensor: "skin", celsius: 28),
        ]
        reading.frequency = .init(megahertz: 2000, cap: 1, throttleEvents: 0)
        reading.memoryPressure = .init(some: 0, full: 0)
        reading.userIsPresent = false
        reading.stepSeconds = step
        change(&reading)
        return reading
    }

    private func heat(_ kind: DeviceReading.Temperature.Kind, _ celsius: Double, limit: Double? = nil) -> (
        inout DeviceReading
    ) -> Void {
        { reading in
            reading.temperatures.removeAll { $0.kind == kind }
            reading.temperatures.append(.init(kind, sensor: kind.rawValue, celsius: celsius, limit: limit))
        }
    }

    private func kind(_ decision: PacingDecision) -> PacingReason.Kind? {
        switch decision {
        case .run: nil
        case .rest(_, let reason, _), .pause(let reason): reason.kind
        }
    }

    @Test(arguments: PacingLimits.Preset.allCases)
    func `where nothing stands in the way every pace works without a rest`(preset: PacingLimits.Preset) {
        var policy = PacingPolicy(PacingLimits(preset))
        for step in 0..<50 {
            #expect(policy.decide(fine(Double(step) * 2, step: step > 0 ? 2 : nil)) == .run)
        }
    }

    @Test func `a device that says nothing of itself does not slow eager, and slows the others`() {
        func rest(_ preset: PacingLimits.Preset, _ power: DeviceReading.Power?) -> PacingDecision {
            var policy = PacingPolicy(PacingLimits(preset))
            var reading = DeviceReading(seconds: 0)
            reading.power = power
            #expect(power == nil || policy.decide(reading) == .run)
            reading.stepSeconds = 3
            return policy.decide(reading)
        }
        #expect(rest(.eager, nil) == .run && rest(.eager, .mains) == .run)
        guard case .rest(let balanced, let reason, let share) = rest(.balanced, .mains) else {
            Issue.record("balanced works on as if it knew")
            return
        }
        #expect(balanced == 3 && share == 0.5 && reason.kind == .unknownTemperature)
        guard case .rest(let gentle, _, 0.25) = rest(.gentle, .mains) else {
            Issue.record("gentle works on as if it knew")
            return
        }
        #expect(gentle == 9)
        // What a duty cycle does not bound is held: nobody knows how full the battery is.
        #expect(kind(rest(.balanced, nil)) == .unknownPower && kind(rest(.gentle, nil)) == .unknownPower)
    }

    @Test func `a hot sensor holds steps until it is cool again, not only just below`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        // 85 °C less the 10 that a step may add.
        #expect(policy.decide(fine(0, heat(.processor, 75))) == .run)
        #expect(kind(policy.decide(fine(1, heat(.processor, 75.1)))) == .temperature)
        #expect(kind(policy.decide(fine(2, heat(.processor, 74.9)))) == .temperature)
        #expect(policy.decide(fine(3, heat(.processor, 74.4))) == .run)
        #expect(policy.decide(fine(4, heat(.processor, 75))) == .run)
    }

    @Test func `what steps are seen to add is kept clear of the ceiling`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        #expect(policy.decide(fine(0, heat(.skin, 30))) == .run)
        #expect(policy.decide(fine(60, step: 60, heat(.skin, 32.4))) == .run)
        // 1.25 × 2.4 = 3 below 42.
        #expect(policy.decide(fine(61, heat(.skin, 38.9))) == .run)
        #expect(kind(policy.decide(fine(62, heat(.skin, 39.1)))) == .temperature)
    }

    @Test func `where the system itself would step in earlier, so does the policy`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        #expect(policy.decide(fine(0, heat(.processor, 64, limit: 75))) == .run)
        #expect(kind(policy.decide(fine(1, heat(.processor, 66, limit: 75)))) == .temperature)
        #expect(kind(policy.decide(fine(2, heat(.processor, 65, limit: 75)))) == .temperature)
        #expect(policy.decide(fine(3, heat(.processor, 64.4, limit: 75))) == .run)
    }

    @Test func `rests of a hold begin short, grow, and end at a pause when the hold does not`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        var time = 0.0
        var rests: [Double] = []
        while case .rest(let seconds, _, nil) = policy.decide(fine(time, heat(.battery, 50))) {
            rests.append(seconds)
            time += seconds
            #expect(rests.count < 200)
        }
        #expect(rests.prefix(7) == [1, 2, 4, 8, 16, 30, 30])
        #expect(time == 1800)
        #expect(kind(policy.decide(fine(time, heat(.battery, 50)))) == .temperature)
        // Asked again, from a cool device: a pause is not remembered.
        #expect(policy.decide(fine(time + 1)) == .run)
        guard case .rest(1, _, nil) = policy.decide(fine(time + 2, heat(.battery, 50))) else {
            Issue.record("a new hold begins as the first did")
            return
        }
    }

    @Test func `an empty battery pauses at once away from the charger, and waits on it`() {
        func at(_ level: Double, charging: Bool?) -> (inout DeviceReading) -> Void {
            { $0.power = .battery(.init(level: level, isExternallyPowered: charging)) }
        }
        var policy = PacingPolicy(PacingLimits(.balanced))
        #expect(policy.decide(fine(0, at(0.32, charging: false))) == .run)
        guard case .pause(let reason) = policy.decide(fine(1, at(0.31, charging: false))) else {
            Issue.record("a step would have gone below the floor")
            return
        }
        #expect(reason.kind == .battery && reason.value == 0.31 && reason.limit == 0.30)
        #expect(kind(policy.decide(fine(2, at(0.34, charging: true)))) == .battery)
        #expect(policy.decide(fine(3, at(0.35, charging: true))) == .run)
        #expect(policy.decide(fine(4, at(0.32, charging: true))) == .run)
    }

    @Test func `gentle waits for the charger and for the user to leave`() {
        var policy = PacingPolicy(PacingLimits(.gentle))
        let away = { (reading: inout DeviceReading) in
            reading.power = .battery(.init(level: 0.9, isExternallyPowered: false))
        }
        #expect(kind(policy.decide(fine(0, away))) == .charger)
        #expect(policy.decide(fine(1)) == .run)
        #expect(kind(policy.decide(fine(2) { $0.userIsPresent = true })) == .userPresent)
        var balanced = PacingPolicy(PacingLimits(.balanced))
        #expect(kind(balanced.decide(fine(0, step: 2, away))) == .onBattery)
        #expect(kind(balanced.decide(fine(3, step: 2) { $0.userIsPresent = true })) == .userPresent)
    }

    @Test(arguments: PacingLimits.Preset.allCases)
    func `a sensor that was there and falls silent holds, whatever the pace`(preset: PacingLimits.Preset) {
        let losses: [(inout DeviceReading) -> Void] = [{ $0.temperatures = [] }, { $0.power = nil }]
        for loss in losses {
            var policy = PacingPolicy(PacingLimits(preset))
            #expect(policy.decide(fine(0)) == .run)
            #expect(kind(policy.decide(fine(1, loss))) == .lostSensor)
            #expect(policy.decide(fine(2)) == .run)
            // The next process of the run knows what the one before it had.
            var next = PacingPolicy(PacingLimits(preset))
            next.recall(fine(0))
            #expect(kind(next.decide(fine(3, loss))) == .lostSensor)
        }
    }

    @Test func `memory pressure holds from one threshold to another`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        func pressed(_ some: Double) -> (inout DeviceReading) -> Void {
            { $0.memoryPressure = .init(some: some, full: 0) }
        }
        #expect(policy.decide(fine(0, pressed(19))) == .run)
        #expect(kind(policy.decide(fine(1, pressed(20)))) == .pressure)
        #expect(kind(policy.decide(fine(2, pressed(11)))) == .pressure)
        #expect(policy.decide(fine(3, pressed(10))) == .run)
        var eager = PacingPolicy(PacingLimits(.eager))
        #expect(eager.decide(fine(0, pressed(100))) == .run)
    }

    @Test func `outside of the window nothing runs; one that opens soon is waited for`() {
        var limits = PacingLimits(.eager)
        limits.window = TimeWindow("22:00-06:30")
        #expect(limits.window?.text == "22:00-06:30")
        func at(_ minute: Int?) -> PacingDecision {
            var policy = PacingPolicy(limits)
            return policy.decide(fine(0) { $0.minuteOfDay = minute })
        }
        for minute in [22 * 60, 1439, 0, 6 * 60 + 29] { #expect(at(minute) == .run) }
        guard case .pause = at(6 * 60 + 30), case .pause = at(12 * 60), case .rest = at(21 * 60 + 55) else {
            Issue.record("the window's ends are wrong")
            return
        }
        guard case .rest(_, let reason, nil) = at(nil) else {
            Issue.record("an unknown time of day is no open window")
            return
        }
        #expect(reason.kind == .window)
    }

    @Test(arguments: [
        "", "22:00", "22:00-22:00", "24:00-01:00", "1:00-02:00", "aa:00-02:00", "01:60-02:00", "01:00-02:00-03:00",
    ])
    func `a window that is none is refused`(text: String) {
        #expect(TimeWindow(text) == nil)
    }

    @Test func `steps that take much longer than they did are a slowed processor`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        var time = 0.0
        func step(_ seconds: Double) -> PacingDecision {
            time += seconds
            let decision = policy.decide(fine(time, step: seconds))
            time += seconds
            return decision
        }
        for _ in 0..<5 { #expect(step(2) == .run) }
        // One slow step is none.
        #expect(step(8) == .run)
        #expect(step(2) == .run)
        _ = step(4)
        #expect(kind(step(4)) == .throttled)
        #expect(policy.share == 0.5)
        _ = step(2)
        #expect(step(2) == .run)
        let capped = { (reading: inout DeviceReading) in
            reading.frequency = .init(megahertz: 1000, cap: 0.5, throttleEvents: 0)
        }
        #expect(kind(policy.decide(fine(100, step: 2, capped))) == .throttled)
        #expect(policy.decide(fine(200)) == .run)
        let counted = { (reading: inout DeviceReading) in
            reading.frequency = .init(megahertz: 2000, cap: 1, throttleEvents: 3)
        }
        #expect(kind(policy.decide(fine(202, step: 2, counted))) == .throttled)
    }

    @Test func `a rest after a step is over when its time is, also where it was slept through`() {
        var limits = PacingLimits()
        limits.onBatteryShare = 0.1
        var policy = PacingPolicy(limits)
        let battery = { (reading: inout DeviceReading) in
            reading.power = .battery(.init(level: 0.9, isExternallyPowered: false))
        }
        guard case .rest(30, _, 0.1) = policy.decide(fine(10, step: 10, battery)),
            case .rest(30, _, 0.1) = policy.decide(fine(40, battery)),
            case .rest(15, _, 0.1) = policy.decide(fine(85, battery))
        else {
            Issue.record("ninety seconds of rest follow ten of work")
            return
        }
        // On the charger the rest of the rest is not needed.
        #expect(policy.decide(fine(86)) == .run)
        #expect(kind(policy.decide(fine(200, step: 10, battery))) == .onBattery)
        #expect(policy.decide(fine(10_000, battery)) == .run)
    }

    @Test func `a clock that goes back holds nothing up for longer`() {
        var policy = PacingPolicy(PacingLimits(.gentle))
        #expect(policy.decide(fine(1000)) == .run)
        #expect(policy.decide(fine(10, step: 5)) == .run)
    }

    @Test func `every reason has its clause`() {
        var policy = PacingPolicy(PacingLimits(.balanced))
        guard case .rest(_, let reason, nil) = policy.decide(fine(0, heat(.battery, 45.25))) else { return }
        #expect(reason.clause == "battery is at 45.3 °C, and 40 °C are not to be passed")
    }
}
