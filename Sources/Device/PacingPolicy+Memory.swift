// What a policy remembers from one reading to the next.

/// What is known of one kind of temperature sensor.
struct Heat: Sendable {
    private(set) var wasThere = false
    var isHot = false
    private var celsius: Double?
    /// The largest rise over a step that was seen, forgotten by a twentieth a step.
    private var rise = 0.0

    /// Takes note of a reading; nil where the sensor said nothing.
    mutating func note(_ now: Double?, _ kind: DeviceReading.Temperature.Kind, afterStep: Bool) {
        if let now {
            wasThere = true
            if afterStep, let celsius { rise = max(rise * 0.95, now - celsius) }
        }
        celsius = now
    }

    mutating func recall() { wasThere = true }

    /// Degrees that the next step may add; at most what leaves room for steps at all.
    func margin(_ kind: DeviceReading.Temperature.Kind) -> Double {
        let margins = PacingPolicy.margins(kind)
        return min(max(margins.first, rise * 1.25), margins.largest)
    }
}

/// What is known of each kind.
struct Heats: Sendable {
    private var processor = Heat()
    private var battery = Heat()
    private var skin = Heat()
    private var other = Heat()

    subscript(kind: DeviceReading.Temperature.Kind) -> Heat {
        get {
            switch kind {
            case .processor: processor
            case .battery: battery
            case .skin: skin
            case .other: other
            }
        }
        set {
            switch kind {
            case .processor: processor = newValue
            case .battery: battery = newValue
            case .skin: skin = newValue
            case .other: other = newValue
            }
        }
    }
}

/// Whether steps take much longer than they did: what a throttled processor looks like where nobody says so.
struct StepSpeed: Sendable {
    var wasThrottled = false
    private(set) var isSlow = false
    private var fastest = Double.infinity
    /// The last two, newest first.
    private var last = Double.nan
    private var beforeLast = Double.nan

    /// Slow from 1.6 times the fastest on, and until 1.3 times; the fastest is forgotten by 1 % a step.
    mutating func add(_ seconds: Double) {
        guard seconds > 0, seconds.isFinite else { return }
        fastest = min(seconds, fastest * 1.01)
        defer { (last, beforeLast) = (seconds, last) }
        guard beforeLast.isFinite else { return }
        // One step may be slow for any reason; two of three are no accident: the middle one counts.
        let middle = max(min(seconds, last), min(max(seconds, last), beforeLast))
        if middle > fastest * 1.6 { isSlow = true } else if middle < fastest * 1.3 { isSlow = false }
    }
}
