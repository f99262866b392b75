import Digest
import Testing

struct CounterRandomTests {
    @Test func `the same key gives the same numbers, and a jump lands among them`() {
        var first = CounterRandom(seed: 7, purpose: "shuffle", step: 3)
        let numbers = (0..<100).map { _ in first.nextUInt64() }
        var second = CounterRandom(seed: 7, purpose: "shuffle", step: 3)
        second.counter = 60
        #expect(second.nextUInt64() == numbers[60])
        #expect(Set(numbers).count == 100)
    }

    @Test func `the stream never changes between versions`() {
        var random = CounterRandom(seed: 1, purpose: "fixed", step: 2)
        #expect(Hex.encode(random.nextUInt64().bytes) == "f08095cdbe06b2ae")
        #expect(Hex.encode(random.nextUInt64().bytes) == "b9170b248533a90b")
    }

    @Test func `another seed, purpose or step gives other numbers`() {
        let keys: [(UInt64, String, UInt64)] = [(1, "a", 1), (2, "a", 1), (1, "b", 1), (1, "a", 2)]
        let draws = keys.map { seed, purpose, step in
            var random = CounterRandom(seed: seed, purpose: purpose, step: step)
            return random.nextUInt64()
        }
        #expect(Set(draws).count == keys.count)
    }

    @Test func `doubles fill the unit interval evenly`() {
        var random = CounterRandom(seed: 5, purpose: "uniform")
        var bins = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 {
            let value = random.nextDouble()
            #expect(value >= 0 && value < 1)
            bins[Int(value * 10)] += 1
        }
        // Ten thousand expected with a standard deviation of 95: five of them to either side.
        for bin in bins { #expect((9_525...10_475).contains(bin)) }
    }

    @Test func `a shuffle keeps every element and moves them`() {
        var random = CounterRandom(seed: 9, purpose: "shuffle")
        var elements = Array(0..<200)
        random.shuffle(&elements)
        #expect(elements != Array(0..<200))
        #expect(elements.sorted() == Array(0..<200))
        for _ in 0..<1_000 { #expect((0..<3).contains(random.nextInt(below: 3))) }
        #expect(random.nextInt(below: 1) == 0)
    }
}

extension UInt64 {
    fileprivate var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) } }
}
