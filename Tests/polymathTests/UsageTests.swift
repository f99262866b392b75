import Foundation
import TestSupport
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

    @Test func `an option on the command line rules out what the configuration says beside it`() throws {
        let file = try program.write("plan.json", #"{"epochs": 1, "dry-run": true}"#)
        let base = Repository.checkpoint("nano-q4_k_m.gguf")
        let corpus = Repository.root + "/Corpora/wendle-notes"
        let words = ["train", "--config", file, "--base", base, "--corpus", corpus, "--json"]
        let steps = try program.run(words + ["--steps", "3"])
        #expect(steps.status == 0, "\(steps.output)")
        #expect(steps.objects.last?["steps"] as? Int == 3)
        #expect(try program.run(words).objects.last?["steps"] as? Int == 88)

        _ = try program.write("plan.json", #"{"epochs": 1, "steps": 3}"#)
        #expect(try program.run(words).errorMessage == "The options --steps and --epochs cannot be given together.")
        _ = try program.write("plan.json", #"{"config": "other.json"}"#)
        #expect(try program.run(words).errorMessage?.hasSuffix("it names another configuration.") == true)
    }

    @Test func `a number too large to be one is told its limit`() throws {
        let outcome = try program.run(["train", "--base", "nano", "--steps", "99999999999999999999"])
        #expect(outcome.status == 2)
        #expect(outcome.error.hasSuffix("must be a whole number, 1 or more, and at most 9223372036854775807.\n"))
    }

    @Test func `every message ends as a sentence, whichever room it comes from`() throws {
        for words in [
            ["train", "--base", "nano", "--config", "nowhere"], ["adapter", "inspect", "/dev/null"],
            ["audit", "verify", "."], ["adapter", "inspect", "."],
            ["train", "--base", "nano", "--epochs", "\(Int.max)", "--home", Repository.root],
        ] {
            let outcome = try program.run(words)
            #expect(outcome.status != 0 && outcome.error.hasSuffix(".\n"), "\(outcome.error)")
            #expect(!outcome.error.hasSuffix("..\n") && !outcome.error.contains("a adapter"), "\(outcome.error)")
        }
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
