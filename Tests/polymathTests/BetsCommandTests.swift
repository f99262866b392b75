import Foundation
import TestSupport
import Testing

@Suite struct BetsCommandTests {
    @Test func `the bets of the repository are listed by number`() throws {
        let program = Program(home: Repository.root)
        let list = try program.run(["bets", "list", "--json"])
        #expect(list.status == 0)
        let numbers = list.objects.compactMap { $0["number"] as? Int }
        #expect(numbers == numbers.sorted() && numbers.contains(1))
        #expect(try program.run(["bets", "list"]).output.contains("One's own adapter helps oneself most"))
    }

    @Test func `what cannot be run is refused in one sentence`() throws {
        let program = Program(home: Repository.root)
        for (words, sentence) in [
            (["run"], "Give the number of a bet, or --all."),
            (["run", "1", "--all"], "Give the number of a bet or --all, not both."),
            (["run", "first"], "A bet has a number, which first is not."),
            (["run", "99"], "There is no bet 99; there are 1"),
            (["run", "1", "--home", "nowhere"], "There are no bets in nowhere/Bets"),
        ] {
            let outcome = try program.run(["bets"] + words)
            #expect(outcome.status == 2, "\(words)")
            #expect(outcome.error.hasPrefix("polymath: " + sentence), "\(outcome.error)")
        }
    }

    @Test func `a full run wants claim and code committed as they stand`() throws {
        let program = Program()
        try FileManager.default.createDirectory(
            atPath: program.folder.path("home/Bets"), withIntermediateDirectories: true)
        let bet = Repository.root + "/Bets/01-own-adapter.json"
        _ = try program.write("home/Bets/01-own-adapter.json", try String(contentsOfFile: bet, encoding: .utf8))
        let home = program.folder.path("home")
        let outside = try program.run(["bets", "run", "1", "--home", home])
        #expect(outside.status == 1)
        #expect(outside.error.contains("is no git checkout"))
        try git(["init", "-q"], home)
        let new = try program.run(["bets", "run", "1", "--home", home])
        #expect(new.status == 1)
        try git(["add", "-A"], home)
        try git(["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "A claim"], home)
        // Committed, it goes on to what it needs, which is not here.
        let committed = try program.run(["bets", "run", "1", "--home", home])
        #expect(!committed.error.contains("committed"), "\(committed.error)")
        let text = try String(contentsOfFile: home + "/Bets/01-own-adapter.json", encoding: .utf8)
        _ = try program.write(
            "home/Bets/01-own-adapter.json", text.replacingOccurrences(of: ">= 0.1\"", with: ">= 0.01\""))
        let edited = try program.run(["bets", "run", "1", "--home", home])
        #expect(edited.status == 1)
        #expect(edited.error.contains("01-own-adapter.json is not committed as it stands"), "\(edited.error)")
    }

    private func git(_ words: [String], _ folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-C", folder] + words
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "git \(words)")
    }
}
