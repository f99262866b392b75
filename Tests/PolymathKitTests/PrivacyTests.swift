import Corpus
import Digest
import Foundation
import PolymathKit
import TestSupport
import Testing

@Suite struct `A membership attack` {
    @Test func `tells apart what differs, and nothing where nothing does`() {
        let apart = MembershipAttack(members: [2, 3, 4], others: [-1, 0, 1])
        #expect(apart.areaUnderCurve == 1)
        #expect(apart.truePositiveRate == 1)
        #expect(apart.interval(resamples: 50, seed: 1) == 1...1)
        #expect(MembershipAttack(members: [-1, 0], others: [1, 2]).areaUnderCurve == 0)
        let same = MembershipAttack(members: [0, 0, 0], others: [0, 0])
        #expect(same.areaUnderCurve == 0.5)
        #expect(same.truePositiveRate == 0)
        #expect(same.interval(resamples: 0, seed: 1) == nil)
    }

    @Test(arguments: 0..<20) func `has the area that counting pairs gives`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Few different values, so that many tie.
        let members = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
            Double(Int.random(in: 0...9, using: &generator))
        }
        let others = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
            Double(Int.random(in: -3...7, using: &generator))
        }
        var wins = 0.0
        for member in members {
            for other in others { wins += member > other ? 1 : member == other ? 0.5 : 0 }
        }
        let attack = MembershipAttack(members: members, others: others)
        #expect(abs(attack.areaUnderCurve - wins / Double(members.count * others.count)) < 1e-12)
        let interval = attack.interval(resamples: 200, seed: seed)
        #expect(interval == attack.interval(resamples: 200, seed: seed))
        #expect(interval.map { $0.lowerBound >= 0 && $0.upperBound <= 1 } == true)
    }

    @Test func `has an interval that narrows with more windows and holds the area`() throws {
        func width(_ count: Int) throws -> Double {
            let members = (0..<count).map { Double($0 % 10) + 2 }
            let attack = MembershipAttack(members: members, others: (0..<count).map { Double($0 % 10) })
            let interval = try #require(attack.interval(resamples: 500, seed: 3))
            #expect(interval.contains(attack.areaUnderCurve))
            return interval.upperBound - interval.lowerBound
        }
        #expect(try width(1000) < width(40) / 3)
    }

    @Test func `allows one false alarm in a hundred and no more`() {
        // 200 others from 1 to 200: two of them may be above, so the threshold is 198.
        let attack = MembershipAttack(members: [150, 198, 199, 250], others: (1...200).map(Double.init))
        #expect(attack.falsePositives == 2)
        #expect(attack.truePositiveRate == 0.5)
        let few = MembershipAttack(members: [98, 99, 100], others: (1...99).map(Double.init))
        #expect(few.falsePositives == 0)
        #expect(abs(few.truePositiveRate - 1.0 / 3) < 1e-12)
    }
}

@Suite struct `A canary` {
    let canary = Canary(prefix: "Box ", secret: "a7-Q", suffix: ".", copies: 2)

    @Test func `has alternatives of its form, none twice, drawn from the seed`() {
        #expect(canary.formCount == 26 * 10 * 26)
        let others = canary.alternatives(500, seed: 1, index: 0)
        #expect(others.count == 500 && Set(others).count == 500 && !others.contains("a7-Q"))
        #expect(others.allSatisfy { $0.wholeMatch(of: /[a-z][0-9]-[A-Z]/) != nil })
        #expect(others == canary.alternatives(500, seed: 1, index: 0))
        #expect(others != canary.alternatives(500, seed: 2, index: 0))
        #expect(others != canary.alternatives(500, seed: 1, index: 1))
    }

