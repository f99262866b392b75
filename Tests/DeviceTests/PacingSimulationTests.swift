import Device
import TestSupport
import Testing

/// Random devices on random days, held against what each pace promises.
@Suite struct PacingSimulationTests {
    private func outcomes(
        _ count: Int, hours: Double, _ limits: PacingLimits, judge: PacingLimits? = nil, seed: UInt64 = 1,
        _ change: (inout SimulatedDevice) -> Void = { _ in }
    ) -> [(device: SimulatedDevice, outcome: PacingSimulation.Outcome)] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            var device = SimulatedDevice.random(hours: hours, using: &generator)
            change(&device)
            return (device, PacingSimulation.run(device, limits, judge: judge))
        }
    }

    @Test(arguments: PacingLimits.Preset.allCases)
    func `over a thousand random stretches of a day no ceiling and no floor is crossed`(preset: PacingLimits.Preset) {
        let all = outcomes(1000, hours: 1.5, PacingLimits(preset))
        #expect(all.allSatisfy { $0.outcome.stepsOverCeiling == 0 && $0.outcome.stepsUnderFloor == 0 })
        // It is no trick to keep cool by doing nothing, nor to see nothing that could go wrong.
        #expect(all.count { $0.outcome.steps > 0 } > 60)
        #expect(all.count { $0.outcome.kills > 0 } > 200 && all.count { $0.outcome.pauses > 0 } > 100)
    }

    @Test(arguments: PacingLimits.Preset.allCases)
    func `over whole days as well`(preset: PacingLimits.Preset) {
        let all = outcomes(12, hours: 24, PacingLimits(preset), seed: 2)
        #expect(all.allSatisfy { $0.outcome.stepsOverCeiling == 0 && $0.outcome.stepsUnderFloor == 0 })
        #expect(all.count { $0.outcome.steps > 0 } > 6)
    }

    @Test func `a policy whose guard is taken away is caught`() {
        let promise = PacingLimits(.balanced)
        var noCeiling = promise
        (noCeiling.processor, noCeiling.battery, noCeiling.skin) = (nil, nil, nil)
        var noFloor = promise
        noFloor.batteryFloor = 0
        #expect(outcomes(60, hours: 1.5, noCeiling, judge: promise).contains { $0.outcome.stepsOverCeiling > 0 })
        #expect(outcomes(60, hours: 1.5, noFloor, judge: promise).contains { $0.outcome.stepsUnderFloor > 0 })
        // Of the processor alone: its ceiling is reached on its own, too.
        var noProcessor = promise
        noProcessor.processor = nil
        #expect(outcomes(200, hours: 1.5, noProcessor, judge: promise).contains { $0.outcome.stepsOverCeiling > 0 })
        // A guard that forgets the margin of a step is off by less than that, and still caught.
        var late = promise
        late.battery = .init(41, resume: 38)
        #expect(outcomes(60, hours: 1.5, late, judge: promise).contains { $0.outcome.stepsOverCeiling > 0 })
    }

    @Test func `where nothing stands in the way a run works all the time, or the share that its pace takes`() {
        var device = SimulatedDevice()
        device.ambient = 10
        device.stepWatts = 2
        device.segments = Array(repeating: .init(), count: 288)
        for preset in PacingLimits.Preset.allCases {
            let outcome = PacingSimulation.run(device, PacingLimits(preset))
            #expect(outcome.progress(of: device) > 0.98, "\(preset): \(outcome)")
        }
        device.hasTemperatures = false
        let shares = PacingLimits.Preset.allCases.map {
            PacingSimulation.run(device, PacingLimits($0)).progress(of: device)
        }
        #expect(shares[0] > 0.98)
        #expect(abs(shares[1] - 0.5) < 0.01 && abs(shares[2] - 0.25) < 0.01)
    }

    @Test func `the same device and day have the same outcome`() {
        let limits = PacingLimits(.gentle)
        #expect(outcomes(20, hours: 2, limits).map(\.outcome) == outcomes(20, hours: 2, limits).map(\.outcome))
    }
}
