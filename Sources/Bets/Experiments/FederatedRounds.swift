internal import Adapter
internal import Bytes
internal import Corpus
internal import Digest
internal import Federation
internal import Foundation
internal import GGUF
internal import PolymathKit
internal import Seal

/// A federation of clients that train, sign and send, and of an operator that aggregates as `polymath federation
/// aggregate` does.
final class FederatedRounds {
    static let clientCount = 8
    /// The last client is the one that may be hostile.
    static let hostile = clientCount - 1

    private let bench: Workbench
    private let base: LoadedBase
    private let root: SHA256Digest
    private let identities: [Identity]
    private let operatorIdentity: Identity
    private let roster: Roster
    private let rounds: Int
    private let steps: Int
    /// Limits of the wire format, by tensor: no delta may be larger.
    private let limits: [String: Float]
    /// What was trained already, by client, round and start.
    private var trained: [String: String] = [:]

    init(_ bench: Workbench, base: LoadedBase, rounds: Int, steps: Int) throws {
        self.bench = bench
        self.base = base
        self.rounds = rounds
        self.steps = steps
        root = try base.manifest().root
        identities = try (0..<Self.clientCount).map { client in
            try Identity.fromSeed(SHA256Digest.of(Array("client \(client) of a bet; public".utf8)).bytes)
        }
        operatorIdentity = try Identity.fromSeed(SHA256Digest.of(Array("operator of a bet; public".utf8)).bytes)
        roster = Roster(identities.map(\.publicKey))
        for (client, identity) in identities.enumerated() {
            let folder = "\(bench.scratch)/client-\(client)"
            _ = try MadeFolders(folder)
            try AtomicFile.write(
                Array(identity.pem.utf8), to: folder + "/identity.pem", mode: 0o600, placement: .replacing)
        }
        // Document by document in turn, so that every client has some of each person.
        var texts = [String](repeating: "", count: Self.clientCount)
        var dealt = 0
        for person in Workbench.people {
            let file = try bench.corpus(person).path + "/train.jsonl"
            for row in String(decoding: try WholeFile.read(file), as: UTF8.self).split(separator: "\n") {
                texts[dealt % Self.clientCount] += row + "\n"
                dealt += 1
            }
        }
        for (client, text) in texts.enumerated() {
            try AtomicFile.write(
                Array(text.utf8), to: "\(bench.scratch)/client-\(client)/text.jsonl", placement: .replacing)
        }
        var limits: [String: Float] = [:]
        let layers = base.gguf["\(base.gguf["general.architecture"]?.asString ?? "").block_count"]?.asInt ?? 0
        for name in AdapterScope.norms.tensorNames(layerCount: layers) {
            let length = base.gguf.tensor(named: name)?.dimensions.first ?? 0
            limits[name] = try base.gguf.largestGain(named: name, length: length)
        }
        self.limits = limits
    }

    /// How a federation goes: who attacks how, who is away when, and how it aggregates.
    struct Scenario {
        var name: String
        var attack: Attack?
        var isMean = false
        /// Clients that cannot be reached in a round, counted from 1.
        var absent: (Int) -> Set<Int> = { _ in [] }
    }

    struct Outcome {
        /// The last federated adapter; nil where no round came to one.
        var adapter: String?
        /// Adapters accepted in each round; 0 for one that had too few.
        var accepted: [Int] = []
        /// Why the hostile client's file was refused, round by round; nil where it was accepted.
        var refusals: [Refusal.Reason?] = []
        var lostRounds = 0
    }

    func run(_ scenario: Scenario) throws -> Outcome {
        var outcome = Outcome()
        var records: [AggregationRecord] = []
        var firstOfHostile: String?
        let place = "\(bench.scratch)/\(scenario.name.filter { $0.isLetter || $0.isNumber })"
        _ = try MadeFolders(place)
        for round in 1...rounds {
            let away = scenario.absent(round)
            let present = (0..<Self.clientCount).filter { !away.contains($0) }
            var sent: [Int: String] = [:]
            for client in present {
                sent[client] = try bench.time("training") { try train(client, round: round, start: outcome.adapter) }
            }
            if let attack = scenario.attack, let own = sent[Self.hostile] {
                firstOfHostile = firstOfHostile ?? own
                let others = try sent.filter { $0.key != Self.hostile }.sorted { $0.key < $1.key }.map {
                    try NormAdapter.read(path: $0.value).deltas
                }
                let view = Attack.View(
                    start: try outcome.adapter.map { try NormAdapter.read(path: $0).deltas },
                    own: try NormAdapter.read(path: own), others: others,
                    first: firstOfHostile ?? own, limits: limits, identity: identities[Self.hostile], round: round)
                let path = "\(place)/hostile-\(round).gguf"
                try AtomicFile.write(attack.file(view), to: path, placement: .replacing)
                sent[Self.hostile] = path
            }
            let rules =
                scenario.isMean
                ? try AggregationRules(.trimmedMean, faults: 0, trim: 0) : try AggregationRules(.median, faults: 1)
            let aggregation = try Aggregation(
                base: base.gguf, root: root, roster: roster, round: "\(round)", rules: rules, previous: records,
                threads: bench.threads)
            let review = try aggregation.review(Array(sent.values))
            outcome.refusals.append(
                review.refused.first { $0.path == sent[Self.hostile] }?.refusal.reason)
            do {
                let aggregate = try bench.time("aggregation") {
                    try aggregation.aggregate(review, identity: operatorIdentity)
                }
                let path = "\(place)/round-\(round).gguf"
                try AtomicFile.write(aggregate.adapter, to: path, placement: .replacing)
                outcome.adapter = path
                outcome.accepted.append(review.acceptedCount)
                records.append(aggregate.record)
            } catch FederationError.tooFew {
                outcome.accepted.append(0)
                outcome.lostRounds += 1
            }
        }
        return outcome
    }

