/// One condition of a bet: a measure's name, a comparison and a figure, as `worst_margin >= 0.1`.
public struct Criterion: Equatable, Sendable {
    public let measure: String
    public let comparison: Comparison
    public let figure: Double
    /// As it was written.
    public let text: String

    public enum Comparison: String, CaseIterable, Sendable {
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
        case equal = "=="
    }

    /// Reads `measure comparison figure`; nil for anything else.
    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 3, let comparison = Comparison(rawValue: words[1]), let figure = Double(words[2]),
            figure.isFinite
        else { return nil }
        measure = words[0]
        self.comparison = comparison
        self.figure = figure
        self.text = text
    }

    /// Whether a measured value meets it; NaN meets nothing.
    public func holds(for value: Double) -> Bool {
        switch comparison {
        case .atLeast: value >= figure
        case .atMost: value <= figure
        case .above: value > figure
        case .below: value < figure
        case .equal: value == figure
        }
    }
}

/// What a run's figures make of a bet. Computed from its criteria, never typed.
public enum Verdict: String, Sendable {
    /// A catastrophic criterion holds, whatever else does.
    case catastrophe
    /// Every strict criterion holds.
    case strict
    /// Not all strict criteria hold, and every lenient one does.
    case lenient
    case falsified
}
