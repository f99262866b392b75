internal import Foundation

/// The checked arguments of one command: every value is of its flag's kind and inside its flag's range.
package struct Arguments: Sendable {
    package enum Value: Sendable, Equatable {
        case on(Bool)
        case text(String)
        case integer(Int)
        case number(Double)
    }

    package let specification: CommandSpecification
    /// In the order of the specification's operands; fewer when trailing ones are optional, more when the last is repeated.
    package private(set) var operands: [String] = []
    /// In the order they stood; one each, but for flags that may be repeated.
    private var given: [String: [Value]] = [:]
    private var defaults: [String: Value] = [:]

    package init(specification: CommandSpecification) {
        self.specification = specification
    }

    package mutating func append(operand: String) { operands.append(operand) }
    package mutating func set(_ name: String, to value: Value) { given[name] = [value] }
    package mutating func add(_ name: String, _ value: Value) { given[name, default: []].append(value) }
    package mutating func setDefault(_ name: String, to value: Value) { defaults[name] = value }

    /// Whether the command takes this flag.
    package func takes(_ flag: Flag) -> Bool { specification.flags.contains { $0.name == flag.name } }

    /// Whether the flag stood on the command line (or in a configuration file).
    package func isGiven(_ flag: Flag) -> Bool { given[flag.name] != nil }

    /// Whether a toggle is on.
    package func isOn(_ flag: Flag) -> Bool {
        if case .on(let value) = value(flag) { value } else { false }
    }

    package func text(_ flag: Flag) -> String? {
        if case .text(let value) = value(flag) { value } else { nil }
    }

    /// Every value of a flag that may be repeated, as they stood.
    package func texts(_ flag: Flag) -> [String] {
        (given[flag.name] ?? []).compactMap { if case .text(let value) = $0 { value } else { nil } }
    }

    package func integer(_ flag: Flag) -> Int? {
        if case .integer(let value) = value(flag) { value } else { nil }
    }

    package func number(_ flag: Flag) -> Double? {
        if case .number(let value) = value(flag) { value } else { nil }
    }

    /// - Throws: `UsageError.missingFlag` when it has neither value nor default.
    package func requiredText(_ flag: Flag) throws(UsageError) -> String {
        guard let value = text(flag) else { throw missing(flag) }
        return value
    }

    package func requiredInteger(_ flag: Flag) throws(UsageError) -> Int {
        guard let value = integer(flag) else { throw missing(flag) }
        return value
    }

    package func requiredNumber(_ flag: Flag) throws(UsageError) -> Double {
        guard let value = number(flag) else { throw missing(flag) }
        return value
    }

    /// The operand at an index of the specification; nil when an optional one is absent.
    package func operand(_ index: Int) -> String? { operands.indices.contains(index) ? operands[index] : nil }

    package func requiredOperand(_ index: Int) throws(UsageError) -> String {
        guard let value = operand(index) else { throw .missingOperand(specification.operands[index].name) }
        return value
    }

    private func missing(_ flag: Flag) -> UsageError { .missingFlag(flag.name, placeholder: flag.placeholder) }

    private func value(_ flag: Flag) -> Value? {
        precondition(
            takes(flag),
            "\(specification.name) reads --\(flag.name), which its specification does not list")
        return given[flag.name]?.last ?? defaults[flag.name]
    }
}

extension Arguments {
    /// As many threads as asked for, else one per core.
    package var threadCount: Int {
        let asked = takes(.threads) ? integer(.threads) : nil
        return asked ?? min(64, max(1, ProcessInfo.processInfo.activeProcessorCount))
    }
}

extension Console {
    /// Progress over the bytes of a base that is being hashed.
    package func hashingProgress(_ name: String, of total: Int) -> @Sendable (Int) -> Void {
        { done in self.progress("Hashing \(name)", done: done, of: total) }
    }
}
