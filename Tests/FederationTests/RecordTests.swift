import Adapter
import Digest
import Federation
import Foundation
import TestSupport
import Testing

/// The signed record of a round: read back, held against its aggregate, and refused where it was changed.
@Suite struct RecordTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test(arguments: AggregationMethod.allCases) func `a record reads back as it was`(method: AggregationMethod) throws
    {
        let inbox = try fixture.inbox(0..<6)
        try fixture.write(Array("no adapter".utf8), "inbox/x.gguf")
        try FileManager.default.createDirectory(atPath: inbox + "/y.gguf", withIntermediateDirectories: true)
        let aggregate = try fixture.run(fixture.aggregation(method, people: 0..<5), [inbox])
        let record = try AggregationRecord.decode(aggregate.recordFile)
        #expect(record == aggregate.record)
        #expect(record.refused.count == 3 && record.refused.last?.contentID == nil)
        #expect(record.operator == (try Fixture.person(Fixture.operatorNumber).publicKey))
        let text = String(decoding: record.json.canonicalBytes, as: UTF8.self)
        #expect(!text.contains(fixture.folder.path))
    }

    @Test func `a record that was changed, or signed by somebody else, is refused`() throws {
        let aggregate = try fixture.run(fixture.aggregation(people: 0..<5), [fixture.inbox(0..<5)])
        let record = aggregate.record
        func refused(_ json: JSONValue, type: String = AggregationRecord.payloadType, by person: Int = 9_999) throws {
            let envelope = try DSSEEnvelope.sign(
                payloadType: type, payload: json.canonicalBytes, by: Fixture.person(person))
            #expect(throws: FederationError.self) { try AggregationRecord.decode(envelope.encoded) }
        }
        try refused(record.json, by: 1)
        try refused(record.json, type: DSSEEnvelope.inTotoType)
        let backwards = JSONValue.array((record.json["accepted"]?.asArray ?? []).reversed())
        for change in [
            { $0["round"] = "2" }, { $0["accepted"] = [] }, { $0["method"] = "mean" }, { $0["time"] = "now" },
            { $0["clip_norm"] = "1" }, { $0["parameters"] = ["faults": 0] }, { $0["parameters"] = ["faults": 1e9] },
            { $0["accepted"] = backwards },
            { $0["aggregate"]?["recipe"] = .string(SHA256Digest.of([]).hex) }, { $0["version"] = 2 },
        ] as [(inout JSONValue) -> Void] {
            var json = record.json
            change(&json)
            try refused(json)
        }
        // Another spelling of the same values.
        let pretty = try DSSEEnvelope.sign(
            payloadType: AggregationRecord.payloadType, payload: record.json.prettyBytes,
            by: Fixture.person(Fixture.operatorNumber))
        #expect(throws: FederationError.self) { try AggregationRecord.decode(pretty.encoded) }
    }

    @Test(arguments: AggregationMethod.allCases)
    func `anybody with the adapters can make the aggregate again`(method: AggregationMethod) throws {
        let inbox = try fixture.inbox(0..<6)
        let aggregate = try fixture.run(fixture.aggregation(method, people: 0..<5, encoding: .q8_0), [inbox])
        let adapter = try NormAdapter.decode(aggregate.adapter)
        let check = AggregationCheck(aggregate.record)
        func objection(_ adapter: NormAdapter, _ inputs: [String]) throws -> String? {
            try check.repeatedObjection(to: adapter, inputs: inputs, base: fixture.base, root: Fixture.root, threads: 2)
        }
        #expect(check.objection(to: adapter) == nil)
        #expect(try objection(adapter, [inbox]) == nil)
        // An operator who publishes something else than the aggregate, and signs for it.
        let other = try NormAdapter.decode(
            NormAdapter.encode(
                architecture: "qwen2", scope: .norms, layerCount: Fixture.layers, baseRoot: Fixture.root,
                recipe: adapter.recipe, deltas: Fixture.deltas(seed: 77),
                identity: Fixture.person(Fixture.operatorNumber)))
        #expect(check.objection(to: other) != nil)
        #expect(try objection(other, [inbox])?.contains("something else comes out") == true)
        try FileManager.default.removeItem(atPath: inbox + "/2.gguf")
        let lost = SHA256Digest.of(try Fixture.adapter(of: 2))
        #expect(throws: FederationError.missing(contentID: lost)) { try objection(adapter, [inbox]) }
    }
}
