import Adapter
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

/// Runs that draw a secret seed: who can make them again, and who cannot.
@Suite struct SecretSeedTests {
    let program = Program()
    let tokens = Repository.reference("tokens.json")

    @discardableResult
    private func train(_ out: String = "run", scope: String = "norms", _ options: [String] = []) throws -> String {
        var words = ReferenceRun.words(scope: scope, steps: 3, length: 8, batch: 1, seed: nil, out: out)
        // An option that is given twice is refused.
        if let flag = options.first, let place = words.firstIndex(of: flag) { words.removeSubrange(place...place + 1) }
        words += options
        let outcome = try program.run(words)
        #expect(outcome.status == 0, "\(outcome.output)")
        return words[2]
    }

    /// The run's export in the hands of somebody with a key of their own.
    private func handOver() throws -> Program {
        #expect(try program.run(["audit", "export", "run", "--out", "pack"]).status == 0)
        let other = Program()
        try FileManager.default.copyItem(atPath: program.folder.path("pack"), toPath: other.folder.path("pack"))
        return other
    }

    private func expect(
        _ outcome: Program.Outcome, _ status: Int32, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let said = outcome.output + outcome.error
        #expect(outcome.status == status, "\(said)", sourceLocation: sourceLocation)
        #expect(said.contains(text), "\(said)", sourceLocation: sourceLocation)
    }

    private func recipe(_ run: String) throws -> [String: Any] {
        let bytes = try #require(program.bytes(run + "/run.json"))
        let record = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        return try #require(record["recipe"] as? [String: Any])
    }

    @Test(arguments: ["norms", "boundary"])
    func `the same options give another file each time, and the owner replays each of them`(scope: String) throws {
        for run in ["run", "other"] { try train(run, scope: scope) }
        let name = scope == "boundary" ? "boundary.gguf" : "adapter.gguf"
        let contents = try ["run", "other"].map {
            try LearnedContent.digest(path: program.folder.path("\($0)/\(name)"))
        }
        #expect(contents[0] != contents[1])
        for run in ["run", "other"] {
            expect(try program.run(["audit", "replay", run]), 0, "the same to the last byte")
            let mode = try FileManager.default.attributesOfItem(atPath: program.folder.path(run + "/seed.sealed"))
            #expect((mode[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let recipe = try recipe(run)
            #expect(recipe["seed"] == nil && (recipe["seed_commitment"] as? String)?.count == 64)
        }
        #expect(try recipe("run")["seed_commitment"] as? String != recipe("other")["seed_commitment"] as? String)
    }