    /// One client's adapter of a round; the same start gives the same one, whatever scenario asks for it.
    private func train(_ client: Int, round: Int, start: String?) throws -> String {
        let from = try start.map { try NormAdapter.read(path: $0).contentID.hex } ?? "base"
        let key = "\(client) \(round) \(from)"
        if let known = trained[key] { return known }
        let folder = "\(bench.scratch)/client-\(client)"
        let run = try bench.train("client \(client)", seed: UInt64(round)) { request in
            request.corpus = folder + "/text.jsonl"
            request.identityPath = folder + "/identity.pem"
            request.start = start
            request.steps = steps
            request.validationFraction = 0
        }
        let kept = "\(folder)/\(trained.count).gguf"
        try FileManager.default.moveItem(atPath: run.path, toPath: kept)
        try FileManager.default.removeItem(atPath: run.runFolder)
        trained[key] = kept
        return kept
    }
}

/// What the hostile client sends instead of its own adapter.
enum Attack: String, CaseIterable {
    case thousandfold = "1000 x scale"
    case notANumber = "NaN"
    case replay = "replay"
    case signFlip = "sign flip"
    case atTheLimit = "1000 x scale, at the limit"
    case flipAtTheLimit = "sign flip, at the limit"
    case drift = "steady drift"
    case replaySigned = "replay, signed anew"

    /// Whether a rule of the wire or of the round forbids it as it is.
    var breaksARule: Bool { [.thousandfold, .notANumber, .replay].contains(self) }

    /// What the hostile client has and knows.
    struct View {
        /// The federated adapter that the round began with; nil for the base.
        let start: [NormDelta]?
        /// What training gave it.
        let own: NormAdapter
        let others: [[NormDelta]]
        /// Path of what it trained in its first round.
        let first: String
        let limits: [String: Float]
        let identity: Identity
        let round: Int
    }

    /// The bytes that it sends: properly signed by itself.
    func file(_ view: View) throws -> [UInt8] {
        switch self {
        case .replay: return try WholeFile.read(view.first)
        case .replaySigned: return try signed(view, NormAdapter.read(path: view.first).deltas)
        case .thousandfold: return try signed(view, changed(view) { _, start, update in start + 1000 * update })
        case .signFlip:
            return try signed(
                view, changed(view) { limit, start, update in min(limit, max(-limit, start - update)) })
        case .atTheLimit:
            return try signed(view, changed(view) { limit, _, update in update < 0 ? -limit : limit })
        case .flipAtTheLimit:
            return try signed(view, changed(view) { limit, _, update in update < 0 ? limit : -limit })
        case .drift: return try signed(view, drifted(view))
        case .notANumber:
            var bytes = try signed(view, view.own.deltas)
            bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
            return try Self.signedAnew(bytes, by: view.identity)
        }
    }

    private func changed(_ view: View, _ change: (Float, Float, Float) -> Float) -> [NormDelta] {
        view.own.deltas.enumerated().map { index, own in
            let limit = (view.limits[own.name] ?? 0) * 0.999
            let start = view.start?[index].values ?? [Float](repeating: 0, count: own.values.count)
            return NormDelta(name: own.name, values: zip(start, own.values).map { change(limit, $0, $1 - $0) })
        }
    }

    /// One and a half standard deviations off the others' mean, against the way that they went.
    private func drifted(_ view: View) -> [NormDelta] {
        view.own.deltas.enumerated().map { index, own in
            let limit = Double(view.limits[own.name] ?? 0) * 0.999
            let values = own.values.indices.map { place -> Float in
                let all = view.others.map { Double($0[index].values[place]) }
                let mean = all.reduce(0, +) / Double(max(1, all.count))
                let spread = (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count))).squareRoot()
                let start = Double(view.start?[index].values[place] ?? 0)
                let wanted = mean - (mean < start ? -1.5 : 1.5) * spread
                return Float(min(limit, max(-limit, wanted)))
            }
            return NormDelta(name: own.name, values: values)
        }
    }

    /// In f32, so that nothing of it is rounded away; the recipe differs from round to round, and with it the content id.
    private func signed(_ view: View, _ deltas: [NormDelta]) throws -> [UInt8] {
        try NormAdapter.encode(
            architecture: view.own.architecture, scope: view.own.scope, encoding: .f32,
            layerCount: view.own.layerCount, baseRoot: view.own.baseRoot,
            recipe: SHA256Digest.of(Array("\(rawValue) \(view.round)".utf8)), deltas: deltas, identity: view.identity)
    }

    /// Replaces the signature of an adapter whose bytes were changed.
    private static func signedAnew(_ bytes: [UInt8], by identity: Identity) throws -> [UInt8] {
        let key = Array("adapter.signature".utf8)
        var bytes = bytes
        guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: key) }) else { return bytes }
        // After the key stand its type, the element type and the count.
        let place = at + key.count + 16..<at + key.count + 16 + PublicKey.signatureByteCount
        bytes.replaceSubrange(place, with: repeatElement(0, count: place.count))
        bytes.replaceSubrange(place, with: try identity.sign(bytes))
        return bytes
    }
}
