import Foundation
import Testing

@Suite struct HelpTests {
    let program = Program()

    @Test func `the overview names every command and every exit status`() throws {
        let overview = try program.run(["help"])
        #expect(overview.status == 0)
        #expect(overview.error.isEmpty)
        for status in ["  0 ", "  1 ", "  2 ", "  3 ", "  4 ", "  5 ", "  128+n "] {
            #expect(overview.output.contains("\n" + status), "status\(status)is missing")
        }
        #expect(try program.run(["--help"]).output == overview.output)
        #expect(try program.run(["-h"]).output == overview.output)
    }

    @Test func `every command in the overview has its own help with an exit status`() throws {
        let overview = try program.run(["help"]).output
        let commands = try #require(overview.components(separatedBy: "COMMANDS\n").last)
            .components(separatedBy: "\n\n")[0].split(separator: "\n").map { line in
                line.components(separatedBy: "  ").filter { !$0.isEmpty }[0]
            }
        #expect(!commands.isEmpty)
        for command in commands {
            let words = command.split(separator: " ").map(String.init)
            let help = try program.run(["help"] + words)
            #expect(help.status == 0)
            #expect(help.output.contains("EXIT STATUS"), "\(command)")
            #expect(help.output.contains("polymath \(command)"), "\(command)")
            #expect(try program.run(words + ["--help"]).output == help.output)
            #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 120 }, "\(command)")
        }
    }

    @Test func `the help of completion reads as it always did`() throws {
        let help = try program.run(["completion", "--help"])
        #expect(
            help.output == """
                Print a completion script for bash or zsh.

                USAGE
                  polymath completion SHELL

                ARGUMENTS
                  SHELL  bash or zsh

                OPTIONS
                  --help  Show this help

                EXAMPLES
                  source <(polymath completion bash)    # in ~/.bashrc
                  source <(polymath completion zsh)     # in ~/.zshrc

                EXIT STATUS
                  0      done
                  1      unreadable or malformed input, or anything else
                  2      options, or a path that does not exist
                  5      not enough memory or disk
                  128+n  stopped by signal n

                """)
    }

    @Test func `the version is one line`() throws {
        let version = try program.run(["--version"])
        #expect(version.status == 0)
        #expect(version.output.hasPrefix("polymath "))
        #expect(version.output.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["bash", "zsh"]) func `a completion script names the commands`(shell: String) throws {
        let script = try program.run(["completion", shell])
        #expect(script.status == 0)
        #expect(script.output.contains("completion help"))
        #expect(script.output.contains("complete -o default -F _polymath polymath"))
    }
}