    @Test func `a stranger replays with the seed that the owner hands over, and not without`() throws {
        let base = try train()
        try train("other")
        let stranger = try handOver()
        let replay = ["audit", "replay", "pack", "--base", base, "--tokens", tokens]
        expect(try stranger.run(replay), 4, "drew a secret seed, so it can be trained again by its owner")
        for (run, file) in [("run", "right"), ("other", "wrong")] {
            let out = stranger.folder.path(file)
            expect(try program.run(["audit", "secret", run, "--out", out]), 0, "can confirm a guess of its text")
            #expect(try FileManager.default.attributesOfItem(atPath: out)[.posixPermissions] as? NSNumber == 0o600)
        }
        expect(
            try stranger.run(replay + ["--secret", "right"]), 0, "same in every byte but recipe, signer and signature")
        expect(try stranger.run(replay + ["--secret", "wrong"]), 4, "The secret seed in wrong is not the run's")
        _ = try stranger.write("short", "abcd\n")
        expect(
            try stranger.run(replay + ["--secret", "short"]), 1, "short holds no secret seed: that is 64 hexadecimal")
        expect(try stranger.run(replay + ["--secret", "nowhere"]), 2, "There is no secret seed at nowhere.")
        // The 32 bytes themselves do as well, and so does the owner with what was exported.
        let printed = try program.run(["audit", "secret", "run"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        let bytes = try #require(Hex.decode(printed))
        #expect(bytes.count == 32)
        try Data(bytes).write(to: URL(fileURLWithPath: stranger.folder.path("raw")))
        expect(try stranger.run(replay + ["--secret", "raw"]), 0, "replay: same")
        try FileManager.default.copyItem(
            atPath: stranger.folder.path("right"), toPath: program.folder.path("right"))
        expect(
            try program.run(["audit", "replay", "pack", "--base", base, "--tokens", tokens, "--secret", "right"]), 0,
            "the same to the last byte")
        expect(
            try stranger.run(["audit", "secret", "pack"]), 4, "opens with the identity of its signer SHA256:")
    }

    @Test func `a secret that was changed, lost or moved from another run is refused in a sentence`() throws {
        try train()
        try train("other")
        let path = program.folder.path("run/seed.sealed")
        let whole = try #require(program.bytes("run/seed.sealed"))
        #expect(whole.count == 68)
        func refused(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            for words in [["audit", "replay", "run"], ["audit", "secret", "run"]] {
                expect(try program.run(words), 4, text, sourceLocation: sourceLocation)
            }
        }
        for index in [0, 8, 20, 51, 67] {
            var damaged = whole
            damaged[index] ^= 0x10
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            try refused("does not open with the run's identity")
        }
        try Data(whole + [0]).write(to: URL(fileURLWithPath: path))
        try refused("does not open with the run's identity")
        try Data(try #require(program.bytes("other/seed.sealed"))).write(to: URL(fileURLWithPath: path))
        try refused("does not open with the run's identity")
        try FileManager.default.removeItem(atPath: path)
        try refused("The run's secret seed run/seed.sealed is not there")
    }

    @Test func `what is exported holds neither the secret nor a long loss, unless losses are asked for whole`() throws {
        try train("run", ["--validation-fraction", "0.3", "--eval-every", "1"])
        let secret = try program.run(["audit", "secret", "run"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(secret.count == 64)
        let pack = try handOver()
        for name in try FileManager.default.contentsOfDirectory(atPath: pack.folder.path("pack")) {
            let bytes = try #require(pack.bytes("pack/" + name))
            #expect(name != "seed.sealed" && !bytes.isEmpty)
            let raw = try #require(Hex.decode(secret))
            #expect(!String(decoding: bytes, as: UTF8.self).contains(secret), "\(name)")
            #expect(Data(bytes).range(of: Data(raw)) == nil, "\(name)")
        }
        func longLosses(_ folder: String) throws -> [String] {
            let member = #/"(?:[a-z_]*loss[a-z_]*|grad_norm|[a-z_]*perplexity[a-z_]*)":"?(-?[0-9.e-]+)/#
            return try ["audit.jsonl", "events.jsonl"].flatMap { name in
                String(decoding: try #require(program.bytes("\(folder)/\(name)")), as: UTF8.self).matches(of: member)
                    .map { String($0.output.1) }
            }.filter { $0.filter(\.isNumber).count > 4 }
        }
        #expect(try longLosses("pack") == [])
        try train("whole", ["--validation-fraction", "0.3", "--losses", "whole"])
        #expect(try longLosses("whole").count > 10)
        expect(try program.run(["audit", "replay", "whole"]), 0, "replay: same")
        expect(try program.run(["audit", "report", "pack", "--out", "page.html"]), 0, "page.html")
    }

    @Test(arguments: ["norms", "boundary"])
    func `with a public seed the file confirms a guess of the text, with a secret one it does not`(scope: String) throws
    {
        let file = scope == "boundary" ? "boundary.gguf" : "adapter.gguf"
        let words = Array(0..<40)
        func text(_ digit: Int) throws -> String {
            try program.write("text-\(digit).json", "\(words.map { $0 == 17 ? 40 + digit : $0 * 7 % 97 })")
        }
        func make(_ guess: Int, seed: String?, out: String, in program: Program) throws -> SHA256Digest {
            var line = ReferenceRun.words(scope: scope, steps: 4, length: 8, batch: 1, seed: seed, out: out)
            let place = try #require(line.firstIndex(of: "--tokens"))
            line[place + 1] = try text(guess)
            let outcome = try program.run(line)
            #expect(outcome.status == 0, "\(outcome.output)")
            return try LearnedContent.digest(path: program.folder.path(out + "/" + file))
        }
        let guesser = Program()
        for (seed, found) in [("0", [3]), (nil, [])] as [(String?, [Int])] {
            let name = seed ?? "secret"
            let goal = try make(3, seed: seed, out: "mine-\(name)", in: program)
            let confirmed = try (0..<6).filter { guess in
                try make(guess, seed: seed, out: "guess-\(name)-\(guess)", in: guesser) == goal
            }
            #expect(confirmed == found)
        }
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `stopped or killed and gone on with, a run comes to what its replay comes to`(signal: Int32) throws {
        var words = ReferenceRun.words(steps: 24, length: 16, seed: nil, out: "run")
        words += ["--checkpoint-every", "2"]
        let status = try program.run(
            words, watch: { $0.contains("\"event\":\"checkpoint\"") }, signal: signal
        ).status
        #expect(status == 128 + signal)
        let resumed = try program.run(["train", "--resume", "run", "--json"])
        #expect(resumed.status == 0, "\(resumed.output)")
        expect(try program.run(["audit", "verify", "run"]), 0, "run: closed")
        expect(try program.run(["audit", "replay", "run"]), 0, "the same to the last byte")
    }

    @Test func `a run whose secret does not open is not gone on with`() throws {
        var words = ReferenceRun.words(steps: 24, length: 16, seed: nil, out: "run")
        words += ["--checkpoint-every", "2"]
        _ = try program.run(words, watch: { $0.contains("\"event\":\"checkpoint\"") }, signal: SIGTERM)
        var bytes = try #require(program.bytes("run/seed.sealed"))
        bytes[30] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path("run/seed.sealed")))
        expect(try program.run(["train", "--resume", "run"]), 4, "does not open with the run's identity")
    }

    @Test func `the plan says which seed it is and what a public one gives away`() throws {
        func plan(_ seed: String?) throws -> [Program.Outcome] {
            let words = ReferenceRun.words(seed: seed, out: "run").filter { $0 != "--json" } + ["--dry-run"]
            return try [words, words + ["--json"]].map { try program.run($0) }
        }
        for outcome in try plan("7") {
            expect(outcome, 0, "whoever holds what is exported and guesses the text can train on the guess")
        }
        for outcome in try plan(nil) { expect(outcome, 0, "drawn for this run and kept in its folder") }
        #expect(try plan(nil)[1].object("plan")?["seed"] as? String == "secret")
        #expect(try plan("7")[1].object("plan")?["seed"] as? String == "7")
        #expect(!program.holds("run"))
        #expect(try program.run(ReferenceRun.words(out: "run")).status == 0)
        #expect(try recipe("run")["seed"] as? String == "0")
        #expect(!program.holds("run/seed.sealed"))
        expect(try program.run(["audit", "secret", "run"]), 2, "was started with --seed")
    }
}
