internal import PolymathKit

/// One subcommand: what it takes, and what it does with it.
protocol Command: Sendable {
    static var specification: CommandSpecification { get }
    /// - Throws: any room's error; its exit status is the command's.
    static func run(_ arguments: Arguments, _ console: Console) throws
}

/// Everything that parser and help need to know of a command.
struct CommandSpecification: Sendable {
    /// `["train"]`, or group and verb: `["adapter", "verify"]`.
    let path: [String]
    /// One line without a full stop.
    let summary: String
    /// Paragraphs below the usage line; may be empty.
    var discussion: String = ""
    var operands: [Operand] = []
    var flags: [Flag]
    /// Sets of flags of which at most one may be given.
    var exclusive: [[Flag]] = []
    /// Exit statuses beyond 0, 1 and 2 that this command can end with, and what they mean here.
    var exits: [Exit] = []
    var examples: [String] = []

    var name: String { path.joined(separator: " ") }

    struct Operand: Sendable {
        let name: String
        let help: String
        var isRequired = true
    }

    struct Exit: Sendable {
        let status: ExitStatus
        let meaning: String

        init(_ status: ExitStatus, _ meaning: String) {
            self.status = status
            self.meaning = meaning
        }
    }
}
