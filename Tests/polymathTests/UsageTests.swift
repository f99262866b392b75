import Foundation
import Testing

@Suite struct UsageTests {
    let program = Program()

    @Test(
        arguments: [
            ([], "No command was given; \"polymath help\" lists them."),
            (
                ["completoin"],
                "There is no command \"completoin\" (did you mean completion?); \"polymath help\" lists them."
            ),
            (["completion"], "SHELL is missing."),
            (["completion", "bash", "zsh"], "\"zsh\" is one argument too many."),
            (["completion", "--frobnicate"], "There is no option --frobnicate here."),
            (["completion", "--hlep"], "There is no option --hlep here (did you mean --help?)."),
            (["completion", "fish"], "There is a completion script for bash and for zsh, not for \"fish\"."),
            (["completion", "--", "--help"], "There is a completion script for bash and for zsh, not for \"--help\"."),
            (["help", "nothing"], "There is no command \"nothing\"; \"polymath help\" lists them."),
        ] as [([String], String)])
    func `a command line that cannot be understood exits 2 and says why`(words: [String], message: String) throws {
        let outcome = try program.run(words)
        #expect(outcome.status == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.error == "polymath: \(message)\n")
    }

    @Test func `foreign control characters are escaped in messages`() throws {
        let outcome = try program.run(["\u{1B}[31mred"])
        #expect(outcome.status == 2)
        #expect(!outcome.error.contains("\u{1B}"))
    }

    @Test func `with --json an error is an object on standard output`() throws {
        let outcome = try program.run(["nothing", "--json"])
        #expect(outcome.status == 2)
        #expect(outcome.error.isEmpty)
        let object = try #require(outcome.objects.first)
        #expect(object["event"] as? String == "error")
        #expect(object["exit_code"] as? Int == 2)
        #expect((object["message"] as? String)?.contains("nothing") == true)
    }
}

@Suite struct OutputTests {
    let program = Program()

    @Test func `a full disk behind standard output exits 5`() throws {
        let outcome = try program.run(["help"], outputPath: "/dev/full")
        #expect(outcome.status == 5)
        #expect(outcome.error.contains("no space left"))
    }
}
