internal import Bytes
internal import CommandLineKit

/// `polymath completion`: a script that makes a shell complete commands and options.
enum Completion: Command {
    static let specification = CommandSpecification(
        path: ["completion"], summary: "Print a completion script for bash or zsh",
        operands: [.init(name: "SHELL", help: "bash or zsh")], flags: [],
        examples: [
            "source <(polymath completion bash)    # in ~/.bashrc",
            "source <(polymath completion zsh)     # in ~/.zshrc",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let shell = try arguments.requiredOperand(0)
        guard ["bash", "zsh"].contains(shell) else {
            throw UsageError.impossible(
                "There is a completion script for bash and for zsh, not for \"\(escaped(shell))\".")
        }
        // zsh reads bash's completion functions through bashcompinit.
        let prelude = shell == "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : []
        console.show((prelude + script(CommandRegistry.polymath)).joined(separator: "\n"))
    }

    private static func script(_ registry: CommandRegistry) -> [String] {
        var firsts: [String] = []
        for command in registry.commands where !firsts.contains(command.specification.path[0]) {
            firsts.append(command.specification.path[0])
        }
        var cases: [String] = []
        for group in registry.groups {
            cases.append("        \"\(group)\") words=\"\(registry.verbs(after: [group]).joined(separator: " "))\" ;;")
            for verb in registry.verbs(after: [group]) {
                let inner = registry.verbs(after: [group, verb])
                if inner.isEmpty { continue }
                cases.append("        \"\(group) \(verb)\") words=\"\(inner.joined(separator: " "))\" ;;")
            }
        }
        for command in registry.commands {
            let specification = command.specification
            cases.append("        \"\(specification.name)\"*) words=\"\(flagWords(specification))\" ;;")
        }
        return [
            "_polymath() {",
            "    local word=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"",
            "    local path=\"${COMP_WORDS[1]}\"",
            "    if [ \"$COMP_CWORD\" -gt 2 ]; then path=\"$path ${COMP_WORDS[2]}\"; fi",
            "    if [ \"$COMP_CWORD\" -gt 3 ]; then path=\"$path ${COMP_WORDS[3]}\"; fi",
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"\(firsts.joined(separator: " ")) help\"; else",
            "    case \"$path\" in",
        ] + cases + [
            "    esac; fi",
            "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))",
            "}",
            "complete -o default -F _polymath polymath",
        ]
    }

    private static func flagWords(_ specification: CommandSpecification) -> String {
        (specification.flags + [.help]).flatMap { flag in
            flag.kind == .invertibleToggle ? ["--\(flag.name)", "--no-\(flag.name)"] : ["--\(flag.name)"]
        }.joined(separator: " ")
    }
}
