internal import Bytes
package import Conventions

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Runs one command line and says how the program should exit.
///
/// - Parameter words: the command line without the program's name.
package func runCommandLine(_ words: [String], of registry: CommandRegistry) -> ExitStatus {
    ignoreWriteSignals()
    // A file that somebody cuts under a map must end a command with a sentence, and not by a signal.
    try? MapFaults.recover()
    // Asked for even when the rest cannot be parsed, since that very error should be JSON then.
    let console = Console(isJSON: words.prefix { $0 != "--" }.contains("--json"), program: registry.program)
    let help = HelpText(registry: registry)
    do {
        if let index = argumentThatIsNoText() {
            throw UsageError.impossible("Argument \(index) of the command line is not UTF-8 text.")
        }
        switch try registry.select(words) {
        case .overview: console.put(line: help.overview)
        case .group(let name): console.put(line: help.group(name))
        case .help(let command): console.put(line: help.command(command.specification))
        case .version: console.put(line: "\(registry.program) \(Version.string)")
        case .command(let command, let rest):
            let parser = ArgumentParser(command.specification)
            var arguments = try parser.read(rest)
            if arguments.takes(.config), let path = arguments.text(.config) {
                try parser.fill(&arguments, from: ConfigurationFile.members(path))
            }
            try parser.complete(&arguments)
            try command.run(arguments, console)
        }
        // Whatever came of it was computed from zeros.
        if let path = MapFaults.cutPath { throw BytesError.cut(path: path) }
    } catch {
        // What became of zeros is no finding: that the file was cut is. A changed seal stays one.
        let isSeal = ExitStatus(for: error) == .sealViolation
        return console.fail(isSeal ? error : MapFaults.cutPath.map { BytesError.cut(path: $0) } ?? error)
    }
    console.endProgress()
    switch console.outputClosing {
    case nil: return .done
    case .readerLeft: return .signal(SIGPIPE)
    case .noSpace:
        console.note("\(registry.program): there is no space left where standard output is written.")
        return .resources
    }
}

/// The first argument whose bytes are not UTF-8; Swift repairs those in silence, so that another text, or another file,
/// would be meant than was given.
private func argumentThatIsNoText() -> Int? {
    (0..<Int(CommandLine.argc)).first { index in
        guard index > 0, let bytes = unsafe CommandLine.unsafeArgv[index] else { return false }
        return unsafe String(validatingCString: bytes) == nil
    }
}