    @Test func `of a small form has all the others, and a long one does not overflow`() {
        let small = Canary(prefix: "PIN ", secret: "4-2", suffix: "", copies: 1)
        let others = small.alternatives(1000, seed: 1, index: 0)
        #expect(others.count == 99 && Set(others).count == 99 && !others.contains("4-2"))
        let long = Canary(prefix: "p", secret: String(repeating: "7", count: 40), suffix: "", copies: 1)
        #expect(long.formCount == .max)
        #expect(long.alternatives(3, seed: 1, index: 0).count == 3)
    }

    @Test(arguments: [
        ("{", "cannot be used:"), ("{\"canaries\": []}", "\"version\": 1"),
        ("{\"version\": 1, \"canaries\": []}", "1 to 10000 objects"),
        ("{\"version\": 1, \"canaries\": [{\"prefix\": \"x\"}]}", "Canary 1 needs the strings"),
        ("{\"version\": 1, \"canaries\": [{\"prefix\": \"\", \"secret\": \"1\"}]}", "the first not empty"),
        ("{\"version\": 1, \"canaries\": [{\"prefix\": \"x\", \"secret\": \"--\"}]}", "no ASCII letter or digit"),
    ])
    func `is read from a file that says what is wrong with it`(text: String, message: String) throws {
        let folder = TemporaryFolder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("s.json")))
        let error = #expect(throws: CanaryError.self) { try Canary.read(path: folder.path("s.json")) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}

@Suite struct `Planting canaries` {
    let folder = TemporaryFolder()

    private func corpus(_ files: [String: String]) throws -> Corpus {
        try FileManager.default.createDirectory(atPath: folder.path("text"), withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("text/" + name))) }
        return try Corpus.load(path: folder.path("text"))
    }

    @Test func `keeps every document and its order, and repeats each secret as often as it says`() throws {
        let rows = (0..<20).map { "{\"text\": \"page \($0)\"}\n" }
        let source = try corpus([
            "train.jsonl": rows.joined() + "{\"prompt\": \"p\", \"completion\": \"c\"}\n",
            "valid.jsonl": "{\"messages\": [{\"role\": \"assistant\", \"content\": \"m\"}]}\n", "test.jsonl": rows[0],
        ])
        let planting = CanaryPlanting(count: 4, copies: [1, 3], seed: 5)
        let canaries = try planting.write(source, to: folder.path("out"))
        #expect(canaries.map(\.copies) == [1, 3, 1, 3])
        #expect(Set(canaries.map(\.prefix)).count == 4 && Set(canaries.map(\.secret)).count == 4)
        #expect(try Canary.read(path: folder.path("out/secrets.json")) == canaries)
        let planted = try Corpus.load(path: folder.path("out"))
        let sentences = canaries.map { $0.prefix + $0.secret + $0.suffix }
        for (canary, sentence) in zip(canaries, sentences) {
            #expect(try planted.training.all().count { $0.texts == [sentence] } == canary.copies)
        }
        let rest = try planted.training.all().filter { !sentences.contains($0.texts[0]) }
        #expect(try rest.map(\.content) == source.training.all().map(\.content))
        #expect(try planted.validation.all().map(\.content) == source.validation.all().map(\.content))
        #expect(try planted.test.all().map(\.content) == source.test.all().map(\.content))
        _ = try planting.write(source, to: folder.path("again"))
        for name in ["train.jsonl", "secrets.json"] {
            let paths = ["out/", "again/"].map { FileManager.default.contents(atPath: folder.path($0 + name)) }
            #expect(paths[0] != nil && paths[0] == paths[1])
        }
    }

    @Test func `keeps away from the end of a text from which windows for validation are taken`() throws {
        let source = try corpus(["train.jsonl": (0..<10).map { "{\"text\": \"page \($0)\"}\n" }.joined()])
        let canaries = try CanaryPlanting(count: 5, copies: [40], seed: 1).write(source, to: folder.path("out"))
        let training = try Corpus.load(path: folder.path("out")).training.all()
        #expect(training.count == 10 + canaries.count * 40)
        #expect(training.suffix(3).map { $0.texts[0] } == ["page 7", "page 8", "page 9"])
    }
}
