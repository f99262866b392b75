import Foundation
import TestSupport
import Testing

/// What README.md says one can type, against what the program takes.
@Suite struct ReadmeTests {
    let program = Program(home: Repository.root)
    let text: String

    init() throws { text = try String(contentsOfFile: Repository.root + "/README.md", encoding: .utf8) }

    /// Every `polymath …` in a code block or between backticks, as words.
    private var commandLines: [[String]] {
        var lines: [String] = []
        var isCode = false
        var continued = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                isCode.toggle()
            } else if isCode {
                let whole = continued + line.trimmingCharacters(in: .whitespaces)
                continued = whole.hasSuffix("\\") ? whole.dropLast() + " " : ""
                if continued.isEmpty { lines.append(whole) }
            } else {
                lines += line.matches(of: /`(polymath [^`]*)`/).map { String($0.output.1) }
            }
        }
        return lines.compactMap { line in
            let command = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
            // A prompt, or a pipe into the program, may stand before it.
            guard let start = command.firstMatch(of: #/(?:^|\$ |\| |release/)polymath\s/#)?.range.upperBound
            else { return nil }
            return command[start...].split { " []".contains($0) }.map(String.init)
        }
    }

    @Test func `every command line in it names a command and options that exist`() throws {
        let lines = commandLines
        #expect(lines.count >= 10, "the test reads the README wrongly: \(lines)")
        var helps: [[String]: String] = [:]
        for words in lines {
            guard let first = words.first, !first.hasPrefix("-") else { continue }
            var path = first == "help" ? Array(words.dropFirst().prefix(1)) : [first]
            let group = try program.run(["help", first])
            if group.output.contains("polymath \(first) COMMAND"), words.count > 1 { path = Array(words.prefix(2)) }
            // Some verbs have two words, as in federation manifest make.
            if path.count == 2, words.count > 2, try program.run(["help"] + words.prefix(3)).status == 0 {
                path = Array(words.prefix(3))
            }
            if helps[path] == nil {
                let help = try program.run(["help"] + path)
                #expect(help.status == 0, "README has: polymath \(words.joined(separator: " "))")
                helps[path] = help.output
            }
            let help = helps[path] ?? ""
            for word in words where word.hasPrefix("--") {
                let name = word.dropFirst(2).split(separator: "=")[0]
                let isKnown = help.contains("--\(name) ") || help.contains("--\(name)\n")
                let isNegated = name.hasPrefix("no-") && help.contains("--[no-]\(name.dropFirst(3))")
                let isInvertible = help.contains("--[no-]\(name) ")
                #expect(isKnown || isNegated || isInvertible, "README has: polymath \(words.joined(separator: " "))")
            }
        }
    }

    // MARK: Defaults

    /// The table's rows: option without dashes, to what its default column says, without backticks.
    private var defaults: [String: String] {
        var rows: [String: String] = [:]
        guard let table = text.components(separatedBy: "## Options of `train` and their defaults").last else {
            return [:]
        }
        for line in table.split(separator: "\n") {
            if line.hasPrefix("## ") { break }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count >= 3, cells[0].hasPrefix("`--") else { continue }
            for option in cells[0].matches(of: /`--([a-z-]+)`/) {
                rows[String(option.output.1)] = cells[1].replacing("`", with: "")
            }
        }
        return rows
    }

    /// The options of `help train`: name to the default it shows, or nil.
    private func options() throws -> [String: String?] {
        let help = try program.run(["help", "train"]).output
        let section = try #require(
            help.components(separatedBy: "OPTIONS\n").last?.components(separatedBy: "\n\n").first)
        var options: [String: String?] = [:]
        for entry in section.replacing("\n  --", with: "\u{0}--").split(separator: "\u{0}") {
            let line = entry.split { $0.isWhitespace }.joined(separator: " ")
            guard let name = line.firstMatch(of: /--(?:\[no-\])?([a-z-]+)/)?.output.1 else { continue }
            options[String(name)] = .some(line.firstMatch(of: /\(default: ([^)]*)\)/).map { String($0.output.1) })
        }
        return options
    }

    @Test func `the table of defaults agrees with the program's own help`() throws {
        let (defaults, options) = (defaults, try options())
        #expect(defaults.count >= 20 && options.count >= 25)
        for (name, value) in defaults {
            let option = try #require(options[name], "the README explains --\(name), which train does not take")
            guard let option else { continue }
            #expect(value == option || value.hasPrefix(option + " ") || value.hasPrefix(option + ","), "--\(name)")
        }
        for (name, value) in options where value != nil {
            #expect(defaults[name] != nil, "the README does not list --\(name)")
        }
    }

    @Test func `what a bare run would do is what the table says`() throws {
        let outcome = try program.run(["train", "--base", "nano", "--dry-run", "--json"])
        let plan = try #require(outcome.object("plan"), "\(outcome.output)")
        let corpus = try #require(plan["corpus"] as? [String: Any])
        let windows = try #require(corpus["training_windows"] as? Int)
        let steps = try #require(plan["steps"] as? Int)
        #expect(defaults["corpus"] == "the collection \(corpus["name"] as? String ?? "")")
        #expect(corpus["default"] as? Bool == true)
        #expect(defaults["steps"] == "3 epochs" && steps == 3 * windows)
        #expect(defaults["seq-len"]?.hasPrefix("\(plan["seq_len"] as? Int ?? 0) ") == true)
        #expect(defaults["warmup"] == "a tenth of the steps, at most 10")
        #expect(plan["warmup"] as? Int == min(10, steps / 10))
        #expect(defaults["eval-every"] == "a tenth of the steps, at least 10")
        #expect(plan["eval_every"] as? Int == max(10, steps / 10))
        for (option, key) in [
            ("batch-size", "batch_size"), ("scope", "scope"), ("optimizer", "optimizer"), ("schedule", "schedule"),
            ("grad-clip", "grad_clip"), ("weight-decay", "weight_decay"),
        ] { #expect(defaults[option] == plan[key].map { "\($0)" }, "--\(option)") }
        #expect(defaults["compute"] == "auto")
        #expect(["f32", "bf16"].contains(plan["compute"] as? String))
    }
}
