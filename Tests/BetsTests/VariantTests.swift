import Bets
import GGUF
import Model
import PolymathKit
import TensorCore
import TestSupport
import Testing

/// What bets hold norm gains against: payloads as they are counted, rounding, and the search for a rate.
@Suite struct VariantTests {
    static func bench(scratch: String = "") -> Workbench {
        let home = Home.locate(option: Repository.root, environment: [:], currentFolder: Repository.root)
        return Workbench(home: home, isQuick: true, threads: 2, scratch: scratch) { _ in }
    }

    @Test func `rates go by 1 and 3`() {
        #expect((-7...3).map(RateLadder.rate) == [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30])
    }

    @Test func `eight-bit values lose at most half a step of their block's scale, and zeros nothing`() throws {
        var random = SeededGenerator(seed: 1)
        let values = (0..<70).map { $0 < 32 ? 0 : random.normal() }
        let rounded = try EightBitValues.rounded(values)
        #expect(rounded.count == 70 && rounded.prefix(32).allSatisfy { $0 == 0 })
        #expect(rounded != values)
        for (a, b) in zip(values, rounded) { #expect(abs(a - b) <= 4.0 / 127 * 0.51) }
        #expect([1, 32, 33, 1_280].map(EightBitValues.byteCount) == [34, 34, 68, 1_360])
    }

    @Test func `payloads are counted as they would be shipped`() throws {
        let base = try Self.bench().base()
        func installed(_ contestant: Contestant) throws -> Installed {
            let decoder = try Decoder(base.gguf, workers: Workers(count: 1))
            return try Installed(contestant, in: decoder, seed: 0, tokensPerStep: 0)
        }
        let shape = try base.decoder().configuration
        let norms = try installed(.normGains(shape))
        #expect(norms.byteCount == 1_360 && norms.lowestLayer == 0)
        // 6 layers, rank 4: A of q and v 256 wide, B of 256 and 128.
        let lora = try installed(.lora(rank: 4, shape))
        #expect(lora.byteCount == 6 * 4 * (256 + 256 + 256 + 128) * 4 && lora.parameters.count == 24)
        let thin = try installed(.thinLora(["5.q", "5.v", "0.v"]))
        #expect(thin.byteCount == 1_360 && thin.lowestLayer == 0)
        #expect(try installed(.thinLora(["2.output"])).byteCount == 544)
        let words = try installed(
            Contestant(name: "words", parts: [.tokenBias((0..<448).map { Int32($0) * 3 }, scale: 1)]))
        #expect(words.byteCount == 448 * 3 + 14 * 2 && words.lowestLayer == 6)
        for race in ["skerry-diary"].map({ LoraContest.thinRace($0, shape, isQuick: false) }) {
            for contestant in race.candidates {
                #expect(try installed(contestant).byteCount <= LoraContest.byteLimit(shape), "\(contestant.name)")
            }
        }
    }

    @Test func `what a seed draws for LoRA is another for every seed and matrix, and within PEFT's bound`() throws {
        let base = try Self.bench().base()
        func first(_ seed: UInt64) throws -> [[Float]] {
            let decoder = try Decoder(base.gguf, workers: Workers(count: 1))
            return try Installed(.thinLora(["0.q", "1.q"]), in: decoder, seed: seed, tokensPerStep: 0)
                .parameters.map(\.value.values)
        }
        let (one, two) = (try first(1), try first(2))
        #expect(Set([one[0], one[2], two[0], two[2]]).count == 4)
        #expect(try first(1) == one)
        #expect(one[1].allSatisfy { $0 == 0 } && one[3].allSatisfy { $0 == 0 })
        let largest = one[0].map(abs).max() ?? 0
        #expect(largest <= 1.0 / 16 && largest > 0.9 / 16)
    }

    // The contestant called "norm gains" must be what `train` makes, or nothing is compared with it. Bets 1 and 8 trained
    // the same in both ways, over three epochs. Adapters divide by a block's scale in Double and GGML's blocks in Float,
    // so that a value near a half may go the other way: seen, 6e-9 nats. Another training would be 1e-4 off.
    @Test func `norm gains as a contestant measure what an adapter of train measures`() throws {
        let folder = Repository.root + "/Documentation/Results/bets/"
        let trained = try #require(BetResult.read(path: folder + "01-own-adapter.json").measured.tables.first)
        let contestant = try #require(BetResult.read(path: folder + "08-noise.json").measured.tables.first)
        for (index, person) in Workbench.people.enumerated() {
            let own = try #require(trained.rows.first { $0.first == .text(person) })
            let quiet = try #require(contestant.rows.first { $0.prefix(2) == [.text(person), "0.0"] })
            guard case .number(let one, _) = own[index + 1], case .number(let other, _) = quiet[2] else {
                Issue.record("no figures for \(person)")
                continue
            }
            #expect(abs(one - other) < 1e-6, "\(person)")
        }
    }

    @Test(arguments: [(-3, -3), (-8, -8), (2, 2), (40, 3)])
    func `a search for a rate goes on until the best has neighbours, or gives up`(best: Int, end: Int) throws {
        let trials = try Trials(Self.bench(), people: [])
        let contestant = Contestant.normGains(trials.shape)
        var race = Race("nobody", [contestant], middle: -3)
        var rounds = 0
        while true {
            let pending = race.pending(isQuick: false)
            if pending.isEmpty { break }
            rounds += 1
            try #require(rounds <= Race.mostRungs, "a search without an end")
            race.take(
                pending.map {
                    (rung: $0.rung, result: Self.result($0.contestant, $0.rung, Double(abs($0.rung - best))))
                })
        }
        #expect(race.best?.trial.rate == RateLadder.rate(end))
        #expect(race.isAtEdge == (best != end))
        #expect(race.tried.count <= Race.mostRungs && rounds <= Race.mostRungs - 2)
    }

    @Test func `of several candidates the best at the middle rung goes on`() throws {
        let trials = try Trials(Self.bench(), people: [])
        var race = Race("nobody", [.normGains(trials.shape), .lora(rank: 4, trials.shape)], middle: -3)
        let first = race.pending(isQuick: true)
        #expect(first.map(\.rung) == [-3, -3])
        race.take([
            (rung: -3, result: Self.result(first[0].contestant, -3, 2)),
            (rung: -3, result: Self.result(first[1].contestant, -3, 1)),
        ])
        let second = race.pending(isQuick: true)
        #expect(second.map(\.rung) == [-4, -2])
        #expect(second.allSatisfy { $0.contestant == first[1].contestant })
        race.take(second.map { (rung: $0.rung, result: Self.result($0.contestant, $0.rung, 0.5)) })
        #expect(race.pending(isQuick: true).isEmpty)
        #expect(race.best?.trial.rate == RateLadder.rate(-4))
    }

    @Test func `own words are those that a text says more or less often than the base expects`() throws {
        let base = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        // Token 5 twelve times, tokens 20 to 27 once each; the base, random, expects nothing in particular.
        let tokens = [0] + Array(repeating: Int32(5), count: 12) + (20..<28)
        let window = TokenWindow(
            inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()),
            counted: (1..<tokens.count).map { $0 != 20 })
        let words = try OwnWords([window], base: Decoder(base, workers: Workers(count: 1)))
        #expect(words.mostFrequent(1) == [5])
        #expect(words.mostFrequent(8) == [5, 20, 21, 22, 23, 24, 25, 26], "27 is not counted")
        let gained = words.mostGained(20)
        #expect(gained.contains(5) && gained == gained.sorted() && Set(gained).count == 20)
        #expect(words.mostGained(1) == [5])
    }

    private static func result(_ contestant: Contestant, _ rung: Int, _ validation: Double) -> TrialResult {
        TrialResult(
            trial: Trial(contestant: contestant, person: "nobody", rate: RateLadder.rate(rung)),
            validation: validation, steps: 1, bestStep: 1, byteCount: 0, shipped: [])
    }
}
