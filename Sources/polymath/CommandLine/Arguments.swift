/// The checked arguments of one command: every value is of its flag's kind and inside its flag's range.
struct Arguments: Sendable {
    enum Value: Sendable, Equatable {
        case on(Bool)
        case text(String)
        case integer(Int)
        case number(Double)
    }

    let specification: CommandSpecification
    /// In the order of the specification's operands; fewer when trailing ones are optional.
    private(set) var operands: [String] = []
    private var given: [String: Value] = [:]
    private var defaults: [String: Value] = [:]

    init(specification: CommandSpecification) {
        self.specification = specification
    }

    mutating func append(operand: String) { operands.append(operand) }
    mutating func set(_ name: String, to value: Value) { given[name] = value }
    mutating func setDefault(_ name: String, to value: Value) { defaults[name] = value }

    /// Whether the command takes this flag.
    func takes(_ flag: Flag) -> Bool { specification.flags.contains { $0.name == flag.name } }

    /// Whether the flag stood on the command line (or in a configuration file).
    func isGiven(_ flag: Flag) -> Bool { given[flag.name] != nil }

    /// Whether a toggle is on.
    func isOn(_ flag: Flag) -> Bool {
        if case .on(let value) = value(flag) { value } else { false }
    }

    func text(_ flag: Flag) -> String? {
        if case .text(let value) = value(flag) { value } else { nil }
    }

    func integer(_ flag: Flag) -> Int? {
        if case .integer(let value) = value(flag) { value } else { nil }
    }

    func number(_ flag: Flag) -> Double? {
        if case .number(let value) = value(flag) { value } else { nil }
    }

    /// - Throws: `UsageError.missingFlag` when it has neither value nor default.
    func requiredText(_ flag: Flag) throws(UsageError) -> String {
        guard let value = text(flag) else { throw missing(flag) }
        return value
    }

    func requiredInteger(_ flag: Flag) throws(UsageError) -> Int {
        guard let value = integer(flag) else { throw missing(flag) }
        return value
    }

    func requiredNumber(_ flag: Flag) throws(UsageError) -> Double {
        guard let value = number(flag) else { throw missing(flag) }
        return value
    }

    /// The operand at an index of the specification; nil when an optional one is absent.
    func operand(_ index: Int) -> String? { operands.indices.contains(index) ? operands[index] : nil }

    func requiredOperand(_ index: Int) throws(UsageError) -> String {
        guard let value = operand(index) else { throw .missingOperand(specification.operands[index].name) }
        return value
    }

    private func missing(_ flag: Flag) -> UsageError { .missingFlag(flag.name, placeholder: flag.placeholder) }

    private func value(_ flag: Flag) -> Value? {
        precondition(
            takes(flag),
            "\(specification.name) reads --\(flag.name), which its specification does not list")
        return given[flag.name] ?? defaults[flag.name]
    }
}
