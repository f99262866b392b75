import Adapter
import Bytes
import Digest
import Federation
import Foundation
import GGUF
import TestSupport

/// A small base, and people who sign adapters of it.
struct Fixture {
    static let width = 64
    static let layers = 3
    static let root = SHA256Digest.of(Array("a base".utf8))

    let folder = TemporaryFolder()
    let base: GGUFFile

    init() throws {
        var random = SeededGenerator(seed: 1)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        writer.add("qwen2.block_count", .uint32(UInt32(Self.layers)))
        let names = AdapterScope.allNorms.tensorNames(layerCount: Self.layers)
        for name in names {
            var bytes = ByteWriter()
            for _ in 0..<Self.width { bytes.append(1 + random.float(in: -0.1...0.1)) }
            writer.add(tensor: name, .f32, [Self.width], bytes: bytes.bytes)
        }
        base = try GGUFFile(parsing: ByteRegion(writer.serialized()))
    }

    static func person(_ number: Int) throws -> Identity {
        var seed = [UInt8](repeating: 7, count: 32)
        seed[0] = UInt8(truncatingIfNeeded: number)
        seed[1] = UInt8(truncatingIfNeeded: number >> 8)
        return try Identity.fromSeed(seed)
    }

    static func roster(_ people: Range<Int>) throws -> Roster { Roster(try people.map { try person($0).publicKey }) }

    static func deltas(_ scope: AdapterScope = .norms, seed: Int, amplitude: Float = 0.2) -> [NormDelta] {
        var random = SeededGenerator(seed: UInt64(seed))
        return scope.tensorNames(layerCount: layers).map { name in
            NormDelta(name: name, values: (0..<width).map { _ in random.float(in: -amplitude...amplitude) })
        }
    }

    static func adapter(
        of person: Int, _ scope: AdapterScope = .norms, encoding: DeltaEncoding = .q8_0, deltas: [NormDelta]? = nil,
        root: SHA256Digest = root
    ) throws -> [UInt8] {
        try NormAdapter.encode(
            architecture: "qwen2", scope: scope, encoding: encoding, layerCount: layers, baseRoot: root,
            recipe: SHA256Digest.of([UInt8(truncatingIfNeeded: person)]),
            deltas: deltas ?? Self.deltas(scope, seed: person), identity: Self.person(person))
    }

    /// Signs an adapter's bytes anew after something was changed in them.
    static func signed(_ bytes: [UInt8], by person: Int) throws -> [UInt8] {
        let key = Array("adapter.signature".utf8)
        var bytes = bytes
        guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: key) }) else { return bytes }
        // After the key: its type, the element type and the count.
        let place = at + key.count + 16..<at + key.count + 16 + 64
        bytes.replaceSubrange(place, with: repeatElement(0, count: 64))
        bytes.replaceSubrange(place, with: try Self.person(person).sign(bytes))
        return bytes
    }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = folder.path(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// Adapters of these people in a folder of their own.
    func inbox(_ people: Range<Int>, encoding: DeltaEncoding = .q8_0, _ name: String = "inbox") throws -> String {
        for person in people { try write(Self.adapter(of: person, encoding: encoding), "\(name)/\(person).gguf") }
        return folder.path(name)
    }

    func aggregation(
        _ method: AggregationMethod = .median, people: Range<Int>, round: String = "1", faults: Int = 1,
        trim: Int? = nil, clip: Double? = nil, encoding: DeltaEncoding = .f32, previous: [AggregationRecord] = [],
        threads: Int = 1
    ) throws -> Aggregation {
        try Aggregation(
            base: base, root: Self.root, roster: Self.roster(people), round: round,
            rules: AggregationRules(method, faults: faults, trim: trim, clip: clip, encoding: encoding),
            previous: previous, threads: threads)
    }

    /// The operator is nobody on the roster.
    static let operatorNumber = 9_999

    func run(_ aggregation: Aggregation, _ inputs: [String]) throws -> Aggregate {
        try aggregation.aggregate(aggregation.review(inputs), identity: Self.person(Self.operatorNumber))
    }
}
