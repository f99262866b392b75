internal import Bytes
package import Conventions

/// Why a command line cannot be understood. Every case ends with exit status 2.
package enum UsageError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case noCommand(program: String)
    case unknownCommand(String, program: String, nearest: String?)
    /// A group without one of its verbs, for instance `polymath adapter`.
    case missingVerb(group: String, program: String, verbs: [String])
    case unknownVerb(group: String, verb: String, program: String, nearest: String?, verbs: [String])
    case unknownFlag(String, nearest: String?)
    case missingValue(flag: String, placeholder: String)
    case unexpectedValue(flag: String, value: String)
    case repeatedFlag(String)
    case missingFlag(String, placeholder: String)
    case missingOperand(String)
    case unexpectedOperand(String)
    /// `expected` completes the sentence "… must be …".
    case badValue(flag: String, value: String, expected: String)
    case conflict(String, String)
    case badConfiguration(path: String, reason: String)
    /// A sentence about options that do not go together.
    case impossible(String)

    package var exitStatus: ExitStatus { .usage }

    package var description: String {
        switch self {
        case .noCommand(let program): "No command was given; \"\(program) help\" lists them."
        case .unknownCommand(let name, let program, let nearest):
            "There is no command \"\(escaped(name))\"\(Self.hint(nearest)); \"\(program) help\" lists them."
        case .missingVerb(let group, let program, let verbs):
            "\"\(program) \(group)\" needs one of: \(verbs.joined(separator: ", "))."
        case .unknownVerb(let group, let verb, let program, let nearest, let verbs):
            "\"\(program) \(group)\" has no \"\(escaped(verb))\"\(Self.hint(nearest)); it has: "
                + "\(verbs.joined(separator: ", "))."
        case .unknownFlag(let name, let nearest):
            "There is no option \(escaped(name)) here\(Self.hint(nearest))."
        case .missingValue(let flag, let placeholder): "The option --\(flag) needs a value: --\(flag) \(placeholder)."
        case .unexpectedValue(let flag, let value):
            "The option --\(flag) takes no value, but \"\(escaped(value))\" was given."
        case .repeatedFlag(let flag): "The option --\(flag) was given twice; give it once."
        case .missingFlag(let flag, let placeholder): "The option --\(flag) \(placeholder) is needed."
        case .missingOperand(let name): "\(name) is missing."
        case .unexpectedOperand(let value): "\"\(escaped(value))\" is one argument too many."
        case .badValue(let flag, let value, let expected):
            "The value \"\(escaped(value))\" of --\(flag) must be \(expected)."
        case .conflict(let first, let second): "The options --\(first) and --\(second) cannot be given together."
        case .badConfiguration(let path, let reason):
            "The configuration \(escaped(path, limit: 200)) cannot be used: \(reason)"
        case .impossible(let sentence): sentence
        }
    }

    private static func hint(_ nearest: String?) -> String {
        nearest.map { " (did you mean \($0)?)" } ?? ""
    }
}
