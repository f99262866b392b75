// What comes to a federation's operator besides adapters: rosters, and records of other operators' rounds.

import Adapter
import Digest
import Federation
import Foundation
import GGUF

extension FuzzTarget {
    static let roster = FuzzTarget(
        name: "roster", heapMultiple: 256,
        seeds: { [Array("# people\n\(Samples.identity.publicKey.fingerprint)  # a friend\n".utf8)] }
    ) { bytes in
        do throws(FederationError) {
            let roster = try Roster.parse(bytes, path: "roster.txt")
            guard roster.count > 0, roster.count <= bytes.count / 71 else {
                broken("a roster of more than was written")
            }
        } catch {
            explain(error)
        }
    }

    static let round = FuzzTarget(name: "round", heapMultiple: 512, seeds: { [try Samples.round().encoded] }) { bytes in
        read(bytes)
    }

    /// The record inside, signed anew by the operator that it names.
    static let signedRound = FuzzTarget(
        name: "signed-round", heapMultiple: 1024, seeds: { [try Samples.round().payload] }
    ) { bytes in
        guard
            let envelope = try? DSSEEnvelope.sign(
                payloadType: AggregationRecord.payloadType, payload: bytes, by: Samples.identity)
        else { broken("signing failed") }
        read(envelope.encoded)
    }

    private static func read(_ bytes: [UInt8]) {
        do throws(FederationError) {
            let record = try AggregationRecord.decode(bytes)
            guard record.accepted.count >= record.rules.needed else { broken("a record of too few adapters") }
            guard Set(record.accepted.map(\.contentID)).count == record.accepted.count else {
                broken("a record that counts an adapter twice")
            }
        } catch {
            explain(error)
        }
    }
}

extension Samples {
    /// A round of three signers and two refusals.
    static func round() throws -> DSSEEnvelope {
        let folder = FileManager.default.temporaryDirectory.path + "/polymath-fuzz-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let people = try (1...3).map { try Identity.fromSeed([UInt8](repeating: $0, count: 32)) }
        for (index, person) in people.enumerated() {
            let deltas = AdapterScope.norms.tensorNames(layerCount: layers).map {
                NormDelta(name: $0, values: [Float](repeating: Float(index) * 0.01, count: width))
            }
            let bytes = try NormAdapter.encode(
                architecture: "qwen2", scope: .norms, layerCount: layers, baseRoot: root, recipe: recipe,
                deltas: deltas, identity: person)
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(index).gguf"))
        }
        try Data("no adapter".utf8).write(to: URL(fileURLWithPath: folder + "/text.gguf"))
        try FileManager.default.createDirectory(atPath: folder + "/folder.gguf", withIntermediateDirectories: true)
        let aggregation = try Aggregation(
            base: parsedBase, root: root, roster: Roster(people.map(\.publicKey)), round: "1",
            rules: AggregationRules(.clippedMean, faults: 0))
        let aggregate = try aggregation.aggregate(aggregation.review([folder]), identity: identity)
        return try DSSEEnvelope.decode(aggregate.recordFile)
    }
}
