package import Conventions

/// One subcommand: what it takes, and what it does with it.
package protocol Command: Sendable {
    static var specification: CommandSpecification { get }
    /// - Throws: any room's error; its exit status is the command's.
    static func run(_ arguments: Arguments, _ console: Console) throws
}

/// Everything that parser and help need to know of a command.
package struct CommandSpecification: Sendable {
    /// `["train"]`, or group and verb: `["adapter", "verify"]`.
    package let path: [String]
    /// One line without a full stop.
    package let summary: String
    /// Paragraphs below the usage line; may be empty.
    package var discussion: String = ""
    package var operands: [Operand] = []
    package var flags: [Flag]
    /// Sets of flags of which at most one may be given.
    package var exclusive: [[Flag]] = []
    /// Exit statuses beyond 0, 1 and 2 that this command can end with, and what they mean here.
    package var exits: [Exit] = []
    package var examples: [String] = []

    package init(
        path: [String], summary: String, discussion: String = "", operands: [Operand] = [], flags: [Flag],
        exclusive: [[Flag]] = [], exits: [Exit] = [], examples: [String] = []
    ) {
        self.path = path
        self.summary = summary
        self.discussion = discussion
        self.operands = operands
        self.flags = flags
        self.exclusive = exclusive
        self.exits = exits
        self.examples = examples
    }

    package var name: String { path.joined(separator: " ") }

    package struct Operand: Sendable {
        package let name: String
        package let help: String
        package let isRequired: Bool
        /// Whether more may follow; only of the last one.
        package let isRepeated: Bool

        package init(name: String, help: String, isRequired: Bool = true, isRepeated: Bool = false) {
            self.name = name
            self.help = help
            self.isRequired = isRequired
            self.isRepeated = isRepeated
        }
    }

    package struct Exit: Sendable {
        package let status: ExitStatus
        package let meaning: String

        package init(_ status: ExitStatus, _ meaning: String) {
            self.status = status
            self.meaning = meaning
        }
    }
}
