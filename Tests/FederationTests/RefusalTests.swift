import Adapter
import Digest
import Federation
import Foundation
import TestSupport
import Testing

/// Every reason for which a file does not count, each by a file that has nothing else wrong with it.
@Suite struct RefusalTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func reasons(_ inputs: [String], previous: [AggregationRecord] = []) throws -> [Refusal.Reason] {
        let review = try fixture.aggregation(people: 0..<8, round: "now", previous: previous).review(inputs)
        for refused in review.refused {
            let sentence = refused.refusal.sentence
            #expect(sentence.last == "." && !sentence.contains(fixture.folder.path), "\(sentence)")
        }
        return review.refused.map(\.refusal.reason)
    }

    @Test func `what breaks a rule of the wire format is refused by that rule`() throws {
        let good = try Fixture.adapter(of: 1, encoding: .f32)
        #expect(try reasons([fixture.write(good, "good.gguf")]).isEmpty)
        var notANumber = good
        notANumber.replaceSubrange(notANumber.count - 4..<notANumber.count, with: [0, 0, 0xC0, 0x7F])
        let cases: [(Refusal.Reason, [UInt8])] = [
            (.form, try Fixture.signed(notANumber, by: 1)),
            (.form, []),
            (.form, Array("GGUF and nothing more".utf8)),
            (.form, good + [0]),
            (.signature, Array(good.dropLast(4)) + [1, 2, 3, 4].map { UInt8($0) }),
            (.signature, try Fixture.signed(good, by: 2)),
            (.roster, try Fixture.adapter(of: 60)),
            (.scope, try Fixture.adapter(of: 1, .tail)),
            (.scope, try Fixture.adapter(of: 1, .allNorms)),
            (.base, try Fixture.adapter(of: 1, root: SHA256Digest.of([]))),
            (.magnitude, try Fixture.adapter(of: 1, encoding: .f32, deltas: Fixture.deltas(seed: 1, amplitude: 200))),
            (.size, [UInt8](repeating: 0, count: NormAdapter.byteLimit + 1)),
        ]
        for (index, (reason, bytes)) in cases.enumerated() {
            #expect(try reasons([fixture.write(bytes, "\(index).gguf")]) == [reason], "\(index)")
        }
    }

    @Test func `what is no readable file is refused without a content id`() throws {
        let folder = fixture.folder.path("inbox")
        try FileManager.default.createDirectory(atPath: folder + "/a.gguf", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/b.gguf", withDestinationPath: folder + "/nowhere")
        mkfifo(folder + "/c.gguf", 0o600)
        try fixture.write([1, 2, 3], "inbox/remarks.txt")
        try fixture.write([1, 2, 3], "inbox/.half.gguf")
        let review = try fixture.aggregation(people: 0..<5).review([folder])
        #expect(review.refused.map(\.refusal.reason) == [.unreadable, .unreadable, .unreadable])
        #expect(review.refused.allSatisfy { $0.refusal.contentID == nil && $0.refusal.signer == nil })
    }

    @Test func `a link is refused as one, and nothing of what it leads to is told`() throws {
        let good = try fixture.write(Fixture.adapter(of: 1), "elsewhere/good.gguf")
        let secret = try fixture.write(Array("PIN 4711".utf8), "elsewhere/secret.txt")
        for (name, target) in [("a.gguf", good), ("b.gguf", secret), ("c.gguf", "/proc/self/environ")] {
            let place = fixture.folder.path("inbox")
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: place + "/" + name, withDestinationPath: target)
        }
        // Named one by one, as a shell does for a star, they are no more than in their folder.
        for inputs in [
            [fixture.folder.path("inbox")], ["a", "b", "c"].map { fixture.folder.path("inbox/\($0).gguf") },
        ] {
            let review = try fixture.aggregation(people: 0..<5).review(inputs)
            #expect(review.acceptedCount == 0 && review.refused.count == 3)
            for refused in review.refused {
                #expect(refused.refusal.reason == .unreadable && refused.refusal.contentID == nil)
                #expect(refused.refusal.sentence == "It is a symbolic link, and none is followed.")
            }
        }
        // A link to a folder, too, is one where its name alone is given.
        let link = fixture.folder.path("link")
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: fixture.folder.path("elsewhere"))
        #expect(try reasons([link]) == [.unreadable])
        #expect(try fixture.aggregation(people: 0..<5).review([link + "/"]).acceptedCount == 1)
    }

    @Test func `a file counts once, whatever it is called`() throws {
        let first = try fixture.write(Fixture.adapter(of: 1), "inbox/a.gguf")
        try fixture.write(Fixture.adapter(of: 2), "inbox/b.gguf")
        let inbox = fixture.folder.path("inbox")
        try FileManager.default.linkItem(atPath: first, toPath: inbox + "/z.gguf")
        let other = fixture.folder.path("other")
        try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: inbox)
        try FileManager.default.createSymbolicLink(
            atPath: inbox + "/link.gguf", withDestinationPath: "/nowhere")
        let spellings = [
            inbox, inbox + "/", inbox + "/.", fixture.folder.path("./inbox"), inbox + "/../inbox", other + "/",
            first, other + "/a.gguf", inbox + "/z.gguf", inbox + "//b.gguf",
        ]
        let review = try fixture.aggregation(people: 0..<5).review(spellings)
        #expect(review.acceptedCount == 2)
        #expect(review.refused.map(\.refusal.reason) == [.unreadable])
        // Equal bytes in two files are still a copy, and told.
        try fixture.write(Fixture.adapter(of: 2), "inbox/c.gguf")
        #expect(try reasons(spellings) == [.copy, .unreadable])
    }

    @Test func `of a signer's adapters the one with the lowest content id counts, in any order`() throws {
        let three = try (0..<3).map { try Fixture.adapter(of: 1, deltas: Fixture.deltas(seed: 100 + $0)) }
        let names = ["a.gguf", "b.gguf", "c.gguf"]
        let lowest = try #require(three.map { SHA256Digest.of($0).hex }.min())
        for turn in 0..<3 {
            let inbox = "inbox\(turn)"
            for (index, name) in names.enumerated() {
                try fixture.write(three[(index + turn) % 3], inbox + "/" + name)
            }
            let review = try fixture.aggregation(people: 0..<5).review([fixture.folder.path(inbox)])
            #expect(review.acceptedIDs.map(\.hex) == [lowest])
            #expect(review.refused.map(\.refusal.reason) == [.second, .second])
        }
    }

    @Test func `the same bytes count once`() throws {
        let inbox = try fixture.inbox(0..<5)
        try fixture.write(Fixture.adapter(of: 3), "inbox/again.gguf")
        let review = try fixture.aggregation(people: 0..<5).review([inbox, inbox + "/3.gguf", inbox])
        #expect(review.acceptedCount == 5)
        #expect(review.refused.map(\.refusal.reason) == [.copy])
    }

    @Test func `an adapter of an earlier round is refused, and gets no other one of its signer refused`() throws {
        let earlier = try fixture.run(fixture.aggregation(people: 0..<5), [fixture.inbox(0..<5)])
        let inbox = try fixture.inbox(0..<5, "next")
        #expect(try reasons([inbox], previous: [earlier.record]) == Array(repeating: .replay, count: 5))
        for person in 0..<5 {
            try fixture.write(
                Fixture.adapter(of: person, deltas: Fixture.deltas(seed: 40 + person)), "next/n\(person).gguf")
        }
        let aggregation = try fixture.aggregation(people: 0..<5, round: "2", previous: [earlier.record])
        let later = try fixture.run(aggregation, [inbox])
        #expect(later.record.accepted.count == 5)
        #expect(later.record.refused.map(\.reason) == Array(repeating: .replay, count: 5))
        #expect(later.record.previous == [earlier.record.digest])
        // What was refused earlier was seen earlier, too.
        #expect(throws: FederationError.roundRecorded(round: "1")) {
            try fixture.aggregation(people: 0..<5, previous: [earlier.record])
        }
    }
}
