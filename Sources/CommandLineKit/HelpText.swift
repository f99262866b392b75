internal import Conventions

/// The help texts, written from the command table and the flag table alone.
package struct HelpText {
    package let registry: CommandRegistry
    private var program: String { registry.program }

    package init(registry: CommandRegistry) { self.registry = registry }

    private static let general = [
        CommandSpecification.Exit(.sealViolation, "sealed bytes changed during a run"),
        CommandSpecification.Exit(.mismatch, "something differs from its record"),
    ]

    /// `polymath help`.
    package var overview: String {
        var lines = [
            "\(program) \(Version.string): \(registry.purpose)",
            "",
            "USAGE",
            "  \(program) COMMAND [options]",
            "",
            "COMMANDS",
        ]
        lines += table(registry.commands.map { ($0.specification.name, $0.specification.summary) })
        lines += [
            "",
            "  \(program) help COMMAND, or \(program) COMMAND --help, shows a command's options.",
            "  \(program) --version shows the version.",
            "",
        ]
        return (lines + exits(Self.general)).joined(separator: "\n")
    }

    /// `polymath help adapter`.
    package func group(_ name: String) -> String {
        let commands = registry.commands(inGroup: name)
        var lines = ["USAGE", "  \(program) \(name) COMMAND [options]", "", "COMMANDS"]
        lines += table(commands.map { ($0.specification.name, $0.specification.summary) })
        lines += ["", "  \(program) help \(name) COMMAND shows a command's options.", ""]
        return (lines + exits(Self.general)).joined(separator: "\n")
    }

    /// `polymath help adapter verify`.
    package func command(_ specification: CommandSpecification) -> String {
        var usage = "  \(program) " + specification.name
        for operand in specification.operands {
            let name = operand.name + (operand.isRepeated ? "…" : "")
            usage += operand.isRequired ? " \(name)" : " [\(name)]"
        }
        for flag in specification.flags where flag.isRequired { usage += " \(flag.spelling)" }
        if specification.flags.contains(where: { !$0.isRequired }) { usage += " [options]" }
        var lines = [specification.summary + ".", "", "USAGE", usage]
        if !specification.discussion.isEmpty { lines += [""] + paragraphs(specification.discussion) }
        if !specification.operands.isEmpty {
            lines += ["", "ARGUMENTS"]
            lines += table(specification.operands.map { ($0.name, $0.help) })
        }
        lines += ["", "OPTIONS"]
        lines += table((specification.flags + [.help]).map { ($0.spelling, describe($0)) })
        if !specification.examples.isEmpty {
            lines += ["", "EXAMPLES"] + specification.examples.map { "  " + example($0) }
        }
        lines += [""] + exits(specification.exits)
        return lines.joined(separator: "\n")
    }

    /// Commands of both programs are written with the longer one's name in front.
    private func example(_ line: String) -> String {
        line.hasPrefix("polymath ") ? program + line.dropFirst("polymath".count) : line
    }

    private func describe(_ flag: Flag) -> String {
        if flag.isRequired { return flag.help + " (needed)" }
        guard let value = flag.defaultValue else { return flag.help }
        if flag.kind == .invertibleToggle { return flag.help + " (default: \(value == "true" ? "on" : "off"))" }
        return flag.help + " (default: \(value))"
    }

    /// The exit statuses every command shares, with those that are `particular` to one between them.
    private func exits(_ particular: [CommandSpecification.Exit]) -> [String] {
        var rows: [(String, String)] = [
            ("0", "done"),
            ("1", "unreadable or malformed input, or anything else"),
            ("2", "options, or a path that does not exist"),
        ]
        rows += particular.filter { $0.status.code <= 5 }.map { ("\($0.status.code)", $0.meaning) }
        if !rows.contains(where: { $0.0 == "5" }) { rows.append(("5", "not enough memory or disk")) }
        rows += particular.filter { $0.status.code > 5 }.map { ("\($0.status.code)", $0.meaning) }
        rows.append(("128+n", "stopped by signal n"))
        return ["EXIT STATUS"] + table(rows)
    }

    /// Paragraphs, an empty line between them, wrapped at 100 characters whatever the source's line breaks.
    private func paragraphs(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for source in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = source.split(separator: " ")
            if words.isEmpty {
                lines += [line, ""]
                line = ""
            }
            for word in words {
                if line.count + 1 + word.count > 100 {
                    lines.append(line)
                    line = ""
                }
                line += (line.isEmpty ? "  " : " ") + word
            }
        }
        return lines + [line]
    }

    /// Two columns; the right one wraps at 110 characters.
    private func table(_ rows: [(left: String, right: String)]) -> [String] {
        let width = min(34, rows.map(\.left.count).max() ?? 0)
        let indent = String(repeating: " ", count: width + 4)
        return rows.flatMap { left, right -> [String] in
            var lines: [String] = []
            var line = "  " + left
            if left.count > width {
                lines.append(line)
                line = indent
            } else {
                line += String(repeating: " ", count: width + 2 - left.count)
            }
            for word in right.split(separator: " ") {
                if line.count + word.count > 110, line != indent {
                    lines.append(String(line.dropLast()))
                    line = indent
                }
                line += word + " "
            }
            return lines + [String(line.dropLast())]
        }
    }
}
