import Adapter
import Digest
import Foundation
import TestSupport
import Testing

/// `polymath federation`, by both programs.
@Suite struct FederationCommandTests {
    let program = Program()
    var sample: SampleAdapter { SampleAdapter(program: program) }

    private func person(_ number: Int) throws -> Identity {
        try Identity.fromSeed([UInt8](repeating: UInt8(number), count: 32))
    }

    /// Adapters of `people`, each with another delta, and a roster of them.
    private func inbox(_ people: ClosedRange<Int>) throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("inbox"), withIntermediateDirectories: true)
        let root = try sample.root()
        for number in people {
            _ = try sample.write(
                "inbox/\(number).gguf", delta: Float(number) * 0.01, root: root, identity: person(number))
        }
        let lines = try people.map { try person($0).publicKey.fingerprint + "  # person \($0)\n" }
        _ = try program.write("roster.txt", lines.joined())
    }

    private func words(_ inputs: [String] = ["inbox"], round: String = "1", out: String = "out.gguf") -> [String] {
        ["federation", "aggregate"] + inputs
            + ["--base", sample.base, "--round", round, "--roster", "roster.txt", "--out", out]
    }

    @Test func `a round is aggregated, verified, checked, and the same by both programs`() throws {
        try inbox(1...5)
        let outcome = try program.run(words() + ["--adapter-encoding", "f32"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("accepted    5 of 5 on the roster"), "\(outcome.output)")
        let adapter = try NormAdapter.read(path: program.folder.path("out.gguf"))
        // The median of 0.01 … 0.05, as eight bits read it back.
        #expect(abs((adapter.deltas.first?.values.first ?? 0) - 0.03) < 1e-4)
        let verified = try program.run(["adapter", "verify", "--base", sample.base, "--adapter", "out.gguf"])
        #expect(verified.status == 0, "\(verified.error)")
        let again = try program.run(
            words(["inbox/5.gguf", "inbox"], out: "again.gguf") + ["--adapter-encoding", "f32", "--threads", "3"],
            of: "polymath-verify")
        #expect(again.status == 0, "\(again.error)")
        #expect(program.bytes("again.gguf") == program.bytes("out.gguf"))
        #expect(program.bytes("again.record.json") == program.bytes("out.record.json"))

        let check = ["federation", "check", "out.record.json", "inbox", "--adapter", "out.gguf", "--base", sample.base]
        for name in ["polymath", "polymath-verify"] {
            let checked = try program.run(check, of: name)
            #expect(checked.status == 0, "\(checked.output)\(checked.error)")
            #expect(checked.output.contains("the 5 accepted adapters give the same deltas."), "\(checked.output)")
        }
        let stranger = try program.run(check + ["--signer", String(repeating: "0", count: 64)])
        #expect(stranger.status == 4)
        #expect(try program.run(Array(check.dropLast(2))).status == 2)
        try FileManager.default.removeItem(atPath: program.folder.path("inbox/2.gguf"))
        let lost = try program.run(check)
        #expect(lost.status == 4 && lost.error.contains("is not among the files at hand"), "\(lost.error)")
    }

    @Test func `who is refused is told with its reason, and too few end the round without a file`() throws {
        try inbox(1...5)
        _ = try sample.write("inbox/stranger.gguf", identity: person(60))
        _ = try program.write("inbox/text.gguf", "no adapter")
        let outcome = try program.run(words() + ["--json"])
        #expect(outcome.status == 0, "\(outcome.output)")
        let refused = outcome.objects.filter { $0["event"] as? String == "refused" }
        #expect(Set(refused.compactMap { $0["reason"] as? String }) == ["roster", "form"])
        let aggregate = try #require(outcome.object("aggregate"))
        #expect(aggregate["accepted"] as? Int == 5 && aggregate["refused"] as? Int == 2)
        #expect(aggregate["refused_by_reason"] as? [String: Int] == ["form": 1, "roster": 1])

        // The same adapters in the next round are replays; with a few new ones the round is too small.
        let next = try program.run(words(round: "2", out: "next.gguf") + ["--previous", "out.record.json", "--json"])
        #expect(next.status == 4)
        #expect(next.errorMessage?.hasPrefix("0 adapters were accepted and 7 refused") == true, "\(next.output)")
        #expect(!program.holds("next.gguf") && !program.holds("next.record.json"))
        let same = try program.run(words(out: "next.gguf") + ["--previous", "."])
        #expect(same.status == 4 && same.error.contains("a round is aggregated once"), "\(same.error)")
    }

    @Test func `what cannot be is refused with a sentence and the right status`() throws {
        try inbox(1...3)
        func refused(_ words: [String], _ status: Int32, _ says: String) throws {
            let outcome = try program.run(words)
            #expect(outcome.status == status && outcome.error.contains(says), "\(words): \(outcome.error)")
            #expect(!program.holds("out.gguf") && !program.holds("out.record.json"))
        }
        try refused(words(), 4, "needs at least 5")
        try refused(words(["nowhere"]), 2, "There is no adapter or folder of adapters at nowhere.")
        try refused(words(round: "../x"), 2, "is no name of a round")
        try refused(words() + ["--trim", "2"], 2, "has no --trim")
        try refused(words() + ["--method", "trimmed-mean", "--trim", "1", "--faults", "2"], 2, "at least --faults")
        try refused(words() + ["--method", "mean"], 2, "must be one of")
        try refused(words() + ["--previous", "nothing"], 2, "There is no record or folder of records at nothing.")
        try refused(words() + ["--previous", "roster.txt"], 4, "is not JSON")
        _ = try program.write("roster.txt", "nobody\n")
        try refused(words(), 1, "Line 1 of the roster")
        _ = try program.write("roster.txt", "# nobody\n")
        try refused(words(), 1, "names nobody")
        #expect(try program.run(["federation", "aggregate", "--base", sample.base]).status == 2)
    }

    @Test func `an earlier record counts only with an operator who is trusted`() throws {
        try inbox(1...5)
        let pem = try person(99).pem
        _ = try program.write("other.pem", pem)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: program.folder.path("other.pem"))
        #expect(try program.run(words(out: "other.gguf") + ["--identity", "other.pem"]).status == 0)
        let more = words(round: "2") + ["--previous", "other.record.json"]
        let unknown = try program.run(more)
        #expect(unknown.status == 4 && unknown.error.contains("is not one you named"), "\(unknown.error)")
        _ = try program.write("operators.txt", try person(99).publicKey.fingerprint)
        let known = try program.run(more + ["--trusted", "operators.txt"])
        #expect(known.status == 4 && known.error.contains("0 adapters were accepted and 5 refused"), "\(known.error)")
    }
}
