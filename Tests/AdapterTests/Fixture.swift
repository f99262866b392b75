import Adapter
import Blocks
import Bytes
import Digest
import GGUF
import TestSupport

/// A small base, an identity of a fixed seed, and adapters built by another writer than the one under test.
enum Fixture {
    static let width = 64
    static let layers = 3

    static func identity(_ seed: UInt8 = 7) throws -> Identity {
        try Identity.fromSeed([UInt8](repeating: seed, count: 32))
    }

    static let root = SHA256Digest.of(Array("a base".utf8))
    static let recipe = SHA256Digest.of(Array("a recipe".utf8))

    /// A base of three layers and a tied head, with gains near 1.
    static func base(tied: Bool = true) throws -> [UInt8] {
        var random = SeededGenerator(seed: 1)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        writer.add("general.name", .string("test"))
        writer.add("qwen2.block_count", .uint32(UInt32(layers)))
        func add(_ name: String, _ dimensions: [Int], around middle: Float) {
            var bytes = ByteWriter()
            for _ in 0..<dimensions.reduce(1, *) { bytes.append(middle + random.normal() * 0.1) }
            writer.add(tensor: name, .f32, dimensions, bytes: bytes.bytes)
        }
        add("token_embd.weight", [width, 5], around: 0)
        for layer in 0..<layers {
            add("blk.\(layer).attn_norm.weight", [width], around: 1)
            add("blk.\(layer).ffn_norm.weight", [width], around: 1)
            add("blk.\(layer).attn_q.weight", [width, width], around: 0)
        }
        add("output_norm.weight", [width], around: 1)
        if !tied { add("output.weight", [width, 5], around: 0) }
        return try writer.serialized()
    }

    static func deltas(_ scope: AdapterScope, amplitude: Float = 0.05, seed: UInt64 = 3) -> [NormDelta] {
        var random = SeededGenerator(seed: seed)
        return scope.tensorNames(layerCount: layers).map { name in
            NormDelta(name: name, values: (0..<width).map { _ in random.float(in: -amplitude...amplitude) })
        }
    }

    static func adapter(
        _ scope: AdapterScope = .norms, encoding: DeltaEncoding = .q8_0, deltas: [NormDelta]? = nil
    ) throws -> [UInt8] {
        try NormAdapter.encode(
            architecture: "qwen2", scope: scope, encoding: encoding, layerCount: layers, baseRoot: root, recipe: recipe,
            deltas: deltas ?? Self.deltas(scope), identity: identity())
    }

    /// The keys of a good adapter, to be spoilt.
    static func keys() throws -> [(String, GGUFValue)] {
        [
            ("general.architecture", .string("qwen2")), ("general.type", .string("adapter")),
            ("adapter.type", .string("norm")), ("adapter.norm.version", .uint32(1)),
            ("adapter.norm.scope", .string("norms")), ("adapter.norm.encoding", .string("f32")),
            ("adapter.base.root", .array(GGUFArray(bytes: root.bytes))),
            ("adapter.run.recipe", .array(GGUFArray(bytes: recipe.bytes))),
            ("adapter.signer", .array(GGUFArray(bytes: try identity().publicKey.bytes))),
            ("adapter.signature", .array(GGUFArray(bytes: [UInt8](repeating: 0, count: 64)))),
        ]
    }

    struct Tensor {
        var name: String
        var type = StorageType.f32
        var dimensions = [width]
        var bytes: [UInt8]
    }

    static func tensors() -> [Tensor] {
        deltas(.norms).map { delta in
            var bytes = ByteWriter()
            for value in delta.values { bytes.append(value) }
            return Tensor(name: delta.name, bytes: bytes.bytes)
        }
    }

    /// A validly signed file with any keys and tensors, written by `GGUFWriter`.
    static func signed(_ keys: [(String, GGUFValue)], _ tensors: [Tensor]) throws -> [UInt8] {
        var writer = GGUFWriter()
        for (key, value) in keys { writer.add(key, value) }
        for tensor in tensors { writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, bytes: tensor.bytes) }
        return try signed(writer.serialized())
    }

    /// The same bytes with a valid signature in the last key.
    static func signed(_ file: [UInt8]) throws -> [UInt8] {
        var file = file
        guard
            let record = try GGUFFile(parsing: ByteRegion(file)).records.last(where: { $0.key.hasSuffix("signature") })
        else { return file }
        let end = record.rawBytes.baseOffset + record.rawBytes.byteCount
        file.replaceSubrange(end - 64..<end, with: [UInt8](repeating: 0, count: 64))
        file.replaceSubrange(end - 64..<end, with: try identity().sign(file))
        return file
    }
}
