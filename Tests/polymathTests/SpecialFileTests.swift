import Foundation
import TestSupport
import Testing

/// Pipes and devices where a file or a folder is wanted: every path that any command of any program takes, as its own
/// help lists them. None may wait, read without end, or die.
@Suite struct SpecialFileTests {
    /// A command with its words and what its help says of its paths.
    struct Case: Sendable, CustomTestStringConvertible {
        let program: String
        let words: [String]
        /// Operands and options that must be given, in order: an operand's name, or an option and its value's name.
        let needed: [[String]]
        /// Options that take a path.
        let paths: [String]

        var testDescription: String { ([program] + words).joined(separator: " ") }
    }

    private static let pathNames: Set<String> = [
        "FILE", "FILE.json", "FILE.pem", "PATH", "DIR", "BASE", "ADAPTER", "RUN", "CORPUS", "ATTESTATION", "RECORD",
        "MANIFEST", "IN",
    ]

    static let cases: [Case] = ["polymath", "polymath-verify", "polymath-pipeline"].flatMap { program -> [Case] in
        let shell = Program()
        guard let overview = try? shell.run(["help"], of: program).output else { return [] }
        let lines = overview.split(separator: "\n").drop { $0 != "COMMANDS" }.dropFirst()
            .prefix { $0.hasPrefix("  ") && !$0.contains(program) }
        return lines.compactMap { line -> Case? in
            let words = line.dropFirst(2).components(separatedBy: "  ")[0].split(separator: " ").map(String.init)
            guard let help = try? shell.run(["help"] + words, of: program).output else { return nil }
            return Case(program: program, words: words, help: help)
        }
    }

    @Test func `the help of every command was understood`() {
        #expect(Self.cases.count >= 48, "\(Self.cases)")
        #expect(Self.cases.flatMap(\.paths).count >= 90)
        #expect(Self.cases.contains { $0.words == ["train"] && $0.paths.contains("--sensors") })
        #expect(Self.cases.contains { $0.words == ["audit", "verify"] && $0.needed == [["RUN"]] })
    }

