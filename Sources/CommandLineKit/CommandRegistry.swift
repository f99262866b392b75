/// A program's name and all commands that it has. What is not in the list is not in the help either.
package struct CommandRegistry: Sendable {
    /// As one types it: `polymath`.
    package let program: String
    /// What the program does, in one sentence that goes on after its name and a colon.
    package let purpose: String
    /// In the order that help shows.
    package let commands: [any Command.Type]

    package init(program: String, purpose: String, commands: [any Command.Type]) {
        self.program = program
        self.purpose = purpose
        self.commands = commands
    }

    /// What the first words of a command line name.
    package enum Selection {
        case command(any Command.Type, rest: [String])
        case overview
        case group(String)
        case help(any Command.Type)
        case version
    }

    package var groups: [String] {
        var names: [String] = []
        for command in commands {
            let path = command.specification.path
            if path.count > 1, !names.contains(path[0]) { names.append(path[0]) }
        }
        return names
    }

    /// - Parameter name: one word, or two where a verb has verbs of its own.
    package func commands(inGroup name: String) -> [any Command.Type] {
        commands.filter { $0.specification.name.hasPrefix(name + " ") }
    }

    /// The words that may follow these in a command's path, each once and in the order that help shows.
    package func verbs(after words: [String]) -> [String] {
        var verbs: [String] = []
        for command in commands {
            let path = command.specification.path
            guard path.count > words.count, path.starts(with: words) else { continue }
            if !verbs.contains(path[words.count]) { verbs.append(path[words.count]) }
        }
        return verbs
    }

    /// - Parameter words: the command line without the program's name.
    package func select(_ words: [String]) throws(UsageError) -> Selection {
        guard let first = words.first else { throw .noCommand(program: program) }
        switch first {
        case "--version" where words.count == 1: return .version
        case "help", "--help", "-h":
            guard words.count > 1 else { return .overview }
            return try help(Array(words.dropFirst()))
        default: break
        }
        let (command, rest) = try find(words)
        guard let command else { return .group(first) }
        // Everything after "--" is an operand, whatever it looks like.
        let flags = rest.prefix { $0 != "--" }
        if flags.contains("--help") || flags.contains("-h") { return .help(command) }
        return .command(command, rest: rest)
    }

    private func help(_ words: [String]) throws(UsageError) -> Selection {
        let name = words.joined(separator: " ")
        if words.count <= 2, !commands(inGroup: name).isEmpty { return .group(name) }
        let (command, rest) = try find(words)
        if let extra = rest.first { throw .unexpectedOperand(extra) }
        guard let command else { return .group(words[0]) }
        return .help(command)
    }

    /// The command that the words begin with, and the words after it; no command for `GROUP --help`.
    private func find(_ words: [String]) throws(UsageError) -> ((any Command.Type)?, [String]) {
        if let command = commands.first(where: { $0.specification.path == [words[0]] }) {
            return (command, Array(words.dropFirst()))
        }
        guard groups.contains(words[0]) else {
            let names = commands.compactMap { $0.specification.path.first } + ["help"]
            throw .unknownCommand(words[0], program: program, nearest: nearestName(to: words[0], among: names))
        }
        let verbs = self.verbs(after: [words[0]])
        guard words.count > 1 else { throw .missingVerb(group: words[0], program: program, verbs: verbs) }
        if words[1] == "--help" || words[1] == "-h" { return (nil, []) }
        if let command = commands.first(where: { words.starts(with: $0.specification.path) }) {
            return (command, Array(words.dropFirst(command.specification.path.count)))
        }
        // A verb may have verbs of its own: `federation manifest make`.
        let inner = self.verbs(after: Array(words.prefix(2)))
        guard inner.isEmpty else {
            let group = words.prefix(2).joined(separator: " ")
            guard words.count > 2 else { throw .missingVerb(group: group, program: program, verbs: inner) }
            if words[2] == "--help" || words[2] == "-h" { return (nil, []) }
            throw .unknownVerb(
                group: group, verb: words[2], program: program, nearest: nearestName(to: words[2], among: inner),
                verbs: inner)
        }
        throw .unknownVerb(
            group: words[0], verb: words[1], program: program, nearest: nearestName(to: words[1], among: verbs),
            verbs: verbs)
    }
}
