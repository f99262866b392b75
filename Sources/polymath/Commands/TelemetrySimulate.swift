internal import CommandLineKit
internal import Conventions
internal import Device
internal import Digest
internal import PolymathKit

/// `polymath telemetry simulate`: what a pace makes of random devices and their days.
enum TelemetrySimulate: Command {
    static let specification = CommandSpecification(
        path: ["telemetry", "simulate"], summary: "Run the pacing policy on simulated devices, a day each",
        discussion: """
            Draws devices from phone to laptop, each with a day of use, charging, memory pressure, kills and sensors that
            fall silent, and lets the policy decide before every step. No step may pass the pace's ceilings or go below
            its battery floor; if one does, the exit status is 1. Equal seeds give equal days. Nothing is read or written.
            """,
        flags: [.pace, .days, .seed, .json],
        examples: ["polymath telemetry simulate --pace gentle --days 1000"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let presets = arguments.pace.map { [$0] } ?? PacingLimits.Preset.allCases
        let days = try arguments.requiredInteger(.days)
        let seed = UInt64(try arguments.requiredInteger(.seed))
        var crossed = 0
        for (index, preset) in presets.enumerated() {
            var sum = Sum()
            for day in 0..<days {
                var generator = Draws(random: CounterRandom(seed: seed, purpose: "simulated day", step: UInt64(day)))
                let device = SimulatedDevice.random(hours: 24, using: &generator)
                sum.add(PacingSimulation.run(device, PacingLimits(preset)), of: device)
            }
            crossed += sum.overCeiling + sum.underFloor
            console.emit("simulation", sum.members(preset))
            if index > 0 { console.show() }
            console.show(table(sum.rows(preset)))
        }
        if crossed > 0 { throw SimulationError(count: crossed) }
    }
}

/// What many days came to.
private struct Sum {
    private var days = 0
    private var steps = 0
    private var lost = 0
    private var progress: [Double] = []
    private var kills = 0
    private var pauses = 0
    private var hottestProcessor = -Double.infinity
    private var hottestCase = -Double.infinity
    private var lowestLevel = 1.0
    private(set) var overCeiling = 0
    private(set) var underFloor = 0

    mutating func add(_ outcome: PacingSimulation.Outcome, of device: SimulatedDevice) {
        days += 1
        steps += outcome.steps
        lost += outcome.lostSteps
        progress.append(outcome.progress(of: device))
        kills += outcome.kills
        pauses += outcome.pauses
        hottestProcessor = max(hottestProcessor, outcome.hottestProcessor)
        hottestCase = max(hottestCase, outcome.hottestCase)
        lowestLevel = min(lowestLevel, outcome.lowestLevel)
        overCeiling += outcome.stepsOverCeiling
        underFloor += outcome.stepsUnderFloor
    }

    private func progress(at part: Double) -> Double {
        let sorted = progress.sorted()
        return sorted.isEmpty ? 0 : sorted[Int(part * Double(sorted.count - 1))]
    }

    func members(_ preset: PacingLimits.Preset) -> [String: JSONValue] {
        [
            "pace": .string(preset.rawValue), "days": .exactly(days), "steps": .exactly(steps),
            "lost_steps": .exactly(lost), "kills": .exactly(kills), "pauses": .exactly(pauses),
            "progress": [
                "min": .measured(progress(at: 0)), "median": .measured(progress(at: 0.5)),
                "max": .measured(progress(at: 1)),
            ],
            "hottest_processor": .measured(hottestProcessor), "hottest_case": .measured(hottestCase),
            "lowest_battery_level": .measured(lowestLevel), "steps_over_ceiling": .exactly(overCeiling),
            "steps_under_floor": .exactly(underFloor),
        ]
    }

    func rows(_ preset: PacingLimits.Preset) -> [(String, String)] {
        func percent(_ part: Double) -> String { fixed(part * 100, 1) + " %" }
        func degrees(_ value: Double) -> String { value.isFinite ? fixed(value, 1) + " °C" : "–" }
        return [
            ("pace", "\(preset.rawValue), \(grouped(days)) days"),
            (
                "steps",
                "\(grouped(steps)) kept, \(grouped(lost)) lost to \(grouped(kills)) kills, \(grouped(pauses)) pauses"
            ),
            (
                "progress",
                "\(percent(progress(at: 0.5))) of an untouched run's at the median, \(percent(progress(at: 0))) to "
                    + percent(progress(at: 1))
            ),
            (
                "hottest",
                "processor \(degrees(hottestProcessor)), case and battery \(degrees(hottestCase)) during a step"
            ),
            ("battery", "\(percent(lowestLevel)) at the lowest during a step"),
            ("crossed", "\(overCeiling) steps over a ceiling, \(underFloor) below the floor"),
        ]
    }
}

private struct SimulationError: Error, CustomStringConvertible, ExitReporting {
    let count: Int
    var exitStatus: ExitStatus { .failure }
    var description: String { "\(count) simulated steps passed a limit that the pace promises to keep." }
}

/// Seeded draws for the standard library's random functions.
private struct Draws: RandomNumberGenerator {
    var random: CounterRandom
    mutating func next() -> UInt64 { random.nextUInt64() }
}
