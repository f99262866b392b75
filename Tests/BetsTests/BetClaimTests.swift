import Bets
import Digest
import Foundation
import PolymathKit
import TestSupport
import Testing

@Suite struct BetClaimTests {
    @Test func `a criterion is a measure, a comparison and a figure`() throws {
        let criterion = try #require(Criterion("margin >= 0.1"))
        #expect(criterion.holds(for: 0.1))
        #expect(!criterion.holds(for: 0.0999))
        #expect(!criterion.holds(for: .nan))
        #expect(try #require(Criterion("wins == 3")).holds(for: 3))
        #expect(try #require(Criterion("loss < 2")).holds(for: 1.9))
        #expect(!(try #require(Criterion("loss > 2")).holds(for: 2)))
        for wrong in ["margin", "margin => 1", "margin >= much", "margin >= nan", "margin >= 1 nat", ""] {
            #expect(Criterion(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `a verdict follows from figures alone`() throws {
        let claim = try claim()
        #expect(try claim.verdict(["gain": 2]) == .strict)
        #expect(try claim.verdict(["gain": 0.5]) == .lenient)
        #expect(try claim.verdict(["gain": 0.1]) == .falsified)
        #expect(try claim.verdict(["gain": -1]) == .catastrophe)
        #expect(throws: BetError.missingMeasure(bet: 3, measure: "gain")) { try claim.verdict(["loss": 1]) }
    }

    @Test(arguments: ["hypothesis", "control", "strict", "lenient", "catastrophic", "measures", "number"])
    func `a claim without a part of it is refused by name`(member: String) throws {
        var json = Self.json
        json[member] = nil
        let error = #expect(throws: BetError.self) { try BetClaim(json, path: "Bets/03-gain.json") }
        #expect("\(try #require(error))".contains("\"\(member)\""))
    }

    @Test func `a criterion of a measure that nobody describes is refused`() throws {
        var json = Self.json
        json["strict"] = ["speed >= 1"]
        #expect(throws: BetError.self) { try BetClaim(json, path: "Bets/03-gain.json") }
        json = Self.json
        json["verdict"] = "strict"
        #expect(throws: BetError.self) { try BetClaim(json, path: "Bets/03-gain.json") }
    }

    @Test func `every bet of the repository can be read and has something that runs it`() throws {
        let claims = try BetClaim.all(home: Repository.root)
        #expect(claims.count == Experiments.all.count)
        for claim in claims {
            #expect(Experiments.all.contains { $0.name == claim.name }, "\(claim.name)")
        }
        #expect(Set(claims.map(\.number)).count == claims.count)
    }

    @Test func `every kept result is of the bet as it is claimed now, and the page is made from them`() throws {
        let claims = try BetClaim.all(home: Repository.root)
        let results = try BetResult.all(home: Repository.root)
        for result in results {
            let claim = try #require(claims.first { $0.number == result.claim.number })
            #expect(claim.digest == result.claim.digest, "bet \(claim.number) was edited after its run")
        }
        guard !results.isEmpty else { return }
        let page = try String(contentsOfFile: Repository.root + "/Documentation/BETS.md", encoding: .utf8)
        #expect(try BetsPage.markdown(results) == page, "make the page again with polymath bets table")
    }

    @Test func `a result whose flags do not follow from its figures is refused`() throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/Documentation/Results/bets", withIntermediateDirectories: true)
        let path = folder.path + "/Documentation/Results/bets/03-gain.json"
        let result = BetResult(
            claim: try claim(), measured: Measured(measures: ["gain": 0.5]), timings: [("training", 1)], seconds: 2,
            command: "polymath bets run 3", began: "2026-11-22T00:00:00Z",
            commit: String(repeating: "a", count: 40), claimCommit: String(repeating: "b", count: 40),
            program: "polymath", machine: "a machine")
        try result.write(home: folder.path)
        #expect(try BetResult.read(path: path).verdict == .lenient)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let forged = text.replacingOccurrences(of: "\"verdict\":\"lenient\"", with: "\"verdict\":\"strict\"")
        #expect(forged != text)
        try forged.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: BetError.self) { try BetResult.read(path: path) }
        try text.replacingOccurrences(of: "\"gain\":0.5", with: "\"gain\":1.5")
            .write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: BetError.self) { try BetResult.read(path: path) }
    }

    @Test func `a retracted result stays on the page and says why`() throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/Documentation/Results/bets", withIntermediateDirectories: true)
        let result = BetResult(
            claim: try claim(), measured: Measured(measures: ["gain": 2]), timings: [], seconds: 2,
            command: "polymath bets run 3", began: "2026-11-22T00:00:00Z",
            commit: String(repeating: "a", count: 40), claimCommit: String(repeating: "b", count: 40),
            program: "polymath", machine: "a machine")
        try result.write(home: folder.path)
        try BetRun.retract(3, reason: "The clock was wrong.", home: Home(root: folder.path))
        let page = try BetsPage.markdown(BetResult.all(home: folder.path))
        #expect(page.contains("retracted (was strict)"))
        #expect(page.contains("The clock was wrong."))
        #expect(throws: BetError.self) { try BetRun.retract(4, reason: "none", home: Home(root: folder.path)) }
    }

    @Test func `a full run outside a checkout is refused before it begins`() throws {
        let folder = TemporaryFolder()
        let run = BetRun(home: Home(root: folder.path), threads: 1)
        let claim = try #require(try BetClaim.all(home: Repository.root).first)
        #expect(throws: BetError.noCommit(folder: folder.path)) { try run.run(claim) { _ in } }
    }

    private func claim() throws -> BetClaim { try BetClaim(Self.json, path: "Bets/03-gain.json") }

    private static let json: JSONValue = [
        "number": 3, "name": "gain", "title": "Gain", "hypothesis": "It gains.", "known": "Nothing.",
        "setup": "As it is.", "control": "None gains.", "measures": ["gain": "nats"], "strict": ["gain >= 1"],
        "lenient": ["gain >= 0.5"], "catastrophic": ["gain < 0"],
    ]
}