    @Test(arguments: cases)
    func `a pipe or a device in place of any path is refused at once`(command: Case) throws {
        let program = Program()
        let pipe = program.folder.path("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        // One of its own, as a command that goes wrong may replace it; making one needs root.
        let endless = program.folder.path("zero")
        let device = mknod(endless, S_IFCHR | 0o600, 1 << 8 | 5) == 0 ? [endless] : []
        let good = try GoodPaths(program)
        for target in command.needed.filter({ Self.isPath($0.last) }).map({ $0[0] }) + command.paths {
            for special in [pipe] + device {
                var words = command.words
                for argument in command.needed {
                    if argument.count > 1 { words.append(argument[0]) }
                    words.append(argument[0] == target ? special : good.value(argument))
                }
                if target.hasPrefix("--"), !command.needed.contains(where: { $0[0] == target }) {
                    words += [target, special]
                }
                words += good.more(command.words, beside: target)
                let outcome = try program.run(
                    words, of: command.program, under: ["/usr/bin/timeout", "--kill-after=1", "40"])
                let line = "\(words.joined(separator: " ")): \(outcome.status), \(outcome.error)\(outcome.output)"
                // 124: it waited.
                #expect(outcome.status < 124, "\(line)")
                // Not opened: what says by being there that somebody is present, and a home or a catalogue that is not
                // asked, since the base is a path.
                if outcome.status == 0 { #expect(["--presence", "--home", "--catalog"].contains(target), "\(line)") }
                if !outcome.error.isEmpty, outcome.status != 0 {
                    let message = outcome.error.split(separator: "\n").last.map(String.init) ?? ""
                    #expect(message.hasPrefix("\(command.program): ") && message.hasSuffix("."), "\(line)")
                    #expect(!message.contains("Domain="), "\(line)")
                }
                for path in [pipe] + device { #expect(Self.isSpecial(path), "\(path) has gone: \(line)") }
            }
        }
    }

    @Test func `a pipe among the files of a folder of sensors is passed over`() throws {
        let program = Program()
        let folder = program.folder.path("root/proc/pressure")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try #require(mkfifo(folder + "/memory", 0o600) == 0)
        let outcome = try program.run(
            ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run") + ["--sensors", "root"],
            under: ["/usr/bin/timeout", "--kill-after=1", "40"])
        #expect(outcome.status == 0, "\(outcome.output)")
    }

    private static func isSpecial(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && [S_IFIFO, S_IFCHR].contains(status.st_mode & S_IFMT)
    }

    fileprivate static func isPath(_ name: String?) -> Bool {
        name.map { pathNames.contains($0.replacingOccurrences(of: "…", with: "")) } ?? false
    }
}

extension SpecialFileTests.Case {
    /// Reads a help text: the line of USAGE for what must be given, the options for what may be.
    init?(program: String, words: [String], help: String) {
        let lines = help.split(separator: "\n").map(String.init)
        guard let usage = lines.firstIndex(of: "USAGE"), usage + 1 < lines.count else { return nil }
        var needed: [[String]] = []
        var rest = lines[usage + 1].split(separator: " ").map(String.init).dropFirst(1 + words.count)
        while let word = rest.popFirst(), word != "[options]" {
            if word.hasPrefix("[") {
                // Operands that may be left out are given too.
                needed.append([word.trimmingCharacters(in: ["[", "]"])])
            } else if word.hasPrefix("--"), let value = rest.popFirst() {
                needed.append([word, value])
            } else {
                needed.append([word])
            }
        }
        let paths = lines.compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard line.hasPrefix("  --"), fields.count > 1, SpecialFileTests.isPath(String(fields[1])) else {
                return nil
            }
            let flag = String(fields[0])
            return needed.contains { $0[0] == flag } ? nil : flag
        }
        self.init(program: program, words: words, needed: needed, paths: paths)
    }
}

/// Values that let a command get as far as the path that is tried.
private struct GoodPaths {
    private let program: Program
    private static let base = Repository.reference("qwen2-tied-f32.gguf")

    init(_ program: Program) throws {
        self.program = program
        let outcome = try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run"))
        try #require(outcome.status == 0, "\(outcome.output)")
        _ = try program.write("roster", "SHA256:" + String(repeating: "0", count: 64) + "\n")
        _ = try program.write("text.txt", String(repeating: "The tide was out. ", count: 40))
    }

    /// - Parameter argument: an operand's name, or an option and its value's name.
    func value(_ argument: [String]) -> String {
        let run = program.folder.path("run")
        switch (argument[0], argument[argument.count - 1].replacingOccurrences(of: "…", with: "")) {
        case ("--out", _): return "new-\(UInt32.random(in: 0 ... .max))"
        case ("--roster", _): return "roster"
        case (_, "BASE"): return Self.base
        case ("--adapter", _), (_, "ADAPTER"), (_, "IN"): return run + "/adapter.gguf"
        case (_, "RUN"): return run
        case (_, "CORPUS"), ("--data", _): return "text.txt"
        case (_, "ATTESTATION"): return run + "/attestation.dsse.json"
        case (_, "NAME"): return "qwen-1.5b-q4"
        case ("--round", _), ("--model-id", _), (_, "N"): return "7"
        case (_, let name) where name.hasPrefix("URL"): return "https://example.org/base.gguf"
        case ("--layers", _): return "0..0"
        case ("--listen", _): return "127.0.0.1:0"
        case (_, let name) where name.contains("|"): return String(name.prefix { $0 != "|" })
        case (_, "FILE"), (_, "MANIFEST"), (_, "RECORD"): return "text.txt"
        default: return "x"
        }
    }

    /// What else a command needs to come to the path.
    func more(_ command: [String], beside target: String) -> [String] {
        switch command {
        case ["train"]:
            var words = target == "--resume" ? [] : ["--steps", "1", "--seq-len", "8"]
            if !["--base", "--resume", "--config"].contains(target) { words += ["--base", Self.base] }
            if !["--corpus", "--tokens", "--resume", "--config"].contains(target) {
                words += ["--tokens", Repository.reference("tokens.json")]
            }
            return words
        case ["eval"], ["bench", "gradients"]:
            return
                (["--corpus", "--tokens"].contains(target) ? [] : ["--tokens", Repository.reference("tokens.json")])
                + ["--seq-len", "8"]
        case ["audit", "replay"]:
            return
                (["--corpus", "--tokens"].contains(target) ? [] : ["--tokens", Repository.reference("tokens.json")])
        case ["generate"]: return ["--max-tokens", "1"]
        case ["base", "synth"]: return ["--layers", "1"]
        default: return []
        }
    }
}
