import Adapter
import Digest
import Federation
import Foundation
import GGUF
import TestSupport
import Testing

/// A round's arithmetic, against a plain one, and that nothing but the adapters decides it.
@Suite struct AggregationTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// What the accepted adapters hold at each coordinate, as they are read back.
    private func columns(_ people: Range<Int>, _ encoding: DeltaEncoding) throws -> [[Double]] {
        let adapters = try people.map { person in
            try NormAdapter.decode(Fixture.adapter(of: person, encoding: encoding)).deltas.flatMap(\.values)
        }
        return adapters[0].indices.map { place in adapters.map { Double($0[place]) } }
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    @Test(arguments: [5, 6, 9], [DeltaEncoding.q8_0, .f32])
    func `each method is what a plain implementation computes`(count: Int, encoding: DeltaEncoding) throws {
        let people = 0..<count
        let inbox = try fixture.inbox(people, encoding: encoding)
        let columns = try columns(people, encoding)
        func agree(_ aggregate: Aggregate, _ expected: [Double]) {
            let found = aggregate.deltas.flatMap(\.values)
            #expect(found.count == expected.count)
            for (one, other) in zip(found, expected) { #expect(abs(Double(one) - other) <= 1e-8) }
        }
        agree(try fixture.run(fixture.aggregation(people: people), [inbox]), columns.map(median))
        let trimmed = try fixture.run(fixture.aggregation(.trimmedMean, people: people, trim: 2), [inbox])
        agree(
            trimmed,
            columns.map { values in
                let kept = values.sorted().dropFirst(2).dropLast(2)
                return kept.reduce(0, +) / Double(kept.count)
            })
        let norms = people.map { person in columns.reduce(0.0) { $0 + $1[person] * $1[person] }.squareRoot() }
        for clip in [nil, 0.5, 100] as [Double?] {
            let bound = clip ?? median(norms)
            let clipped = try fixture.run(fixture.aggregation(.clippedMean, people: people, clip: clip), [inbox])
            agree(
                clipped,
                columns.map { values in
                    zip(values, norms).reduce(0.0) { $0 + $1.0 * min(1, bound / $1.1) } / Double(count)
                })
            #expect(abs((clipped.record.clipNorm ?? 0) - bound) < 1e-9)
        }
    }

    @Test(arguments: AggregationMethod.allCases)
    func `the same adapters give the same bytes whatever their order, names, threads and blocks`(
        method: AggregationMethod
    ) throws {
        let people = 0..<7
        let inbox = try fixture.inbox(people)
        // Beside it the same files under names that sort the other way round, some of them named one by one.
        for person in people { try fixture.write(Fixture.adapter(of: person), "other/\(90 - person).gguf") }
        let stranger = try Fixture.adapter(of: 50)
        try fixture.write(stranger, "inbox/stranger.gguf")
        try fixture.write(stranger, "elsewhere/a.gguf")
        let first = try fixture.run(fixture.aggregation(method, people: people, encoding: .q8_0), [inbox])
        for (threads, bytes) in [(1, 1), (3, 1_000), (2, 64 << 20)] {
            var aggregation = try fixture.aggregation(method, people: people, encoding: .q8_0, threads: threads)
            aggregation.blockByteCount = bytes
            let inputs = people.reversed().map { fixture.folder.path("other/\(90 - $0).gguf") }
            let again = try fixture.run(aggregation, [fixture.folder.path("elsewhere")] + inputs)
            #expect(again.adapter == first.adapter)
            #expect(again.recordFile == first.recordFile)
        }
        #expect(first.record.refused.map(\.reason) == [.roster])
    }

    @Test func `the aggregate is an ordinary adapter that names its round's recipe`() throws {
        let inbox = try fixture.inbox(0..<5)
        let aggregate = try fixture.run(fixture.aggregation(people: 0..<5, encoding: .q8_0), [inbox])
        let adapter = try NormAdapter.decode(aggregate.adapter)
        try adapter.verify(against: fixture.base, root: Fixture.root)
        #expect(adapter.signer == (try Fixture.person(Fixture.operatorNumber).publicKey))
        #expect(adapter.recipe == aggregate.record.recipe && adapter.contentID == aggregate.record.contentID)
        let other = try fixture.run(fixture.aggregation(people: 0..<5, round: "2", encoding: .q8_0), [inbox])
        #expect(other.deltas == aggregate.deltas)
        #expect(other.record.recipe != aggregate.record.recipe)
    }

    @Test func `one hostile adapter of five moves no coordinate out of the others' range`() throws {
        let gains = AdapterScope.norms.tensorNames(layerCount: Fixture.layers)
        let inbox = try fixture.inbox(0..<4)
        // The largest that passes verification, with signs that alternate.
        let hostile = try gains.map { name in
            let limit = try fixture.base.largestGain(named: name, length: Fixture.width) * 0.99
            return NormDelta(name: name, values: (0..<Fixture.width).map { $0 % 2 == 0 ? limit : -limit })
        }
        try fixture.write(Fixture.adapter(of: 4, deltas: hostile), "inbox/4.gguf")
        let columns = try columns(0..<4, .q8_0)
        for method in [AggregationMethod.median, .trimmedMean] {
            let found = try fixture.run(fixture.aggregation(method, people: 0..<5), [inbox]).deltas.flatMap(\.values)
            for (value, honest) in zip(found, columns) {
                #expect(Double(value) >= (honest.min() ?? 0) && Double(value) <= (honest.max() ?? 0))
            }
        }
        // The plain mean is what a clipped mean with a bound that nothing reaches is; there it shows.
        let mean = try fixture.run(fixture.aggregation(.clippedMean, people: 0..<5, clip: 1e6), [inbox])
        #expect(zip(mean.deltas.flatMap(\.values), columns).contains { Double($0) > $1.max() ?? 0 })
    }

    @Test func `an aggregate at the limit still passes verification in eight bits`() throws {
        let names = AdapterScope.norms.tensorNames(layerCount: Fixture.layers)
        let deltas = try names.map { name in
            let limit = try fixture.base.largestGain(named: name, length: Fixture.width)
            return NormDelta(name: name, values: [Float](repeating: limit, count: Fixture.width))
        }
        for person in 0..<5 {
            try fixture.write(Fixture.adapter(of: person, encoding: .f32, deltas: deltas), "inbox/\(person).gguf")
        }
        let aggregate = try fixture.run(
            fixture.aggregation(people: 0..<5, encoding: .q8_0), [fixture.folder.path("inbox")])
        #expect(aggregate.record.accepted.count == 5)
    }

    @Test func `fewer than 2 f + 3 are not aggregated`() throws {
        let inbox = try fixture.inbox(0..<6)
        #expect(throws: FederationError.tooFew(accepted: 6, needed: 7, faults: 2, refused: 0)) {
            try fixture.run(fixture.aggregation(people: 0..<6, faults: 2), [inbox])
        }
        #expect(throws: FederationError.tooFew(accepted: 4, needed: 5, faults: 1, refused: 2)) {
            try fixture.run(fixture.aggregation(people: 0..<4), [inbox])
        }
        #expect(try fixture.run(fixture.aggregation(people: 0..<5), [inbox]).record.accepted.count == 5)
        #expect(throws: FederationError.tooFew(accepted: 6, needed: 7, faults: 1, refused: 0)) {
            try fixture.run(fixture.aggregation(.trimmedMean, people: 0..<6, trim: 3), [inbox])
        }
    }

    @Test func `a file that changes between the two passes ends the round`() throws {
        let inbox = try fixture.inbox(0..<5)
        let aggregation = try fixture.aggregation(people: 0..<5)
        let review = try aggregation.review([inbox])
        // A whole and validly signed adapter of the same person, of the same length.
        try fixture.write(Fixture.adapter(of: 3, deltas: Fixture.deltas(seed: 99)), "inbox/3.gguf")
        #expect(throws: FederationError.changed(path: inbox + "/3.gguf")) {
            try aggregation.aggregate(review, identity: Fixture.person(Fixture.operatorNumber))
        }
    }

    @Test func `parameters that make no sense are refused`() {
        #expect(throws: FederationError.trim(trim: 1, faults: 2)) {
            try AggregationRules(.trimmedMean, faults: 2, trim: 1)
        }
        #expect(throws: FederationError.unusedParameter(name: "trim", method: "median")) {
            try AggregationRules(.median, trim: 1)
        }
        #expect(throws: FederationError.unusedParameter(name: "clip", method: "trimmed-mean")) {
            try AggregationRules(.trimmedMean, clip: 1)
        }
        for clip in [0, -1, .infinity, .nan] as [Double] {
            #expect(throws: FederationError.parameter(name: "clip", method: "clipped-mean")) {
                try AggregationRules(.clippedMean, clip: clip)
            }
        }
        for name in ["", "a b", "../x", "é", String(repeating: "a", count: 65)] {
            #expect(throws: FederationError.roundName(name)) { try fixture.aggregation(people: 0..<5, round: name) }
        }
    }
}
