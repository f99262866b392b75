/// One option of the command line: its name, what it takes, and what help says about it.
///
/// Every flag stands once in the flag table; parser, help and completion all read it there.
package struct Flag: Sendable, Equatable {
    /// Without the two dashes.
    package let name: String
    package let kind: Kind
    package let help: String
    /// What help shows for the value: `FILE`, `N`; empty for toggles.
    package let placeholder: String
    /// The value when the flag is not given, as one would type it.
    package private(set) var defaultValue: String?
    package private(set) var isRequired = false
    /// Whether it may be given several times.
    package private(set) var isRepeatable = false

    package enum Kind: Sendable, Equatable {
        /// `--name` turns it on.
        case toggle
        /// `--name` and `--no-name`.
        case invertibleToggle
        case text
        case integer(ClosedRange<Int>)
        case number(NumberRange)
        case choice([String])
        /// A number of bytes, with an optional suffix: `K`, `M`, `G` (powers of 1024).
        case bytes
    }

    package init(_ name: String, _ kind: Kind, _ placeholder: String = "", default value: String? = nil, help: String) {
        self.name = name
        self.kind = kind
        self.placeholder = placeholder
        self.help = help
        defaultValue = value
    }

    /// This flag where a command cannot do without it.
    package var required: Flag {
        var flag = self
        flag.isRequired = true
        return flag
    }

    /// This flag where a command takes it several times; `help` says what that means there.
    package func repeatable(help: String) -> Flag {
        var flag = Flag(name, kind, placeholder, default: defaultValue, help: help)
        flag.isRequired = isRequired
        flag.isRepeatable = true
        return flag
    }

    /// This flag with another command's default.
    package func defaulting(to value: String) -> Flag {
        var flag = self
        flag.defaultValue = value
        return flag
    }

    package var takesValue: Bool {
        switch kind {
        case .toggle, .invertibleToggle: false
        default: true
        }
    }

    /// The flag as help and messages write it: `--base BASE`, `--[no-]shuffle`.
    package var spelling: String {
        switch kind {
        case .toggle: "--\(name)"
        case .invertibleToggle: "--[no-]\(name)"
        case .choice(let names): "--\(name) \(names.joined(separator: "|"))"
        default: "--\(name) \(placeholder)"
        }
    }
}

/// An interval of numbers, each end included or not.
package struct NumberRange: Sendable, Equatable {
    package let lower: Double
    package let includesLower: Bool
    package let upper: Double
    package let includesUpper: Bool

    package static func above(_ lower: Double, through upper: Double = .infinity) -> NumberRange {
        NumberRange(lower: lower, includesLower: false, upper: upper, includesUpper: true)
    }

    package static func from(_ lower: Double, through upper: Double = .infinity) -> NumberRange {
        NumberRange(lower: lower, includesLower: true, upper: upper, includesUpper: true)
    }

    package static func from(_ lower: Double, below upper: Double) -> NumberRange {
        NumberRange(lower: lower, includesLower: true, upper: upper, includesUpper: false)
    }

    package func contains(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        let isAbove = includesLower ? value >= lower : value > lower
        return isAbove && (includesUpper ? value <= upper : value < upper)
    }

    /// `0 or more`, `above 0`, `above 0 and at most 1`.
    package var description: String {
        let low = includesLower ? "\(plain(lower)) or more" : "above \(plain(lower))"
        guard upper.isFinite else { return low }
        return low + (includesUpper ? " and at most \(plain(upper))" : " and below \(plain(upper))")
    }

    private func plain(_ value: Double) -> String {
        Int(exactly: value).map { String($0) } ?? "\(value)"
    }
}
